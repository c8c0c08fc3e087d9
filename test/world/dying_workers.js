// A broadcast whose worker is killed again and again under the eyes of a viewer.

import assert from "node:assert/strict";

import { open_viewer, start_browser } from "./browser.js";
import { busy_workers, signal } from "./codec_worker.js";
import { publish_with_ffmpeg } from "./encoder.js";
import { start_klieg } from "./klieg.js";
import { assert_every_sample, common_segments, fresh_part_ms, renditions } from "./ladder.js";
import { pause } from "./program.js";

const back_ms_max = 1_000; // from a worker's death to the end of a part of the rung that began after it
const stand_ms_max = 1_000;
const frame_s = 1 / 30;

// The source loses nothing, the rung comes back each time, and the viewer's picture hardly stands.
export async function assert_deaths_are_not_seen(t, { kills, every_ms }) {
  const klieg = await start_klieg(t, { ladder: "240p,audio" });
  publish_with_ffmpeg(t, klieg.rtmp()); // which leaves no frame out, however busy the machine is
  await klieg.live();
  const all = await renditions(klieg.hls());
  const watched = ["video", "240p"].map((name) => all.find((rendition) => rendition.name === name));
  const browser = await start_browser(t);
  const viewer = await open_viewer(browser, klieg.page(), { quality: "240p" });
  await viewer.shows_lines(240);
  await viewer.watch(2); // the first seconds may catch up

  let [checked] = await common_segments(watched, 1);
  const watching = viewer.watch((kills * every_ms) / 1000);
  const back_ms = [];
  for (let i = 0; i < kills; ++i) {
    const next_ms = performance.now() + every_ms;
    const [worker] = await busy_workers(klieg.program.pid);
    signal(worker, "SIGKILL");
    back_ms.push(Math.round(await fresh_part_ms(watched[1])));
    await pause(next_ms - performance.now());
    const [last] = await common_segments(watched, 1);
    for (const rendition of watched) await assert_every_sample(t, rendition, checked, last, frame_s);
    checked = last;
  }
  const sight = await watching;
  const stood_ms = Math.round(sight.longest_stand_ms);
  t.diagnostic(`the rung was back after ${back_ms.join(", ")} ms; the picture stood for at most ${stood_ms} ms`);

  assert.equal(klieg.program.said.match(/codec worker lost/g)?.length, kills);
  assert.ok(Math.max(...back_ms) <= back_ms_max, `the rung was back after ${back_ms.join(", ")} ms`);
  assert.deepEqual(sight.errors, []);
  assert.ok(stood_ms <= stand_ms_max, `the picture stood for ${stood_ms} ms`);
  assert.ok(sight.played_s > (kills * every_ms) / 1000 - 2, `${sight.played_s} s were shown`);
}
