// Lips and voice: the test card's beep begins when its clock says a full second.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { publish_test_card } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { suite_end } from "../world/suite.js";
import { look_and_listen, sound_after_picture_ms } from "../world/test_card.js";

const error_ms_max = 40;

describe("sound and picture stay within 40 ms of each other in", () => {
  const t = suite_end();
  let klieg;

  before(async () => {
    klieg = await start_klieg(t, { channels: ["plain", "bframes"] });
    publish_test_card(t, klieg.rtmp("plain"), ["--size", "320x180", "--bitrate", "600k"]);
    publish_test_card(t, klieg.rtmp("bframes"), ["--size", "320x180", "--bitrate", "600k", "--b-frames", "2"]);
  });

  for (const [channel, kind] of [
    ["plain", "hls"],
    ["plain", "dash"],
    ["bframes", "hls"],
  ]) {
    test(`${kind.toUpperCase()}${channel === "bframes" ? ", with B-frames" : ""}`, async (test_context) => {
      await klieg.live(channel);
      const errors_ms = sound_after_picture_ms(await look_and_listen(test_context, klieg[kind](channel), 5));
      assert.ok(errors_ms.length >= 3, `${errors_ms.length} beeps found`);
      test_context.diagnostic(`sound after picture: ${errors_ms.map((error) => error.toFixed(1)).join(", ")} ms`);
      for (const error_ms of errors_ms) assert.ok(Math.abs(error_ms) <= error_ms_max, `${error_ms.toFixed(1)} ms`);
    });
  }
});
