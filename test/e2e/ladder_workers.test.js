// What makes the rungs may die, hang or be too slow: the source does not notice, and viewers hardly do.

import assert from "node:assert/strict";
import { test } from "node:test";

import { open_viewer, start_browser } from "../world/browser.js";
import { busy_workers, signal, slow_down } from "../world/codec_worker.js";
import { assert_deaths_are_not_seen } from "../world/dying_workers.js";
import { publish_with_ffmpeg } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { assert_every_sample, common_segments, media_playlist, fresh_part_ms, renditions } from "../world/ladder.js";
import { until } from "../world/program.js";
import { get } from "../world/reader.js";

const frame_s = 1 / 30; // of a publisher that leaves none out, however busy the machine is

test("a viewer of a rung does not see that its worker is killed", { timeout: 90_000 }, (t) =>
  assert_deaths_are_not_seen(t, { kills: 3, every_ms: 4_000 }),
);

test("a worker that hangs is replaced, and the rungs lose nothing", { timeout: 60_000 }, async (t) => {
  const klieg = await start_klieg(t, { ladder: "240p,audio" });
  publish_with_ffmpeg(t, klieg.rtmp());
  await klieg.live();
  const all = await renditions(klieg.hls());
  const [source, rung] = ["video", "240p"].map((name) => all.find((rendition) => rendition.name === name));
  const [first] = await common_segments([source, rung], 1);

  const [worker] = await busy_workers(klieg.program.pid);
  signal(worker, "SIGSTOP");
  t.after(() => signal(worker, "SIGCONT"));
  const back_ms = await fresh_part_ms(rung);
  t.diagnostic(`the rung was back after ${Math.round(back_ms)} ms`);
  // A second of silence, and a second as after a death.
  assert.ok(back_ms < 2_000, `the rung was back after ${back_ms} ms`);
  const [last] = await common_segments([source, rung], 4);
  for (const rendition of [source, rung]) await assert_every_sample(t, rendition, first, last + 3, frame_s);
  assert.match(klieg.program.said, /codec worker lost .*how=hung/);
});

test("a worker that is too slow gives up a rung for a while, and so do viewers", { timeout: 120_000 }, async (t) => {
  const klieg = await start_klieg(t, { ladder: "240p,144p:150k,audio" });
  publish_with_ffmpeg(t, klieg.rtmp());
  await klieg.live();
  const all = await renditions(klieg.hls());
  const rendition = (name) => all.find((one) => one.name === name);
  const [first] = await common_segments(all, 1);

  const browser = await start_browser(t);
  const viewers = [];
  for (const player of ["hls", "dash"]) {
    const viewer = await open_viewer(browser, `${klieg.page()}?player=${player}`, { quality: "240p" });
    await viewer.shows_lines(240);
    viewers.push({ player, viewer });
  }
  const left = viewers.map(({ viewer }) =>
    viewer.page.waitForFunction(() => document.querySelector("video").videoHeight !== 240, null, { timeout: 40_000 }),
  );
  for (const one of left) one.catch(() => {}); // it is waited for below

  const [worker] = await busy_workers(klieg.program.pid);
  const let_run = slow_down(t, worker, { share: 0.04 });
  await klieg.program.heard(/rung shed.*rung=240p/, 20_000);
  await until("the gap in the playlist", async () =>
    (await media_playlist(rendition("240p").address)).segments.at(-1).gap ? true : undefined,
  );
  assert.ok((await get(klieg.hls())).includes("240p.m3u8"), "players do not reread this: it lists the whole ladder");
  await until("the manifest without it", async () =>
    (await get(klieg.dash())).includes('<Representation id="240p"') ? undefined : true,
  );
  await Promise.all(left);
  let_run();
  await klieg.program.heard(/rung is back.*rung=240p/, 40_000);
  await until("media of it", async () =>
    (await media_playlist(rendition("240p").address)).segments.at(-1).gap ? undefined : true,
  );
  await until("the manifest with it", async () =>
    (await get(klieg.dash())).includes('<Representation id="240p"') ? true : undefined,
  );
  for (const { player, viewer } of viewers) {
    await viewer.shows_lines(240, 60_000);
    const { view, stalls, restarts } = await viewer.page.evaluate(() => window.klieg.stats());
    t.diagnostic(`${player}: ${stalls} stalls, ${restarts} restarts`);
    assert.equal(view, "live");
  }
  const [last] = await common_segments([rendition("video")], 1);
  await assert_every_sample(t, rendition("video"), first, last, frame_s);
});

test("a machine without room refuses the ladder, not the broadcast", async (t) => {
  const flags = ["--ladder-cores-percent", "1"];
  const klieg = await start_klieg(t, { ladder: "240p,audio", flags });
  publish_with_ffmpeg(t, klieg.rtmp());
  await klieg.live();
  const all = await renditions(klieg.hls());
  assert.deepEqual(all.map(({ name }) => name).sort(), ["audio", "video"]);
  assert.match(klieg.program.said, /no room to transcode/);
  const numbers = await common_segments(all, 3);
  await assert_every_sample(t, all.find(({ name }) => name === "video"), numbers[0], numbers.at(-1), frame_s);
});
