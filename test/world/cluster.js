// Several machines: nodes of one Klieg in places of their own, around a hub that has PostgreSQL, NATS and this program.
//
//   node --wire-- hub --wire-- node      cut a wire, and a node is alone
//
// The hub is the network namespace of this process, so a test that uses it runs in one of its own: in_a_place().

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

import { klieg_path, temporary_folder } from "./klieg.js";
import { Site, Wire } from "./network.js";
import { Program, run } from "./program.js";

const inside = "TEST_INSIDE_A_PLACE";
const http_port = 8080;
const rtmp_port = 1935;
const admin_port = 8090;

// What a test is to do: run its file (of `meta`) once more in a network namespace of its own, and there `body`.
export function in_a_place(meta, within_ms, body) {
  if (process.env[inside]) return body;
  const enter = 'ip link set lo up && echo 1 > /proc/sys/net/ipv4/ip_forward && exec "$0" "$1"';
  return (t) =>
    run(t, "unshare", ["--net", "sh", "-c", enter, process.execPath, fileURLToPath(meta.url)], within_ms, {
      env: { [inside]: "1", NODE_TEST_CONTEXT: undefined },
    });
}

export class Hub {
  constructor(t) {
    this.t = t;
    this.pid = process.pid;
  }
  start(command, args, options) {
    return new Program(this.t, command, args.map(String), options);
  }
  async run(command, args, within_ms = 10_000) {
    return (await run(this.t, command, args.map(String), within_ms)).output;
  }

  async start_nats() {
    this.nats = this.start("/usr/sbin/nats-server", ["-a", "0.0.0.0", "-p", "4222"]);
    await this.nats.heard(/Server is ready/);
  }
}

// A machine with a node on it. `flags`: of `klieg serve`.
export class Machine {
  static async start(t, hub, name, flags) {
    const site = await Site.start(t, name);
    const wire = await Wire.lay(t, hub, site, 1);
    await site.run("ip", ["route", "add", "10.98.0.0/16", "dev", wire.device]);
    return new Machine(site, wire, await temporary_folder(t), flags);
  }

  constructor(site, wire, data, flags) {
    this.site = site;
    this.wire = wire;
    this.data = data;
    this.flags = flags;
    this.name = site.name;
    this.address = { http: `${wire.at_b}:${http_port}`, rtmp: `${wire.at_b}:${rtmp_port}` };
  }
  get http() {
    return `http://${this.address.http}`;
  }
  rtmp(key) {
    return `rtmp://${this.address.rtmp}/live/${key}`;
  }

  async start_node() {
    const hub = this.wire.at_a;
    this.node = this.site.start(klieg_path, [
      ...["serve", "--data", this.data, "--ladder", "none", "--server-loops", "2"],
      ...["--http", `0.0.0.0:${http_port}`, "--rtmp", `0.0.0.0:${rtmp_port}`, "--admin", `127.0.0.1:${admin_port}`],
      ...["--node-name", this.name, "--node-address", this.wire.at_b, "--bus", `nats://${hub}:4222`],
      ...this.flags(hub),
    ]);
    await this.node.heard(/^ready /m, 30_000);
  }
  async kill() {
    this.node.signal("SIGKILL");
    await this.node.ended;
  }

  // As who is on this machine sees the channel, also while its wire is cut.
  async status(channel = "show") {
    return JSON.parse(await this.site.get(`http://127.0.0.1:${http_port}/live/${channel}/status.json`));
  }
  // A figure of its metrics; labels are summed over. `label`: of one of them, as it stands there.
  async figure(name, label = "") {
    const text = await this.site.get(`http://127.0.0.1:${admin_port}/metrics`);
    const lines = text
      .split("\n")
      .filter((line) => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && line.includes(label));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  }
}
