// The rungs of a broadcast lie beside its source, frame by frame on one timeline, so that a player may change between
// them at any segment and nobody sees it.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { publish_with_ffmpeg, x264 } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { assert_decodes, common_segments, look_into, renditions } from "../world/ladder.js";
import { assert_valid_mpd } from "../world/reader.js";
import { suite_end } from "../world/suite.js";

const key_each_second = ["-force_key_frames", "expr:gte(t,n_forced)"];
// Each second begins with a frame, and of the others a third is missing.
const some_frames = ["-vf", "select='not(mod(n,30))+gt(random(1),0.33)'", "-fps_mode", "vfr"];

// Each way to publish, by ffmpeg, which leaves no frame out however busy the machine is; and the rungs that must come.
const ways = {
  camera: { what: "720p at 30 frames a second", ffmpeg: { size: "1280x720" }, rungs: ["480p", "240p"] },
  fast: {
    what: "59.94 frames a second, halved",
    ffmpeg: { rate: "60000/1001", video: x264({ gop: 60 }) },
    frame_rate: { source: 59.94, rung: 29.97 },
  },
  reordered: { what: "B-frames", ffmpeg: { video: x264({ b_frames: 2 }) } },
  uneven: {
    what: "a variable frame rate",
    ffmpeg: { video: x264({ gop: 300, more: [...some_frames, ...key_each_second] }) },
    hole_s_max: 0.2, // the source's own: what its last frame lasts is not known before the next one
  },
};
const segments_seen = 4;
const rounding_s = 1.5 / 90_000; // of the video timescale
const aac_frame_s = 1024 / 48_000;

describe("the rungs line up with the source:", () => {
  const t = suite_end();
  let klieg;

  before(async () => {
    klieg = await start_klieg(t, { channels: Object.keys(ways), ladder: "480p,240p,audio" });
  });

  for (const [channel, { what, ffmpeg, rungs = ["240p"], frame_rate, hole_s_max = 0 }] of Object.entries(ways)) {
    test(what, async (test_context) => {
      publish_with_ffmpeg(test_context, klieg.rtmp(channel), { size: "640x360", ...ffmpeg });
      await klieg.live(channel);
      const all = await renditions(klieg.hls(channel));
      assert.deepEqual(all.map(({ name }) => name).sort(), ["audio", "audio-64k", "video", ...rungs].sort());
      assert.deepEqual(sets_of(await assert_valid_mpd(test_context, klieg.dash(channel))), [
        ["video", ...rungs],
        ["audio", "audio-64k"],
      ]);
      if (frame_rate) {
        const rate_of = (wanted) => all.find(({ name }) => name === wanted).frame_rate;
        assert.ok(Math.abs(rate_of("video") - frame_rate.source) < 0.02, `${rate_of("video")} frames a second`);
        assert.ok(Math.abs(rate_of("240p") - frame_rate.rung) < 0.02, `${rate_of("240p")} frames a second in the rung`);
      }

      const numbers = await common_segments(all, segments_seen);
      const seen = {}; // by rendition, then by segment
      for (const rendition of all) {
        seen[rendition.name] = await Promise.all(numbers.map((msn) => look_into(test_context, rendition, msn)));
        await assert_decodes(test_context, rendition, numbers);
      }
      for (const rung of rungs) {
        for (const [i, of_rung] of seen[rung].entries()) {
          const of_source = seen.video[i];
          const where = `segment ${numbers[i]} of ${rung}`;
          assert.ok(of_rung.first_is_key, `${where} begins with no key frame`);
          assert.ok(
            Math.abs(of_rung.begin_s - of_source.begin_s) < rounding_s,
            `${where} begins at ${of_rung.begin_s} s, the source's at ${of_source.begin_s} s`,
          );
          assert.equal(of_rung.duration_s, of_source.duration_s, where);
        }
      }
      // A player that changes its mind at every segment.
      const ladder = ["video", ...rungs];
      assert_seamless(
        numbers.map((_, i) => seen[ladder[i % ladder.length]][i]),
        hole_s_max,
      );
      assert_seamless(numbers.map((_, i) => seen[i % 2 ? "audio" : "audio-64k"][i]));
      for (const name of ["audio", "audio-64k"]) {
        for (const [i, { begin_s }] of seen[name].entries()) {
          const off_s = begin_s - seen.video[i].begin_s;
          assert.ok(Math.abs(off_s) <= aac_frame_s / 2 + 0.001, `${name} ${numbers[i]} begins ${off_s} s off`);
        }
      }
    });
  }
});

// The names in each AdaptationSet of a manifest: between those a player may change.
const sets_of = (manifest) =>
  [...manifest.matchAll(/<AdaptationSet[^]*?<\/AdaptationSet>/g)].map(([text]) =>
    [...text.matchAll(/<Representation id="([^"]+)"/g)].map(([, id]) => id),
  );

// One begins where the one before ends, or a little later where that may be. The clock of RTMP counts milliseconds.
function assert_seamless(pieces, hole_s_max = 0) {
  for (const [i, piece] of pieces.slice(1).entries()) {
    const hole_s = piece.begin_s - pieces[i].end_s;
    assert.ok(
      hole_s > -0.0015 && hole_s < hole_s_max + 0.0015,
      `${(hole_s * 1000).toFixed(3)} ms between ${pieces[i].name} and ${piece.name} at ${piece.begin_s} s`,
    );
  }
}
