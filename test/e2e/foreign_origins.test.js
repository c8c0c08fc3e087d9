// `klieg edge` in front of origins that know nothing of it, as docs/edge.md describes.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";

import { open_viewer, shaka_page, start_browser } from "../world/browser.js";
import { start_edge } from "../world/edge.js";
import { publish_with_ffmpeg, x264 } from "../world/encoder.js";
import { start_origin } from "../world/foreign_origin.js";
import { Program, until } from "../world/program.js";
import { assert_continuous, get, packets } from "../world/reader.js";
import { suite_end } from "../world/suite.js";

const frame_s = 1 / 30;

async function plays(t, browser, manifest, seconds = 5) {
  const viewer = await open_viewer(browser, (await shaka_page(t))(manifest));
  const sight = await viewer.watch(seconds);
  await viewer.close();
  assert.deepEqual(sight.errors, []);
  assert.ok(sight.played_s > seconds - 1.5, `${sight.played_s} s were shown in ${seconds} s`);
}

// Segments are immutable here as everywhere: each is asked for once, however many want it.
async function assert_asked_once(origin, pattern) {
  const often = [...(await origin.asked())].filter(([path, times]) => pattern.test(path) && times > 1);
  assert.deepEqual(often, []);
}

describe("an edge in front of nginx", { timeout: 120_000 }, () => {
  const t = suite_end();
  let origin, edge, http, browser;

  before(async () => {
    origin = await start_origin(t);
    edge = await start_edge(t, [origin.http], ["--edge-hold-paths", "/live/*.m4s", "--server-loops", "2"]);
    http = `http://${edge.address.http}`;
    browser = await start_browser(t);
  });

  describe("with a folder that ffmpeg writes HLS into", () => {
    before(async () => {
      await mkdir(join(origin.folder, "www/live"));
      new Program(
        t,
        "ffmpeg",
        [
          ...["-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30"],
          ...x264(),
          ...["-f", "hls", "-hls_time", "1", "-hls_list_size", "8", "-hls_flags", "delete_segments+temp_file"],
          ...["-hls_segment_type", "fmp4", "-hls_segment_filename", "seg-%d.m4s", "index.m3u8"],
        ],
        { cwd: join(origin.folder, "www/live") },
      );
      await until("three segments", async () =>
        /seg-3\.m4s/.test(await get(`${http}/live/index.m3u8`)) ? true : undefined,
      );
    });

    test("readers and a browser play it, and nginx is asked once for each segment", async () => {
      const address = `${http}/live/index.m3u8`;
      const [read] = await Promise.all([
        packets(t, address, 6),
        ...[1, 2, 3].map(() => packets(t, address, 6)),
        plays(t, browser, address),
      ]);
      assert_continuous(
        read.filter(({ kind }) => kind === "video"),
        frame_s + 0.01,
      );
      await assert_asked_once(origin, /\.m4s$/);
    });

    test("who asks for the next segment gets it when it is born, and nginx is hardly asked for it", async () => {
      const list = await get(`${http}/live/index.m3u8`);
      const next = Number([...list.matchAll(/seg-(\d+)\.m4s/g)].at(-1)[1]) + 2;
      const path = `/live/seg-${next}.m4s`;
      const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(http + path)));
      const sizes = new Set(await Promise.all(answers.map(async (answer) => (await answer.arrayBuffer()).byteLength)));
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
      assert.equal(sizes.size, 1);
      const asked = (await origin.asked()).get(path);
      t.diagnostic(`20 viewers waited for a segment; nginx was asked ${asked} times`);
      assert.ok(asked <= 7, `nginx was asked ${asked} times`);
    });
  });

  test("with nginx-rtmp: its HLS and its DASH", async () => {
    publish_with_ffmpeg(t, `${origin.rtmp}/show`);
    for (const [address, sign] of [
      [`${http}/hls/show.m3u8`, /show-3\.ts/],
      [`${http}/dash/show.mpd`, /<S /],
    ]) {
      await until(address, async () => (sign.test(await get(address)) ? true : undefined), 20_000);
      const read = await packets(t, address, 4);
      assert_continuous(
        read.filter(({ kind }) => kind === "video"),
        frame_s + 0.01,
      );
    }
    await plays(t, browser, `${http}/dash/show.mpd`);
    await assert_asked_once(origin, /\.(ts|m4v|m4a)$/);
  });
});
