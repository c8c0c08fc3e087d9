// Viewers of the push tier on bare sockets.

import { open_socket } from "./slow_socket.js";

// Asks HOST:PORT for what is pushed of `name`; the head of the answer, after which it reads nothing. `more`: further
// fields, "Name: value" each.
export function ask_for_push(t, address, name = "show", more = []) {
  const socket = open_socket(t, address);
  socket.write(request(address, name, more));
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

function request(address, name, more = []) {
  const head = [
    ...[`GET /live/${name}/push HTTP/1.1`, `Host: ${address}`, "Upgrade: websocket", "Connection: Upgrade"],
    ...["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: klieg.push.1"],
    ...more,
  ];
  return `${head.join("\r\n")}\r\n\r\n`;
}
