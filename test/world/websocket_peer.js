// Viewers of the push tier, and of rooms, on bare sockets.

import { within } from "./program.js";
import { open_socket } from "./slow_socket.js";

const patience_ms = 60_000; // no test waits for ever

// Asks HOST:PORT for what is pushed of `name`; the head of the answer, after which it reads nothing. `more`: further
// fields, "Name: value" each; `token`: of a guest.
export function ask_for_push(t, address, name = "show", more = [], token = undefined) {
  const socket = open_socket(t, address);
  socket.write(request(address, name, more, "push", token));
  return new Promise((resolve, reject) => {
    socket.once("data", (bytes) => {
      socket.pause();
      resolve(bytes.toString("latin1").split("\r\n\r\n")[0]);
    });
    socket.once("close", () => reject(new Error("closed without an answer")));
  });
}

// A viewer who reads as slow_socket.js says.
export function push_viewer(t, address, name, { reads }) {
  open_socket(t, address, reads).write(request(address, name));
}

// Watches what is pushed until `enough` came; all of it: {track, key, initialization, ticks}, `ticks` the decode time
// of a chunk; words are {type}.
export async function watch_push(t, address, name, query, enough) {
  const socket = open_socket(t, address);
  const all = [];
  const watched = new Promise((resolve, reject) => {
    socket.on("close", () => reject(new Error(`closed before it was enough: ${JSON.stringify(all).slice(-2_000)}`)));
    each_frame(socket, ({ opcode, payload }) => {
      if (opcode === 1) all.push({ type: JSON.parse(payload.toString()).type });
      if (opcode === 2) {
        const tfdt = payload.indexOf("tfdt") + 4; // ISO/IEC 14496-12 8.8.12, of version 1
        const initialization = (payload[1] & 4) !== 0;
        const ticks = initialization ? null : Number(payload.readBigUInt64BE(tfdt + 4));
        all.push({ track: payload[0], key: (payload[1] & 1) !== 0, initialization, ticks });
      }
      if (enough(all)) resolve(all);
    });
  });
  socket.write(request(address, name, [], "push", undefined, query));
  const late = () => new Error(`not enough within ${patience_ms} ms: ${JSON.stringify(all).slice(-2_000)}`);
  return within(watched, patience_ms, late).finally(() => socket.destroy());
}

// A viewer of NAME's room at HOST:PORT. What he hears is kept in `all`; heard() waits for the thing itself, several at
// once if need be, and gives up when the connection has ended without it. `query`: "?ticket=..."; who is refused has the
// server's words in `refusal`.
export async function enter_room(t, address, name = "show", more = [], token = undefined, query = "") {
  const socket = open_socket(t, address);
  const all = [];
  const listeners = new Set();
  const look = () => {
    for (const listener of listeners) listener();
  };
  let closed = false;
  socket.on("close", () => {
    closed = true;
    look();
  });
  const answer = each_frame(socket, ({ opcode, payload }) => {
    if (opcode === 1) all.push(...JSON.parse(payload.toString()));
    if (opcode === 8) all.push({ type: "closed", code: payload.readUInt16BE(0) });
    if (opcode === 9) socket.write(Buffer.concat([Buffer.from([0x8a, payload.length | 128, 0, 0, 0, 0]), payload])); // or he is gone
    look();
  });
  socket.write(request(address, name, more, "room", token, query));
  return {
    head: await answer.head,
    all,
    get refusal() {
      return answer.rest.toString();
    },
    // Masked with zeros, which leaves what it says as it is (RFC 6455 5.3).
    say: (message) => {
      const payload = Buffer.from(JSON.stringify(message));
      const extended = payload.length < 126 ? [payload.length | 128] : [126 | 128, payload.length >> 8, payload.length & 255];
      socket.write(Buffer.concat([Buffer.from([0x81, ...extended, 0, 0, 0, 0]), payload]));
    },
    heard: (wanted) => {
      const missing = (why) => new Error(`${why} ${wanted}; it said:\n${JSON.stringify(all).slice(-4_000)}`);
      let listener;
      const found = new Promise((resolve, reject) => {
        listener = () => {
          const event = all.find(wanted);
          if (event) resolve(event);
          else if (closed) reject(missing("the room was closed before"));
        };
        listeners.add(listener);
        listener();
      });
      return within(found, patience_ms, () => missing(`not within ${patience_ms} ms:`)).finally(() => listeners.delete(listener));
    },
  };
}

// Hears what the server says. `head`: of its answer, a promise; `rest`: what follows, where that is no frame.
function each_frame(socket, hear) {
  const answer = { rest: Buffer.alloc(0) };
  answer.head = new Promise((resolve, reject) => {
    socket.on("close", () => reject(new Error("closed without an answer")));
    socket.on("error", reject);
    let answered = false;
    let upgraded = false;
    socket.on("data", (bytes) => {
      answer.rest = Buffer.concat([answer.rest, bytes]);
      if (!answered) {
        const end = answer.rest.indexOf("\r\n\r\n");
        if (end < 0) return;
        answered = true;
        const head = answer.rest.subarray(0, end).toString("latin1");
        answer.rest = answer.rest.subarray(end + 4);
        upgraded = / 101 /.test(head);
        resolve(head);
      }
      if (!upgraded) return;
      for (let frame = take_frame(); frame; frame = take_frame()) hear(frame);
    });
  });
  answer.head.catch(() => {}); // who does not wait for it hears of the end otherwise
  return answer;

  function take_frame() {
    const { rest } = answer;
    if (rest.length < 2) return undefined;
    let size = rest[1] & 127;
    let at = 2;
    if (size === 126) [size, at] = rest.length < 4 ? [Infinity, 0] : [rest.readUInt16BE(2), 4];
    else if (size === 127) [size, at] = rest.length < 10 ? [Infinity, 0] : [Number(rest.readBigUInt64BE(2)), 10];
    if (rest.length < at + size) return undefined;
    const frame = { opcode: rest[0] & 15, payload: rest.subarray(at, at + size) };
    answer.rest = rest.subarray(at + size);
    return frame;
  }
}

function request(address, name, more = [], what = "push", token = undefined, query = "") {
  const guest = token === undefined ? "" : `/t/${token}`;
  const head = [
    ...[`GET ${guest}/live/${name}/${what}${query} HTTP/1.1`, `Host: ${address}`, "Upgrade: websocket", "Connection: Upgrade"],
    ...["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", `Sec-WebSocket-Protocol: klieg.${what}.1`],
    ...more,
  ];
  return `${head.join("\r\n")}\r\n\r\n`;
}
