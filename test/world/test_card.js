// What a test card shows and sounds, found in what viewers receive: its clock, flash and beep.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { readClock } from "../../bench/read_clock.mjs";
import { temporary_folder } from "./klieg.js";
import { run } from "./program.js";

const width = 320;
const height = 180;
const sample_rate = 48_000;
const loud = 3_000; // of 32,767; the tone is much louder, the noise of a codec much quieter

// Decodes `seconds` of an address. Pictures: { pts_s, clock_ms } (null where it cannot be read). Beeps: when each
// begins, in seconds on the same timeline.
export async function look_and_listen(t, address, seconds) {
  const folder = await temporary_folder(t);
  const pictures_file = join(folder, "pictures.rgba");
  const sound_file = join(folder, "sound.s16");
  const { said } = await run(
    t,
    "ffmpeg",
    [
      ...["-hide_banner", "-nostdin", "-loglevel", "info", "-copyts", "-i", address],
      ...[
        "-map",
        "0:v",
        "-vf",
        `scale=${width}:${height},showinfo`,
        "-fps_mode",
        "passthrough",
        "-frames:v",
        String(seconds * 30),
        "-pix_fmt",
        "rgba",
        "-f",
        "rawvideo",
        pictures_file,
      ],
      ...[
        "-map",
        "0:a",
        "-af",
        "ashowinfo",
        "-ac",
        "1",
        "-ar",
        String(sample_rate),
        "-frames:a",
        String(seconds * 47),
        "-f",
        "s16le",
        sound_file,
      ],
    ],
    30_000 + seconds * 3_000,
  );
  const pixels = await readFile(pictures_file);
  const pictures = [...said.matchAll(/Parsed_showinfo\S+ .*? n: *\d+ pts: *-?\d+ pts_time:(-?[\d.]+)/g)].map(
    ([, pts], i) => ({
      pts_s: Number(pts),
      clock_ms: clock_of(pixels.subarray(i * width * height * 4, (i + 1) * width * height * 4)),
    }),
  );
  const sounds = [...said.matchAll(/Parsed_ashowinfo\S+ .*? pts_time:(-?[\d.]+) .*? nb_samples:(\d+)/g)].map(
    ([, pts, samples]) => ({ pts_s: Number(pts), samples: Number(samples) }),
  );
  return { pictures, beeps_s: beeps_of(await readFile(sound_file), sounds) };
}

const clock_of = (pixels) => (pixels.length < width * height * 4 ? null : readClock(pixels, width, height));

// A beep begins where it is loud after a fifth of a second in which it was not. Each frame of sound says when it is
// heard: a hole between two of them is no sample of the file.
function beeps_of(sound, frames) {
  const samples = new Int16Array(sound.buffer, sound.byteOffset, Math.floor(sound.length / 2));
  let frame = 0;
  let frame_begins = 0;
  const heard_s = (i) => {
    while (i >= frame_begins + frames[frame].samples && frame + 1 < frames.length) {
      frame_begins += frames[frame++].samples;
    }
    return frames[frame].pts_s + (i - frame_begins) / sample_rate;
  };
  const beeps = [];
  let quiet_since = 0;
  let quiet_seen = false;
  samples.forEach((sample, i) => {
    if (Math.abs(sample) < loud) return;
    if (quiet_seen && i - quiet_since > sample_rate / 5) beeps.push(heard_s(i));
    quiet_since = i;
    quiet_seen = true;
  });
  return beeps;
}

// For each beep, how much later than its picture it is heard, in ms: the beep of second N sounds at clock N, 000 ms.
export function sound_after_picture_ms({ pictures, beeps_s }) {
  const readable = pictures.filter(({ clock_ms }) => clock_ms !== null);
  return beeps_s.flatMap((beep_s) => {
    const near = readable.find(({ pts_s }) => Math.abs(pts_s - beep_s) < 0.1);
    if (!near) return [];
    const clock_at_beep_ms = near.clock_ms + (beep_s - near.pts_s) * 1000;
    return [clock_at_beep_ms - Math.round(clock_at_beep_ms / 1000) * 1000];
  });
}
