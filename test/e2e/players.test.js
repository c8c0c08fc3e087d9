// What a person sees in a browser: the test card goes in, Chromium plays it by each of the three players.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { open_viewer, shaka_page, start_browser } from "../world/browser.js";
import { publish_test_card } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { suite_end } from "../world/suite.js";

// Looser than what `./dev bench latency` measures and aims at: a test shares its machine with whatever else runs.
const delay_ms_max = 2_500;
const watch_s = 10;

describe("in a browser", () => {
  const t = suite_end();
  let klieg, browser;

  before(async () => {
    klieg = await start_klieg(t);
    publish_test_card(t, klieg.rtmp(), ["--size", "640x360", "--bitrate", "800k"]);
    browser = await start_browser(t);
    await klieg.live();
  });

  async function plays_smoothly(address) {
    const viewer = await open_viewer(browser, address);
    await viewer.watch(2); // the first seconds may catch up
    const sight = await viewer.watch(watch_s);
    await viewer.close();
    sight.assert_smooth();
    const delay_ms = sight.delay_ms();
    assert.ok(delay_ms > 0 && delay_ms < delay_ms_max, `${Math.round(delay_ms)} ms behind the camera`);
  }

  test("the page plays low-latency HLS by hls.js", () => plays_smoothly(klieg.page()));
  test("the page plays low-latency DASH by dash.js", () => plays_smoothly(`${klieg.page()}?player=dash`));
  test("Shaka Player plays low-latency DASH", async () => plays_smoothly((await shaka_page(t))(klieg.dash())));

  test("the page says how far behind the camera it is, and is right", async () => {
    const viewer = await open_viewer(browser, klieg.page());
    await viewer.watch(2);
    const sight = await viewer.watch(3);
    const said_s = await viewer.page.evaluate(() => window.klieg.latency());
    await viewer.close();
    assert.ok(
      Math.abs(said_s * 1000 - sight.delay_ms()) < 500,
      `it says ${said_s} s, it is ${Math.round(sight.delay_ms())} ms`,
    );
  });

  test("a viewer who joins in the middle of a segment plays within three seconds", async () => {
    for (const wait_ms of [0, 350, 700]) {
      await new Promise((resolve) => setTimeout(resolve, wait_ms));
      const viewer = await open_viewer(browser, klieg.page(), { within_ms: 3_000 });
      await viewer.close();
    }
  });
});
