// What a person sees in a browser: the test card goes in, Chromium plays it, by the page as it is and by each player.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { open_viewer, shaka_page } from "../world/browser.js";
import { assert_plays_smoothly, start_show } from "../world/show.js";
import { suite_end } from "../world/suite.js";

describe("in a browser", () => {
  const t = suite_end();
  let klieg, browser;

  before(async () => {
    ({ klieg, browser } = await start_show(t));
  });

  const plays_smoothly = (address) => assert_plays_smoothly(browser, address, { seconds: 10, delay_ms_max: 2_500 });

  test("the page plays what is pushed", async () => {
    const viewer = await open_viewer(browser, klieg.page());
    assert.equal(await viewer.page.evaluate(() => window.klieg.tier), "push");
    await viewer.close();
  });
  test("the page plays low-latency HLS by hls.js", () => plays_smoothly(`${klieg.page()}?player=hls`));
  test("the page plays low-latency DASH by dash.js", () => plays_smoothly(`${klieg.page()}?player=dash`));
  test("the page plays whole segments, some seconds behind", async () => {
    await assert_plays_smoothly(browser, `${klieg.page()}?player=plain`, { seconds: 5, delay_ms_max: 5_000 });
  });
  test("Shaka Player plays low-latency DASH", async () => {
    await plays_smoothly((await shaka_page(t))(klieg.dash()));
  });

  for (const player of ["push", "dash", "hls"]) {
    test(`the page says how far behind the camera it is by ${player}, and is right`, async () => {
      const viewer = await open_viewer(browser, `${klieg.page()}?player=${player}`);
      await viewer.watch(2);
      const sight = await viewer.watch(3);
      const said_s = await viewer.page.evaluate(() => window.klieg.latency());
      await viewer.close();
      assert.ok(
        Math.abs(said_s * 1000 - sight.delay_ms()) < 500,
        `it says ${said_s} s, it is ${Math.round(sight.delay_ms())} ms`,
      );
    });
  }

  test("a viewer who joins in the middle of a segment plays within three seconds", async () => {
    for (const wait_ms of [0, 350, 700]) {
      await new Promise((resolve) => setTimeout(resolve, wait_ms));
      const viewer = await open_viewer(browser, klieg.page(), { within_ms: 3_000 });
      await viewer.close();
    }
  });
});
