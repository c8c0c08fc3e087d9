// `klieg serve`, one for each test that wants one, on ports of its own.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Program, until } from "./program.js";

// Under a sanitizer the same tests run the program of another build.
const build = process.env.TEST_BUILD ?? "release";
export const klieg_path = fileURLToPath(new URL(`../../build/${build}/klieg`, import.meta.url));

const loopback = "127.0.0.1:0";

// Starts a server with one channel per name in `channels`; the key of NAME is key-of-NAME. Most tests are about one
// rendition: whoever wants a ladder says so. `data`, `address`: those of one before, which this one comes after.
export async function start_klieg(
  t,
  { channels = ["show"], ladder = "none", flags = [], env = {}, data, address: at = {} } = {},
) {
  data ??= await temporary_folder(t);
  const program = new Program(
    t,
    klieg_path,
    [
      "serve",
      ...["--data", data],
      ...["http", "rtmp", "admin"].flatMap((door) => [`--${door}`, at[door] ?? loopback]),
      ...["--ladder", ladder],
      ...channels.flatMap((name) => ["--channel", `${name}:${key_of(name)}`]),
      ...flags,
    ],
    { env },
  );
  t.after(() => {
    const report = /^.*(Sanitizer|runtime error:)[^]*/m.exec(program.said);
    if (report) throw new Error(report[0].slice(0, 8_000));
  });
  const [, ready] = await program.heard(/^ready (.*)$/m);
  const address = Object.fromEntries(ready.split(" ").map((word) => word.split("=")));
  return new Klieg(program, address);
}

export const key_of = (channel) => `key-of-${channel}`;

class Klieg {
  constructor(program, address) {
    this.program = program;
    this.address = address; // http, rtmp, admin and what else was asked for: HOST:PORT
  }

  get http() {
    return `http://${this.address.http}`;
  }
  page(channel = "show") {
    return `${this.http}/@${channel}`;
  }
  hls(channel = "show") {
    return `${this.http}/live/${channel}/index.m3u8`;
  }
  dash(channel = "show") {
    return `${this.http}/live/${channel}/manifest.mpd`;
  }
  rtmp(channel = "show", key = key_of(channel)) {
    return `rtmp://${this.address.rtmp}/live/${key}`;
  }
  get rtmp_server() {
    return `rtmp://${this.address.rtmp}/live`;
  }

  // Resolves once viewers can watch: the playlists exist and name media.
  async live(channel = "show", within_ms = 15_000) {
    await until(
      `${channel} on air`,
      async () => {
        const answer = await fetch(this.hls(channel));
        const text = await answer.text();
        if (answer.status !== 200) throw new Error(`the playlist answers ${answer.status}`);
        return text.includes("#EXT-X-STREAM-INF") ? text : undefined;
      },
      within_ms,
    );
  }
}

export async function temporary_folder(t) {
  const folder = await mkdtemp(join(tmpdir(), "klieg-test-"));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}
