// The pictures of a broadcast: what it looks like now, and what it looked like when.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { readClock } from "../../bench/read_clock.mjs";
import { publish_test_card } from "../world/encoder.js";
import { start_klieg, temporary_folder } from "../world/klieg.js";
import { run, until } from "../world/program.js";
import { get, media_playlists } from "../world/reader.js";

const every_s = 5; // a poster, and a thumbnail
const slack_s = 4; // a picture is kept by caches for a while, and this machine has other things to do
const [wide, high] = [320, 180]; // large enough to read the test card's clock

// The bytes of a picture, which ffmpeg decodes without a word, and its size.
async function picture(t, address) {
  const answer = await fetch(address);
  assert.equal(answer.status, 200, address);
  assert.equal(answer.headers.get("content-type"), "image/jpeg");
  const file = join(await temporary_folder(t), "picture.jpg");
  await writeFile(file, Buffer.from(await answer.arrayBuffer()));
  const decoding = await run(t, "ffmpeg", ["-v", "error", "-nostdin", "-i", file, "-f", "null", "-"], 10_000);
  assert.equal(decoding.said, "");
  const size = ["-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0:s=x"];
  const { output } = await run(t, "ffprobe", ["-v", "error", ...size, file], 10_000);
  return { file, is: output.trim() };
}

async function clock_of(t, { file }) {
  const pixels = `${file}.rgba`;
  const scaled = ["-vf", `scale=${wide}:${high}`, "-pix_fmt", "rgba", "-f", "rawvideo", pixels];
  await run(t, "ffmpeg", ["-v", "error", "-nostdin", "-i", file, ...scaled], 10_000);
  return readClock(await readFile(pixels), wide, high);
}

test("a poster shows what is seen now, a storyboard what was seen when", { timeout: 60_000 }, async (t) => {
  const klieg = await start_klieg(t, { ladder: "240p" });
  publish_test_card(t, klieg.rtmp(), ["--size", "640x360", "--bitrate", "800k"]);
  await klieg.live();
  const [playlist] = await media_playlists(klieg.hls());
  const storyboard = new URL("storyboard.vtt", playlist).href;
  const cues = await until("the third thumbnail", async () => {
    const found = [...(await get(storyboard)).matchAll(/^([\d:.]+) --> ([\d:.]+)\n(.+)$/gm)].map(
      ([, begin, end, name]) => ({ begin_s: seconds(begin), end_s: seconds(end), name }),
    );
    return found.length > 2 ? found : undefined;
  });

  const poster = await picture(t, `${klieg.http}/live/show/poster.jpg`);
  assert.equal(poster.is, "mjpegx640x360");
  const age_s = (Date.now() - (await clock_of(t, poster))) / 1000;
  t.diagnostic(`the poster is ${age_s.toFixed(1)} s old`);
  assert.ok(age_s > 0 && age_s < every_s + slack_s, `the poster is ${age_s} s old`);

  const zero_ms = Date.parse(/PROGRAM-DATE-TIME=(\S+)/.exec(await get(storyboard))[1]);
  for (const [i, { begin_s, end_s, name }] of cues.entries()) {
    const thumbnail = await picture(t, new URL(name, storyboard).href);
    assert.equal(thumbnail.is, "mjpegx160x90");
    assert.ok(end_s > begin_s && Math.abs(end_s - begin_s - every_s) < 1, `${name} from ${begin_s} to ${end_s} s`);
    if (i > 0) assert.equal(begin_s, cues[i - 1].end_s);
    // Where its clock can be read at all at this size, it says the time at which the cue begins, less the way to here.
    const clock_ms = await clock_of(t, thumbnail);
    if (clock_ms === null) continue;
    const late_s = (zero_ms - clock_ms) / 1000 + begin_s;
    assert.ok(late_s > -0.2 && late_s < slack_s, `${name} is ${late_s} s older than its cue says`);
  }
});

const seconds = (time) => time.split(":").reduce((sum, part) => 60 * sum + Number(part), 0);
