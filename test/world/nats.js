// nats-server as Debian has it, on a port of this machine.

import { createServer } from "node:net";

import { Program } from "./program.js";

// Made, and not started yet.
export async function make_nats(t) {
  const port = await new Promise((resolve) => {
    const taken = createServer().listen(0, "127.0.0.1", () => {
      const { port } = taken.address();
      taken.close(() => resolve(port));
    });
  });
  return new Nats(t, port);
}

class Nats {
  constructor(t, port) {
    this.t = t;
    this.port = port;
  }
  // As `klieg serve --bus` takes it.
  get name() {
    return `nats://127.0.0.1:${this.port}`;
  }

  async start() {
    this.program = new Program(this.t, "/usr/sbin/nats-server", ["-a", "127.0.0.1", "-p", String(this.port)]);
    await this.program.heard(/Server is ready/);
  }

  async kill() {
    this.program.signal("SIGKILL");
    await this.program.ended;
  }
}
