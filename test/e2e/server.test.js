// The server as a program: what it says, what it refuses, how it ends.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { publish_test_card } from "../world/encoder.js";
import { klieg_path, start_klieg, temporary_folder } from "../world/klieg.js";
import { Program, until } from "../world/program.js";
import { get, media_playlists } from "../world/reader.js";
import { open_socket } from "../world/slow_socket.js";

test("SIGTERM drains within five seconds, with a publisher and a waiting viewer", async (t) => {
  const klieg = await start_klieg(t);
  publish_test_card(t, klieg.rtmp(), ["--size", "320x180", "--bitrate", "300k"]);
  await klieg.live();
  const [playlist] = await media_playlists(klieg.hls());
  const text = await get(playlist);
  const next = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(text)[1]) + (text.match(/#EXTINF/g) ?? []).length + 1;
  const waiting = fetch(`${playlist}?_HLS_msn=${next}`).then(
    (answer) => answer.status,
    () => "closed",
  );

  const asked_ms = performance.now();
  klieg.program.signal("SIGTERM");
  assert.equal(await klieg.program.ends(5_000), 0, klieg.program.said.slice(-2_000));
  t.diagnostic(`it took ${Math.round(performance.now() - asked_ms)} ms; the waiting viewer got ${await waiting}`);
});

test("SIGTERM ends it within five seconds, whoever takes nothing of what is sent to him", async (t) => {
  const klieg = await start_klieg(t);
  publish_test_card(t, klieg.rtmp(), ["--size", "1280x720", "--bitrate", "6M"]);
  await klieg.live();
  const [playlist] = await media_playlists(klieg.hls());
  // 40 times a segment of 0.75 MB is more than kernel and server keep for a reader.
  const segment = new URL(/^video-\d+\.m4s$/m.exec(await get(playlist))[0], playlist).pathname;
  for (let i = 0; i < 20; ++i) {
    open_socket(t, klieg.address.http, "nothing").write(`GET ${segment} HTTP/1.1\r\nHost: klieg\r\n\r\n`.repeat(40));
  }
  await until("all of them being answered", async () => {
    const metrics = await get(`http://${klieg.address.admin}/metrics`);
    return Number(/^http_server_active_requests (\d+)$/m.exec(metrics)[1]) >= 20 ? true : undefined;
  });

  klieg.program.signal("SIGTERM");
  assert.equal(await klieg.program.ends(5_000), 0, klieg.program.said.slice(-2_000));
  assert.match(klieg.program.said, /out of time/, "they were waited for");
});

test("logs are JSON where that is asked for, every line", async (t) => {
  const klieg = await start_klieg(t, { flags: ["--log-format", "json"] });
  klieg.program.signal("SIGTERM");
  assert.equal(await klieg.program.ends(10_000), 0);
  const lines = klieg.program.said.split("\n").filter((line) => line && !line.startsWith("ready "));
  assert.ok(lines.length > 1);
  for (const line of lines) assert.equal(typeof JSON.parse(line).message, "string", line);
});

test("the admin port says that it lives, that it is ready, and how it is", async (t) => {
  const klieg = await start_klieg(t);
  const admin = `http://${klieg.address.admin}`;
  await get(`${admin}/livez`);
  await get(`${admin}/readyz`);
  const metrics = await get(`${admin}/metrics`);
  assert.match(metrics, /^# TYPE \w+ (counter|gauge|histogram)$/m);
  assert.doesNotMatch(metrics, /key-of-show|"show"/);
  assert.notEqual((await fetch(`${klieg.http}/metrics`)).status, 200);
});

test("it has room for as many descriptors as it may open, and so never stops for the kernel to make more", async (t) => {
  const klieg = await start_klieg(t);
  const about = (file) => readFile(`/proc/${klieg.program.pid}/${file}`, "utf8");
  const room = Number(/^FDSize:\s*(\d+)/m.exec(await about("status"))[1]);
  const [, may, allowed] = /^Max open files\s+(\d+)\s+(\d+)/m.exec(await about("limits")).map(Number);
  assert.equal(may, allowed);
  assert.ok(room >= Math.min(may, 1 << 18), `${room} of ${may}`);
});

test("a misspelt option is refused with the nearest right name", async (t) => {
  const klieg = new Program(t, klieg_path, ["serve"], { env: { KLIEG_RTMP_LISTN: "127.0.0.1:0" } });
  assert.notEqual(await klieg.ends(5_000), 0);
  assert.match(klieg.said, /KLIEG_RTMP_LISTEN/);
});

test("a port that is taken is a failure with words, not a crash", async (t) => {
  const first = await start_klieg(t);
  const second = new Program(t, klieg_path, [
    ...[
      "serve",
      "--data",
      await temporary_folder(t),
      "--http",
      first.address.http,
      "--rtmp",
      "127.0.0.1:0",
      "--admin",
      "127.0.0.1:0",
      "--channel",
      "show:key-of-show",
    ],
  ]);
  const code = await second.ends(5_000);
  assert.ok(code > 0 && code < 128, `it ended with ${code}`);
  assert.ok(second.said.includes(first.address.http), second.said);
});

test("a database is brought to the schema of the program, and again is nothing", async (t) => {
  const file = join(await temporary_folder(t), "klieg.db");
  const migrate = async (name) => {
    const program = new Program(t, klieg_path, ["migrate", name]);
    return { code: await program.ends(10_000), said: program.said };
  };
  assert.match((await migrate(file)).said, /applied; the schema is number \d+/);
  assert.deepEqual((await migrate(file)).code, 0);
  assert.match((await migrate(file)).said, /nothing was missing/);
  const unreachable = await migrate("postgresql://klieg:secret@127.0.0.1:1/klieg");
  assert.equal(unreachable.code, 1);
  assert.match(unreachable.said, /klieg:\.\.\.@127.0.0.1:1\/klieg: PostgreSQL cannot be reached/);
  assert.doesNotMatch(unreachable.said, /secret/);
});

test("a channel that does not exist is not found, and one that is not on air says so", async (t) => {
  const klieg = await start_klieg(t);
  assert.equal((await fetch(klieg.hls("nobody"))).status, 404);
  assert.equal((await fetch(klieg.hls())).status, 404);
  assert.equal((await fetch(klieg.page())).status, 200);
});
