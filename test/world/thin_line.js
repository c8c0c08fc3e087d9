// A line between viewers and a server, on loopback: as slow as it is told to be, for everybody on it together, and it can
// break. What Chromium's own limit of a page's network leaves out, WebSockets, is slow here, too.

import { connect, createServer } from "node:net";

const tick_ms = 10;
const late_ms_max = 100; // a tick that comes later than this has lost the time
const packet_size = 1_400;
const queued_max = 32 << 10; // of a connection, as some router on the way would hold; then the server has to wait

// One connection: upward at once, downward packet by packet.
class Way {
  constructor(viewer, address) {
    const [host, port] = address.split(":");
    this.viewer = viewer;
    this.server = connect(Number(port), host);
    this.queue = [];
    this.queued = 0;
    viewer.pipe(this.server);
    this.server.on("data", (bytes) => {
      this.queue.push(bytes);
      this.queued += bytes.length;
      if (this.queued > queued_max) this.server.pause();
    });
    this.server.on("end", () => this.queued === 0 && viewer.end());
    for (const socket of [viewer, this.server]) socket.setNoDelay().on("error", () => this.break());
    viewer.on("close", () => this.server.destroy());
  }

  // How many bytes it was.
  pass(most) {
    const [bytes] = this.queue;
    const packet = bytes.subarray(0, most);
    if (packet.length === bytes.length) this.queue.shift();
    else this.queue[0] = bytes.subarray(most);
    this.queued -= packet.length;
    this.viewer.write(packet);
    if (this.queued < queued_max) this.server.resume();
    if (this.queued === 0 && this.server.readableEnded) this.viewer.end();
    return packet.length;
  }

  break() {
    this.viewer.destroy();
    this.server.destroy();
  }
}

export class ThinLine {
  // To a server at "HOST:PORT".
  static async lay(t, address) {
    const line = new ThinLine(address);
    await new Promise((resolve) => line.server.listen(0, "127.0.0.1", resolve));
    const ticking = setInterval(() => line.#carry(), tick_ms);
    t.after(() => {
      clearInterval(ticking);
      line.server.close();
      line.break();
    });
    return line;
  }

  constructor(address) {
    this.kbps = Infinity;
    this.left = 0; // bytes; less than none: borrowed from the next tick
    this.carried_ms = performance.now();
    this.ways = new Set();
    this.server = createServer((viewer) => {
      const way = new Way(viewer, address);
      this.ways.add(way);
      viewer.on("close", () => this.ways.delete(way));
    });
  }

  get http() {
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  // Every connection on it is lost; new ones can be made.
  break() {
    for (const way of this.ways) way.break();
  }

  // Each in turn a packet, until what the line carries since the last time is spent.
  #carry() {
    const now_ms = performance.now();
    this.left = Math.min(this.left, 0) + (this.kbps / 8) * Math.min(now_ms - this.carried_ms, late_ms_max);
    this.carried_ms = now_ms;
    for (let moved = true; moved && this.left > 0; ) {
      moved = false;
      for (const way of this.ways) {
        if (this.left <= 0 || way.queue.length === 0) continue;
        this.left -= way.pass(packet_size);
        moved = true;
      }
    }
  }
}
