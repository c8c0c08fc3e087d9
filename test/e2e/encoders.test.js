// What encoders send, and that viewers can read it: one server, one channel for each way of encoding, all at once.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { aac, publish_with_ffmpeg, publish_with_gstreamer, x264 } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { publish_with_obs } from "../world/obs.js";
import { assert_continuous, assert_valid_mpd, packets, streams } from "../world/reader.js";
import { key_of } from "../world/klieg.js";
import { suite_end } from "../world/suite.js";

// Each way: how it is published, and what must come out of it.
const ways = {
  plain: { what: "H.264 with a key frame every second, AAC", frame_ms: 1000 / 30 },
  bframes: { what: "B-frames", ffmpeg: { video: x264({ b_frames: 2 }) }, frame_ms: 1000 / 30 },
  ntsc: { what: "29.97 frames a second", ffmpeg: { rate: "30000/1001" }, frame_ms: 1001 / 30 },
  fast: {
    what: "59.94 frames a second",
    ffmpeg: { rate: "60000/1001", video: x264({ gop: 60 }) },
    frame_ms: 1001 / 60,
  },
  slow: {
    what: "a key frame every two seconds at 12.5 frames a second",
    ffmpeg: { rate: "25/2", video: x264({ gop: 25 }) },
    frame_ms: 80,
  },
  deaf: { what: "no sound", ffmpeg: { audio: null }, frame_ms: 1000 / 30 },
  blind: { what: "sound without a picture", ffmpeg: { video: null } },
  mono: { what: "44.1 kHz mono", ffmpeg: { audio: aac({ sample_rate: 44_100, channels: 1 }) }, frame_ms: 1000 / 30 },
  mp3: { what: "MP3", ffmpeg: { audio: ["-c:a", "libmp3lame", "-b:a", "96k", "-ar", "44100"] }, frame_ms: 1000 / 30 },
};

describe("ffmpeg publishes", () => {
  const t = suite_end();
  let klieg;

  before(async () => {
    klieg = await start_klieg(t, { channels: Object.keys(ways) });
    for (const [channel, { ffmpeg }] of Object.entries(ways))
      publish_with_ffmpeg(t, klieg.rtmp(channel), { size: "320x180", ...ffmpeg });
  });

  for (const [channel, { what, frame_ms, ffmpeg = {} }] of Object.entries(ways)) {
    test(what, async (test_context) => {
      await klieg.live(channel);
      await assert_valid_mpd(test_context, klieg.dash(channel));
      const kinds = [ffmpeg.video === null ? [] : "video", ffmpeg.audio === null ? [] : "audio"].flat();
      for (const address of [klieg.hls(channel), klieg.dash(channel)]) {
        const found = await streams(test_context, address);
        assert.deepEqual([...new Set(found.map((stream) => stream.codec_type))].sort(), [...kinds].sort(), address);
      }
      const read = await packets(test_context, klieg.hls(channel), 3);
      for (const kind of kinds) {
        const step_ms_max = kind === "video" ? frame_ms * 1.5 : 60;
        assert_continuous(
          read.filter((packet) => packet.kind === kind),
          step_ms_max / 1000,
        );
      }
    });
  }
});

test("GStreamer publishes with rtmp2sink", async (t) => {
  const klieg = await start_klieg(t);
  publish_with_gstreamer(t, klieg.rtmp());
  await klieg.live();
  const found = await streams(t, klieg.hls());
  assert.deepEqual(found.map((stream) => stream.codec_name).sort(), ["aac", "h264"]);
});

test("OBS publishes, as it is after its first start", { timeout: 90_000 }, async (t) => {
  const klieg = await start_klieg(t);
  const obs = await publish_with_obs(t, klieg.rtmp_server, key_of("show"));
  await obs.heard(/Streaming Start/, 30_000);
  await klieg.live("show", 30_000); // its key frames come every 250 frames: 8.3 s
  const found = await streams(t, klieg.hls());
  assert.deepEqual(found.map((stream) => stream.codec_name).sort(), ["aac", "h264"]);
  await assert_valid_mpd(t, klieg.dash());
});
