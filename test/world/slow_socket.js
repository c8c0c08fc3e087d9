// A socket whose owner reads as few do: nothing, a byte now and then, or so much and then it is gone.

import { connect } from "node:net";

// `reads`: "all"; "nothing", which never sees its end either; "a byte", every 50 ms; "a part", after which it leaves.
export function open_socket(t, address, reads = "all") {
  const [host, port] = address.split(":");
  const options = { host, port: Number(port) };
  let socket;
  // What is read from the kernel is what fits here: a socket of Node takes 64 KiB at a time otherwise.
  if (reads === "a byte") {
    const pause = () => {
      setTimeout(() => socket.resume(), 50);
      return false;
    };
    options.onread = { buffer: Buffer.alloc(1), callback: pause };
  } else if (reads === "a part") {
    let left = part_bytes;
    const count = (bytes) => {
      left -= bytes;
      if (left <= 0) socket.destroy();
      return left > 0;
    };
    options.onread = { buffer: Buffer.alloc(500), callback: count };
  }
  socket = connect(options);
  if (reads === "nothing") socket.pause();
  socket.on("error", () => {}); // being let go with a reset is what some wait for
  t.after(() => socket.destroy());
  return socket;
}

// What comes before the first frame and a little of it: RTMP's handshake is 3,073 bytes.
const part_bytes = 6_000;
