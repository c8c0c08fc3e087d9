// PostgreSQL 15 as Debian has it, one for each test that wants one, on a Unix socket in a folder of its own.

import { execFileSync } from "node:child_process";
import { appendFile, chown } from "node:fs/promises";
import { join } from "node:path";

import { temporary_folder } from "./klieg.js";
import { Program, run, until } from "./program.js";

const programs = "/usr/lib/postgresql/15/bin";
const patience_ms = 30_000; // for what a laptop does in one second

// Made, and not started yet. `network`: whose machines may come over TCP as well, as 10.98.0.0/16.
export async function make_postgresql(t, { network } = {}) {
  const folder = await temporary_folder(t);
  // It refuses to be root.
  const user = process.getuid() === 0 ? { uid: id("-u"), gid: id("-g") } : {};
  if (user.uid) await chown(folder, user.uid, user.gid);
  const made = ["-A", "trust", "-U", "klieg", "-E", "UTF8", "--locale=C", "--no-sync", "-D", join(folder, "data")];
  await run(t, join(programs, "initdb"), made, patience_ms, { user, cwd: "/" });
  if (network) await appendFile(join(folder, "data", "pg_hba.conf"), `host all all ${network} trust\n`);
  return new Postgresql(t, folder, user, network ? "*" : "");
}

const id = (flag) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));

class Postgresql {
  constructor(t, folder, user, listen) {
    this.t = t;
    this.folder = folder;
    this.user = user;
    this.listen = listen;
  }

  // As `klieg serve --database` takes it.
  get name() {
    return `postgresql:///postgres?host=${encodeURIComponent(this.folder)}&user=klieg`;
  }

  async start() {
    const flags = ["-D", join(this.folder, "data"), "-k", this.folder];
    const settings = [`listen_addresses=${this.listen}`, "fsync=off", "max_connections=20", "shared_buffers=16MB"];
    const all = [...flags, ...settings.flatMap((setting) => ["-c", setting])];
    // It does not begin while a child of one that was killed is still there.
    this.program = await until(
      "PostgreSQL started",
      async () => {
        const program = new Program(this.t, join(programs, "postgres"), all, { user: this.user, cwd: "/" });
        await program.heard(/ready to accept connections/, patience_ms);
        return program;
      },
      patience_ms,
    );
  }

  async kill() {
    this.program.signal("SIGKILL");
    await this.program.ended;
  }
}
