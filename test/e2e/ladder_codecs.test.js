// Sources that not every player can decode, or follow, reach those that know H.264 and AAC alone.

import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";

import { open_viewer, start_browser } from "../world/browser.js";
import { publish_with_ffmpeg, x264 } from "../world/encoder.js";
import { klieg_path, start_klieg, temporary_folder } from "../world/klieg.js";
import { assert_decodes, common_segments, renditions } from "../world/ladder.js";
import { Program, run, until } from "../world/program.js";
import { assert_valid_mpd } from "../world/reader.js";
import { suite_end } from "../world/suite.js";

// What the clip is made of, and what viewers of it need not know.
const sources = {
  hevc: { video: ["libx265", "-x265-params", "log-level=error:keyint=30:min-keyint=30"], audio: ["aac"] },
  av1: { video: ["libsvtav1", "-preset", "12", "-g", "30", "-svtav1-params", "scd=0"], audio: ["libopus"] },
  vp9: { video: ["libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "30"], audio: ["libopus"] },
};
const clip_s = 4;

describe("a player of H.264 and AAC alone sees a broadcast of", () => {
  const t = suite_end();
  let klieg, browser;

  before(async () => {
    klieg = await start_klieg(t, { channels: [...Object.keys(sources), "grid"], ladder: "240p,120p:100k,audio" });
    browser = await start_browser(t);
  });

  async function assert_plain(t, channel) {
    const all = await renditions(klieg.hls(channel));
    for (const { name, codecs = "" } of all) {
      if (codecs) assert.match(codecs, /^(avc1\.[0-9a-f]{6},)?mp4a\.40\.2$/i, name);
    }
    assert.deepEqual(
      all.filter(({ kind }) => kind === "video").map(({ name, width, height }) => `${name} ${width}x${height}`),
      ["video 426x240", "120p 214x120"],
    );
    // Of sound there may also be what came, in a set of its own: a player takes the one that it can decode.
    await until("the rungs in the manifest", async () => {
      const manifest = await assert_valid_mpd(t, klieg.dash(channel));
      const codecs_of = (kind) => {
        const first_of_set = new RegExp(`contentType="${kind}"[^]*? codecs="([^".]+)`, "g");
        return [...manifest.matchAll(first_of_set)].map(([, codec]) => codec);
      };
      assert.deepEqual(codecs_of("video"), ["avc1"]);
      return codecs_of("audio").includes("mp4a") ? true : undefined;
    });
    const numbers = await common_segments(all, 2);
    for (const rendition of all) await assert_decodes(t, rendition, numbers);
    assert.match(klieg.program.said, new RegExp(`encoded anew for viewers.*broadcast=${channel} `));
    const viewer = await open_viewer(browser, klieg.page(channel));
    const sight = await viewer.watch(2);
    await viewer.close();
    assert.deepEqual(sight.errors, []);
    assert.ok(sight.played_s > 1, `${sight.played_s} s were shown`);
  }

  for (const [codec, { video, audio }] of Object.entries(sources)) {
    test(`${codec.toUpperCase()} with ${audio[0].replace("lib", "")}`, { timeout: 90_000 }, async (t) => {
      const file = join(await temporary_folder(t), `${codec}.mp4`);
      await run(
        t,
        "ffmpeg",
        [
          ...["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=426x240:rate=30", "-f", "lavfi", "-i", "sine"],
          ...["-t", String(clip_s), "-pix_fmt", "yuv420p", "-ar", "48000", "-b:v", "400k"],
          ...["-c:v", ...video, "-c:a", ...audio, file],
        ],
        60_000,
      );
      new Program(t, klieg_path, ["publish", "--to", klieg.rtmp(codec), "--loop", file]);
      await klieg.live(codec, 20_000);
      await assert_plain(t, codec);
    });
  }

  test("H.264 with a key frame in ten seconds", { timeout: 60_000 }, async (t) => {
    publish_with_ffmpeg(t, klieg.rtmp("grid"), { size: "426x240", video: x264({ gop: 300 }) });
    await klieg.live("grid", 20_000);
    await assert_plain(t, "grid");
  });
});
