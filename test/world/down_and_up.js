// A viewer whose network becomes too slow for the source and then fast again: down to the rung, and up, with a picture that
// hardly stands.

import assert from "node:assert/strict";

import { open_viewer } from "./browser.js";

// Of bits as a source of 720p has them, whatever its picture: constant, so that the limit below is one all the time.
export const source_kbps = 2_500;
export const source_rate = [
  ...["-b:v", "2500k", "-minrate", "2500k", "-maxrate", "2500k", "-bufsize", "1250k"],
  ...["-x264-params", "nal-hrd=cbr"],
];
const slow_kbps = 1_200;
const fast_kbps = 20_000;
const viewport = { width: 1280, height: 900 };
const stay_s = 3; // where the viewer has come to
const segment_s = 1;

// `lines`: { source, rung }, of the picture. Returns what was seen.
export async function assert_goes_down_and_up(t, browser, address, lines, { stand_ms_max }) {
  const viewer = await open_viewer(browser, address, { viewport });
  await viewer.limit_network(fast_kbps);
  await viewer.shows_lines(lines.source);
  await viewer.watch(stay_s + Math.random() * segment_s); // the network may fail anywhere in a segment
  const took_s = [];
  const sight = await viewer.watch_while(async () => {
    for (const [kbps, wanted] of [
      [slow_kbps, lines.rung],
      [fast_kbps, lines.source],
    ]) {
      const began_ms = performance.now();
      await viewer.limit_network(kbps);
      await viewer.shows_lines(wanted, 30_000);
      took_s.push(((performance.now() - began_ms) / 1000).toFixed(1));
      await viewer.page.waitForTimeout(stay_s * 1000);
    }
  });
  await viewer.close();
  const [stood_ms, jumped_ms] = [sight.longest_stand_ms, sight.longest_jump_ms].map(Math.round);
  t.diagnostic(
    `down after ${took_s[0]} s, up after ${took_s[1]} s; ` +
      `stood ${stood_ms} ms, jumped ${jumped_ms} ms, ${sight.stalls.length} stalls`,
  );
  assert.deepEqual(sight.errors, []);
  assert.ok(stood_ms < stand_ms_max, `the picture stood for ${stood_ms} ms`);
  assert.ok(jumped_ms < stand_ms_max, `${jumped_ms} ms were left out`);
  return sight;
}
