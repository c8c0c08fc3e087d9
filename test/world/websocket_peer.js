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
  let rest = Buffer.alloc(0);
  const head = await new Promise((resolve, reject) => {
    socket.on("close", () => reject(new Error("closed without an answer")));
    socket.on("error", reject);
    let answered = false;
    let upgraded = false;
    socket.on("data", (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      if (!answered) {
        const end = rest.indexOf("\r\n\r\n");
        if (end < 0) return;
        answered = true;
        const head = rest.subarray(0, end).toString("latin1");
        rest = rest.subarray(end + 4);
        upgraded = / 101 /.test(head);
        resolve(head);
      }
      if (!upgraded) return;
      for (let frame = take_frame(); frame; frame = take_frame()) hear(frame);
      look();
    });
    socket.write(request(address, name, more, "room", token, query));
  });

  function take_frame() {
    if (rest.length < 2) return undefined;
    let size = rest[1] & 127;
    let at = 2;
    if (size === 126) [size, at] = rest.length < 4 ? [Infinity, 0] : [rest.readUInt16BE(2), 4];
    if (rest.length < at + size) return undefined;
    const frame = { opcode: rest[0] & 15, payload: rest.subarray(at, at + size) };
    rest = rest.subarray(at + size);
    return frame;
  }
  function hear({ opcode, payload }) {
    if (opcode === 1) all.push(...JSON.parse(payload.toString()));
    if (opcode === 8) all.push({ type: "closed", code: payload.readUInt16BE(0) });
    if (opcode === 9) socket.write(Buffer.concat([Buffer.from([0x8a, payload.length | 128, 0, 0, 0, 0]), payload])); // or he is gone
  }
  return {
    head,
    all,
    get refusal() {
      return rest.toString();
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

function request(address, name, more = [], what = "push", token = undefined, query = "") {
  const guest = token === undefined ? "" : `/t/${token}`;
  const head = [
    ...[`GET ${guest}/live/${name}/${what}${query} HTTP/1.1`, `Host: ${address}`, "Upgrade: websocket", "Connection: Upgrade"],
    ...["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", `Sec-WebSocket-Protocol: klieg.${what}.1`],
    ...more,
  ];
  return `${head.join("\r\n")}\r\n\r\n`;
}
