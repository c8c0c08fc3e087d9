// A show that somebody watches: what most tests in a browser begin with and end in.

import assert from "node:assert/strict";

import { open_viewer, start_browser } from "./browser.js";
import { publish_test_card } from "./encoder.js";
import { start_klieg } from "./klieg.js";

// A server, the test card on its channel, and a browser to watch it in.
export async function start_show(t, { size = ["--size", "640x360", "--bitrate", "800k"], env = {} } = {}) {
  const klieg = await start_klieg(t, { env });
  const encoder = publish_test_card(t, klieg.rtmp(), size);
  const browser = await start_browser(t);
  await klieg.live();
  return { klieg, encoder, browser };
}

// Somebody opens `address` and watches for `seconds`: the picture moves all the time and is no further behind the
// camera than `delay_ms_max`, which is looser than what `./dev bench latency` measures and aims at: a test shares its
// machine with whatever else runs.
export async function assert_plays_smoothly(browser, address, { seconds, delay_ms_max }) {
  const viewer = await open_viewer(browser, address);
  await viewer.watch(2); // the first seconds may catch up
  const sight = await viewer.watch(seconds);
  await viewer.close();
  sight.assert_smooth();
  const delay_ms = sight.delay_ms();
  assert.ok(delay_ms > 0 && delay_ms < delay_ms_max, `${Math.round(delay_ms)} ms behind the camera`);
  return delay_ms;
}
