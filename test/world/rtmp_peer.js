// A peer on a bare socket, which says what no encoder would: RTMP put together by hand, and the time of its end.

import { randomBytes } from "node:crypto";

import { until } from "./program.js";
import { open_socket } from "./slow_socket.js";

// A connection of which only the words heard and the end are of interest; who does not read all hears nothing.
export class Peer {
  constructor(t, address, { reads = "all" } = {}) {
    this.heard = "";
    this.ended_after_ms = undefined; // from connecting to the server's end of it
    const began_ms = performance.now();
    this.socket = open_socket(t, address, reads);
    this.connected = new Promise((resolve) => this.socket.once("connect", resolve));
    const end = () => (this.ended_after_ms ??= performance.now() - began_ms);
    this.socket.on("error", end).on("end", end).on("close", end);
    const hear = (text) => (this.heard = (this.heard + text).slice(-8192));
    if (reads === "all") this.socket.setEncoding("latin1").on("data", hear);
  }

  send(bytes) {
    if (this.ended_after_ms === undefined) this.socket.write(bytes);
  }

  // How long it lived, in ms; the server must have ended it by then.
  ended(within_ms) {
    return until("the end of a connection", () => this.ended_after_ms, within_ms);
  }
  hears(words, within_ms = 10_000) {
    return until(`the words ${words}`, () => (this.heard.includes(words) ? true : undefined), within_ms);
  }
}

// C0, C1 and C2 in one go: whoever answers a simple handshake need not look at C2.
export const handshake = () => Buffer.concat([Buffer.from([3]), Buffer.alloc(8), randomBytes(1528), randomBytes(1536)]);

export const audio = 8;
export const video = 9;
const set_chunk_size = 1;
const command = 20;
export const chunk_size = 65_536;

// One message in chunks. `declared_size` is what its header says, whatever really comes.
export function message(type, body, { stream = 1, time_ms = 0, chunk_stream = 4, declared_size = body.length } = {}) {
  const header = Buffer.alloc(12);
  header[0] = chunk_stream;
  header.writeUIntBE(Math.min(time_ms, 0xffffff), 1, 3);
  header.writeUIntBE(declared_size, 4, 3);
  header[7] = type;
  header.writeUInt32LE(stream, 8);
  const extended_time = Buffer.alloc(time_ms >= 0xffffff ? 4 : 0);
  if (extended_time.length) extended_time.writeUInt32BE(time_ms);
  const pieces = [header, extended_time];
  for (let at = 0; at === 0 || at < body.length; at += chunk_size) {
    if (at) pieces.push(Buffer.from([0xc0 | chunk_stream]), extended_time);
    pieces.push(body.subarray(at, at + chunk_size));
  }
  return Buffer.concat(pieces);
}

// AMF0 of what commands are made of: numbers, strings, null, and objects of these.
function amf(value) {
  if (value === null) return Buffer.from([5]);
  if (typeof value === "number") {
    const bytes = Buffer.alloc(9);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  if (typeof value === "string") return Buffer.concat([Buffer.from([2]), counted(value)]);
  const fields = Object.entries(value).flatMap(([name, field]) => [counted(name), amf(field)]);
  return Buffer.concat([Buffer.from([3]), ...fields, Buffer.from([0, 0, 9])]);
}
const counted = (text) => Buffer.concat([Buffer.from([text.length >> 8, text.length & 255]), Buffer.from(text)]);
const call = (stream, ...values) => message(command, Buffer.concat(values.map(amf)), { stream, chunk_stream: 3 });

// A peer that has been let in: it may send messages on stream 1. As encoders do, it comes again while the server still
// counts the publisher before it, whose connection has ended a moment ago.
export function publishing_peer(t, address, key) {
  return until("being let in", async () => {
    const peer = asking_to_publish(t, address, key);
    await peer.hears("NetStream.Publish.");
    if (peer.heard.includes("NetStream.Publish.Start")) return peer;
    peer.socket.destroy();
    throw new Error(peer.heard.replace(/[^ -~]+/g, " "));
  });
}

// A peer that asks to play `name`. `how`: { reads }, of slow_socket.js.
export const playing_peer = (t, address, name, how) => asking(t, address, how, "play", name);

const asking_to_publish = (t, address, key) => asking(t, address, {}, "publish", key, "live");

function asking(t, address, how, ...words) {
  const peer = new Peer(t, address, how);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(chunk_size);
  peer.send(handshake());
  peer.send(message(set_chunk_size, size, { stream: 0, chunk_stream: 2 }));
  peer.send(call(0, "connect", 1, { app: "live", tcUrl: `rtmp://${address}/live`, flashVer: "hostile" }));
  peer.send(call(0, "createStream", 2, null));
  peer.send(call(1, words[0], 3, null, ...words.slice(1)));
  return peer;
}
