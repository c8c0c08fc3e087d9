// A viewer of the push tier on a bare socket, who reads the answer's head and nothing after it.

import { connect } from "node:net";

// Asks HOST:PORT for what is pushed of `name`; the head of the answer. `more`: further fields, "Name: value" each.
export function ask_for_push(t, address, name = "show", more = []) {
  const [host, port] = address.split(":");
  const socket = connect(Number(port), host);
  t.after(() => socket.destroy());
  socket.on("error", () => {}); // being let go with a reset is what some wait for
  const head = [
    ...[`GET /live/${name}/push HTTP/1.1`, `Host: ${address}`, "Upgrade: websocket", "Connection: Upgrade"],
    ...["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: klieg.push.1"],
    ...more,
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  return new Promise((resolve, reject) => {
    socket.once("data", (bytes) => {
      socket.pause();
      resolve(bytes.toString("latin1").split("\r\n\r\n")[0]);
    });
    socket.once("close", () => reject(new Error("closed without an answer")));
  });
}
