// Places far from each other on one machine: network namespaces, and wires between them that take their time.
//
// A wire is bench/long_wire.cc, in user space, because not every kernel has netem. It makes what a packet on it waits for
// real, can lose some and be cut and healed; bandwidth is the kernel's own.

import { spawnSync } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { temporary_folder } from "./klieg.js";
import { Program, run } from "./program.js";

const long_wire = fileURLToPath(new URL("../../build/release/bench/bench_long_wire", import.meta.url));
const patience_ms = 10_000;

// Why there can be no such places here; undefined: there can.
export function why_no_sites() {
  const tried = spawnSync("unshare", ["--net", "sh", "-c", "ip link set lo up && ip tuntap add dev probe mode tun"]);
  return tried.status === 0 ? undefined : "network namespaces and TUN devices need root and a kernel that has them";
}

export class Site {
  // Each wire to it gives it one more address.
  static async start(t, name) {
    const keeper = new Program(t, "unshare", ["--net", "sh", "-c", "ip link set lo up && echo up && exec sleep 3600"]);
    await keeper.heard(/^up$/m);
    return new Site(t, name, keeper.pid);
  }

  constructor(t, name, pid) {
    this.t = t;
    this.name = name;
    this.pid = pid;
  }

  #entered(command, args) {
    return ["-t", String(this.pid), "-n", command, ...args.map(String)];
  }
  // A program that runs here until it is stopped.
  start(command, args, options) {
    return new Program(this.t, "nsenter", this.#entered(command, args), options);
  }
  // What a program that runs here to its end says.
  async run(command, args, within_ms = patience_ms) {
    return (await run(this.t, "nsenter", this.#entered(command, args), within_ms)).output;
  }
  // The body of what is answered here.
  get(url) {
    return this.run("curl", ["--silent", "--show-error", "--fail", "--compressed", "--max-time", "10", url]);
  }

  // Chromium in this place: a program that enters it first.
  async chromium() {
    const path = join(await temporary_folder(this.t), `chromium-in-${this.name}`);
    const entered = this.#entered(process.env.CHROMIUM ?? "/usr/bin/chromium", []).join(" ");
    await writeFile(path, `#!/bin/sh\nexec nsenter ${entered} "$@"\n`);
    await chmod(path, 0o755);
    return path;
  }
}

let wires = 0;

export class Wire {
  // Between two places, `one_way_ms` each way. They are `here` and `there` for each other. `lost_share`: of the packets;
  // `jitter_ms`: that the way takes longer at times.
  static async lay(t, a, b, one_way_ms, { lost_share = 0, jitter_ms = 0 } = {}) {
    const number = ++wires;
    const device = `wire${number}`;
    const carrier = a.start(long_wire, [one_way_ms, device, device, b.pid, lost_share, jitter_ms]);
    await carrier.heard(/^ready$/m);
    const wire = new Wire(a, b, device, `10.98.${number}.1`, `10.98.${number}.2`);
    for (const [site, mine, other] of [
      [a, wire.at_a, wire.at_b],
      [b, wire.at_b, wire.at_a],
    ]) {
      await site.run("ip", ["addr", "add", mine, "peer", other, "dev", device]);
      await site.run("ip", ["link", "set", device, "up"]);
    }
    return wire;
  }

  constructor(a, b, device, at_a, at_b) {
    this.a = a;
    this.b = b;
    this.device = device;
    this.at_a = at_a; // a's address, as b reaches it
    this.at_b = at_b;
  }

  // Nothing passes, and nobody is told.
  cut() {
    return this.a.run("ip", ["link", "set", this.device, "down"]);
  }
  heal() {
    return this.a.run("ip", ["link", "set", this.device, "up"]);
  }
}
