// The ladder at its real size: a broadcast of 720p30, encoded beforehand, and a rung of 240p that is made of it while a
// browser decodes both. For a machine that does nothing else: two cores are just enough.

import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";

import { shaka_page, start_browser } from "../world/browser.js";
import { assert_goes_down_and_up, source_kbps, source_rate } from "../world/down_and_up.js";
import { aac, ffmpeg, publish_clip, x264 } from "../world/encoder.js";
import { start_klieg, temporary_folder } from "../world/klieg.js";
import { suite_end } from "../world/suite.js";

const lines = { source: 720, rung: 240 };
const stand_ms_max = 250;
const clip_s = 30;

describe(`720p of ${source_kbps} kbit/s, to 240p and back, without a stall, by`, { timeout: 300_000 }, () => {
  const t = suite_end();
  let klieg, browser;

  before(async () => {
    const clip = join(await temporary_folder(t), "clip.flv");
    const maker = ffmpeg(t, [
      ...["-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30", "-f", "lavfi", "-i", "sine=frequency=440"],
      ...["-t", String(clip_s), ...x264({ more: source_rate }), ...aac(), "-f", "flv", clip],
    ]);
    assert.equal(await maker.ends(120_000), 0, maker.said);
    klieg = await start_klieg(t, { ladder: "240p,audio" });
    publish_clip(t, klieg.rtmp(), clip);
    browser = await start_browser(t);
    await klieg.live();
  });

  const goes_down_and_up = async (test_context, address) => {
    const sight = await assert_goes_down_and_up(test_context, browser, address, lines, { stand_ms_max });
    assert.deepEqual(sight.stalls, []);
  };

  test("the page with hls.js", (t) => goes_down_and_up(t, `${klieg.page()}?player=hls`));
  test("the page with dash.js", (t) => goes_down_and_up(t, `${klieg.page()}?player=dash`));
  test("Shaka Player", async (t) => goes_down_and_up(t, (await shaka_page(t))(klieg.dash())));
});
