// Ten minutes of a broadcast: no gap, no repeat, no drift.

import assert from "node:assert/strict";
import { test } from "node:test";

import { open_viewer, start_browser } from "../world/browser.js";
import { publish_test_card } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { until } from "../world/program.js";
import { packets } from "../world/reader.js";
import { look_and_listen, sound_after_picture_ms } from "../world/test_card.js";

// Frames of the whole broadcast, as the card counts them every half minute.
async function left_out_by(card) {
  const counts = () => [...card.said.matchAll(/test card on air.* dropped=(\d+)/g)];
  const before = counts().length;
  const newest = () => (counts().length > before ? Number(counts().at(-1)[1]) : undefined);
  return until("the camera's count", newest, 40_000);
}

const soak_s = Number(process.env.SOAK_SECONDS ?? 600);

test("ten minutes without a gap, a repeat or drift", { timeout: (soak_s + 180) * 1000 }, async (t) => {
  const klieg = await start_klieg(t);
  const card = publish_test_card(t, klieg.rtmp(), ["--size", "320x180", "--bitrate", "600k"]);
  await klieg.live();
  const browser = await start_browser(t);
  const viewer = await open_viewer(browser, klieg.page());

  const first = await look_and_listen(t, klieg.hls(), 4);
  const [read, sight] = await Promise.all([packets(t, klieg.hls(), soak_s), viewer.watch(soak_s)]);
  const last = await look_and_listen(t, klieg.hls(), 4);

  for (const [kind, step_s] of [
    ["video", 1 / 30],
    ["audio", 1024 / 48_000],
  ]) {
    const all = read.filter((packet) => packet.kind === kind);
    let missing = 0;
    for (const [i, packet] of all.slice(1).entries()) {
      const steps = Math.round((packet.dts_s - all[i].dts_s) / step_s);
      const off_s = packet.dts_s - all[i].dts_s - steps * step_s;
      assert.ok(steps > 0 && Math.abs(off_s) < 0.002, `${kind}: ${packet.dts_s} s comes after ${all[i].dts_s} s`);
      missing += steps - 1;
    }
    // What the card leaves out itself, where the machine has no time for it, is the camera's loss.
    const allowed = kind === "video" ? await left_out_by(card) : 0;
    t.diagnostic(`${kind}: ${missing} of ${all.length} missing, ${allowed} of them left out by the camera`);
    assert.ok(missing <= allowed, `${missing} ${kind} frames are missing, the camera left out ${allowed}`);
    const span_s = all.at(-1).dts_s - all[0].dts_s;
    assert.ok(span_s > soak_s * 0.97, `${kind}: ${span_s} s were read`);
  }

  // The camera's clock and the media timeline ran alike: their distance is the same at the end as at the beginning.
  const distance_ms = ({ pictures }) => {
    const seen = pictures.filter(({ clock_ms }) => clock_ms !== null);
    return seen.reduce((sum, { clock_ms, pts_s }) => sum + clock_ms - pts_s * 1000, 0) / seen.length;
  };
  const drift_ms = distance_ms(last) - distance_ms(first);
  assert.ok(Math.abs(drift_ms) < 40, `the timeline drifted by ${drift_ms.toFixed(1)} ms`);
  for (const error_ms of sound_after_picture_ms(last))
    assert.ok(Math.abs(error_ms) <= 40, `${error_ms} ms between sound and picture`);

  assert.deepEqual(sight.errors, []);
  assert.deepEqual(sight.stalls, []);
  assert.ok(Math.abs(sight.played_s - soak_s) < 3, `${sight.played_s} s were shown`);
});
