// What a node of ours says to another: for tests that say it with a node's secret, or without.

import { createHmac } from "node:crypto";

// The field by which a node proves itself (src/edge/node_token.h).
export function proof_of_node(secret, id, method, target) {
  const seconds = Math.floor(Date.now() / 1000);
  const proved = ["klieg-node", method, target, seconds, id].join("\n");
  const mac = createHmac("sha256", secret).update(proved).digest("base64");
  return { "klieg-node": `id=${id}, t=${seconds}, mac=:${mac}:` };
}

// A ticket that says who somebody is in the room of a channel (src/wire/room_ticket.h), good until a moment.
export function room_ticket(secret, channel, { account, name, standing, expires_s }) {
  const key = createHmac("sha256", secret).update("klieg-room").digest();
  const id = createHmac("sha256", key).update("id").digest("hex").slice(0, 8);
  const said = [id, expires_s, account, standing, name].join(".");
  const mac = createHmac("sha256", key).update(["klieg-room", channel, said].join("\n")).digest();
  return `${said}.${mac.subarray(0, 16).toString("base64url")}`;
}

// Where the batches of a room go, as what is proved (src/audience/upward.h).
export function upward_target(topic, body) {
  return `/.klieg/room${topic}?digest=${createHmac("sha256", topic).update(body).digest("hex")}`;
}

// A batch (src/wire/room_record.h) that gives some hearts for a tenth of a second of media.
export function batch_of_hearts({ node, sequence, bucket, count }) {
  const run = 1n;
  const fields = Buffer.alloc(2 + node.length + 8 + 8 + 4 + 1 + 4 + 4 + 4);
  let at = fields.writeUInt16BE(node.length, 0);
  at += fields.write(node, at, "latin1");
  at = fields.writeBigUInt64BE(run, at);
  at = fields.writeBigUInt64BE(BigInt(sequence), at);
  at = fields.writeUInt32BE(1, at); // records
  at = fields.writeUInt8(0, at); // HeartsGiven
  at = fields.writeUInt32BE(1, at); // of one bucket
  at = fields.writeUInt32BE(bucket, at);
  fields.writeUInt32BE(count, at);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(fields.length);
  return Buffer.concat([size, fields]);
}
