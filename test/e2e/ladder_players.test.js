// A viewer whose network becomes slow gets a smaller picture and goes on; when it is fast again, the picture grows.

import { before, describe, test } from "node:test";

import { shaka_page, start_browser } from "../world/browser.js";
import { assert_goes_down_and_up, source_kbps, source_rate } from "../world/down_and_up.js";
import { publish_with_ffmpeg, x264 } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { suite_end } from "../world/suite.js";

// A small picture of a high bitrate: what matters here is bits, and there may be two cores for everything.
const video = x264({ more: source_rate });
const lines = { source: 360, rung: 240 };
const stand_ms_max = 1_000; // between two pictures; what a viewer calls smooth is 100 ms, but these machines are busy

describe(`on a network that falls below the ${source_kbps} kbit/s of the source and recovers`, () => {
  const t = suite_end();
  let klieg, browser;

  before(async () => {
    klieg = await start_klieg(t, { ladder: "240p,audio" });
    publish_with_ffmpeg(t, klieg.rtmp(), { video });
    browser = await start_browser(t);
    await klieg.live();
  });

  const goes_down_and_up = (test_context, address) =>
    assert_goes_down_and_up(test_context, browser, address, lines, { stand_ms_max });

  test("the page with hls.js", (t) => goes_down_and_up(t, `${klieg.page()}?player=hls`));
  test("the page with dash.js", (t) => goes_down_and_up(t, `${klieg.page()}?player=dash`));
  test("Shaka Player", async (t) => goes_down_and_up(t, (await shaka_page(t))(klieg.dash())));
});
