// A viewer whose network becomes slow gets a smaller picture and goes on; when it is fast again, the picture grows.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { open_viewer, shaka_page, start_browser } from "../world/browser.js";
import { publish_with_ffmpeg, x264 } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { suite_end } from "../world/suite.js";

// A small picture of a high bitrate: what matters here is bits, and there may be two cores for everything.
const source_kbps = 2_500;
const slow_kbps = 1_200;
const fast_kbps = 20_000;
const rate = ["-b:v", "2500k", "-minrate", "2500k", "-maxrate", "2500k", "-bufsize", "1250k"];
const video = x264({ more: [...rate, "-x264-params", "nal-hrd=cbr"] });
const lines = { source: 360, rung: 240 };
const viewport = { width: 1280, height: 900 };
const stay_s = 3; // where the viewer has come to
const stand_ms_max = 1_000; // between two pictures; what a viewer calls smooth is 100 ms, but these machines are busy
const segment_s = 1;

describe(`on a network that falls below the ${source_kbps} kbit/s of the source and recovers`, () => {
  const t = suite_end();
  let klieg, browser;

  before(async () => {
    klieg = await start_klieg(t, { ladder: "240p,audio" });
    publish_with_ffmpeg(t, klieg.rtmp(), { video });
    browser = await start_browser(t);
    await klieg.live();
  });

  async function goes_down_and_up(t, address) {
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
    t.diagnostic(`down after ${took_s[0]} s, up after ${took_s[1]} s; stood ${stood_ms} ms, jumped ${jumped_ms} ms`);
    assert.deepEqual(sight.errors, []);
    assert.ok(stood_ms < stand_ms_max, `the picture stood for ${stood_ms} ms`);
    assert.ok(jumped_ms < stand_ms_max, `${jumped_ms} ms were left out`);
  }

  test("the page with hls.js", (t) => goes_down_and_up(t, `${klieg.page()}?player=hls`));
  test("the page with dash.js", (t) => goes_down_and_up(t, `${klieg.page()}?player=dash`));
  test("Shaka Player", async (t) => goes_down_and_up(t, (await shaka_page(t))(klieg.dash())));
});
