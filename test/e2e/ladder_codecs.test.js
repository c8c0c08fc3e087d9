// Sources that not every player can decode, or follow, reach those that know H.264 and AAC alone.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, test } from "node:test";

import { open_viewer, start_browser } from "../world/browser.js";
import { publish_with_ffmpeg, x264 } from "../world/encoder.js";
import { klieg_path, start_klieg, temporary_folder } from "../world/klieg.js";
import { assert_decodes, common_segments, media_playlist, renditions } from "../world/ladder.js";
import { Program, run, until } from "../world/program.js";
import { assert_valid_mpd, get } from "../world/reader.js";
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
    // The first manifest there is names all of it, because nobody would look again.
    const manifest = await assert_valid_mpd(t, klieg.dash(channel));
    const codecs_of = (kind) => {
      const first_of_set = new RegExp(`contentType="${kind}"[^]*? codecs="([^".]+)`, "g");
      return [...manifest.matchAll(first_of_set)].map(([, codec]) => codec);
    };
    assert.deepEqual(codecs_of("video"), ["avc1"]);
    assert.ok(codecs_of("audio").includes("mp4a"), manifest);
    const numbers = await common_segments(all, 2);
    for (const rendition of all) {
      await assert_decodes(t, rendition, numbers);
      const [first] = (await media_playlist(rendition.address)).segments;
      assert.ok(first.msn === 0 && !first.gap, `${rendition.name} begins with segment ${first.msn}, a gap or not`);
    }
    assert.match(klieg.program.said, new RegExp(`encoded anew for viewers.*channel=${channel} `));
    const viewer = await open_viewer(browser, klieg.page(channel));
    const sight = await viewer.watch(2);
    await viewer.close();
    assert.deepEqual(sight.errors, []);
    assert.ok(sight.played_s > 1, `${sight.played_s} s were shown`);
  }

  for (const [codec, { video, audio }] of Object.entries(sources)) {
    test(`${codec.toUpperCase()} with ${audio[0].replace("lib", "")}`, { timeout: 90_000 }, async (t) => {
      const file = join(await temporary_folder(t), `${codec}.mp4`);
      await make_clip(t, file, [...video, "-c:a", ...audio]);
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

// What no decoder understands, under a configuration that is in order: the rungs are refused, not the broadcast.
const spoilt = {
  h264: { video: x264().slice(1), shown: /^avc1/ },
  hevc: { video: sources.hevc.video, shown: /^hvc1/ }, // which was to be encoded anew
};

describe("a broadcast goes on, and the log says why there are no rungs, when nothing can be decoded of its", () => {
  const t = suite_end();
  let klieg;

  before(async () => {
    klieg = await start_klieg(t, { channels: Object.keys(spoilt), ladder: "120p:100k,audio" });
  });

  for (const [codec, { video, shown }] of Object.entries(spoilt)) {
    test(codec.toUpperCase(), { timeout: 60_000 }, async (t) => {
      const file = join(await temporary_folder(t), `${codec}.mp4`);
      await make_clip(t, file, [...video, "-c:a", "aac"]);
      await spoil_pictures(t, file, codec === "h264" ? 1 : 2);
      const refused = await refused_ladders(klieg);
      new Program(t, klieg_path, ["publish", "--to", klieg.rtmp(codec), "--loop", file]);
      const [line] = await klieg.program.heard(new RegExp(`.*cannot be decoded.*channel=${codec} .*`), 30_000);
      assert.match(line, /set the encoder to H\.264 .*why="no picture comes of \w+ after \d+ samples: /);
      await until("its count", async () => ((await refused_ladders(klieg)) === refused + 1 ? true : undefined));
      if (codec !== "h264") await klieg.program.heard(new RegExp(`passed on as it comes.*channel=${codec} `));
      await klieg.live(codec, 20_000);
      const all = await until("what came, and rungs of its sound alone", async () => {
        const listed = await renditions(klieg.hls(codec));
        return listed.map(({ name }) => name).sort().join() === "audio,audio-64k,video" ? listed : undefined;
      });
      assert.match(all.find(({ name }) => name === "video").codecs, shown);
      const [, newest] = await common_segments(all, 2);
      await until("a segment more", async () => ((await common_segments(all, 1))[0] > newest ? true : undefined));
    });
  }
});

async function refused_ladders(klieg) {
  const metrics = await get(`http://${klieg.address.admin}/metrics`);
  return Number(/^klieg_transcoder_refused_total\{outcome="undecodable"\} (\d+)/m.exec(metrics)[1]);
}

const make_clip = (t, file, codecs) =>
  run(
    t,
    "ffmpeg",
    [
      ...["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=426x240:rate=30", "-f", "lavfi", "-i", "sine"],
      ...["-t", String(clip_s), "-pix_fmt", "yuv420p", "-ar", "48000", "-b:v", "400k", "-c:v", ...codecs, file],
    ],
    60_000,
  );

// The lengths of NAL units stay, and their headers, and of what is behind these nothing.
async function spoil_pictures(t, file, nal_header_bytes) {
  const packets = ["-select_streams", "v:0", "-show_entries", "packet=pos,size", "-of", "json"];
  const { output } = await run(t, "ffprobe", ["-v", "error", ...packets, file], 10_000);
  const bytes = await readFile(file);
  for (const { pos, size } of JSON.parse(output).packets) {
    const end = Number(pos) + Number(size);
    for (let unit = Number(pos); unit < end; ) {
      const next = unit + 4 + bytes.readUInt32BE(unit);
      bytes.fill(0, Math.min(unit + 4 + nal_header_bytes, next), next);
      unit = next;
    }
  }
  await writeFile(file, bytes);
}
