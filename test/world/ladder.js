// The renditions of a broadcast, as playlists list them and as they are made: what their segments hold.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { temporary_folder } from "./klieg.js";
import { run, until } from "./program.js";
import { get } from "./reader.js";

// What a multivariant playlist lists: { kind, name, address } of each; of one with a picture also what is said of it.
export async function renditions(address) {
  const found = [];
  let variant;
  for (const line of (await get(address)).split("\n")) {
    const attribute = (name) => new RegExp(`[:,]${name}=(?:"([^"]*)"|([^,]*))`).exec(line)?.slice(1).find(Boolean);
    if (line.startsWith("#EXT-X-MEDIA:TYPE=AUDIO") && attribute("URI")) {
      found.push(named({ kind: "audio" }, attribute("URI"), address));
    } else if (line.startsWith("#EXT-X-STREAM-INF:")) {
      const [width, height] = (attribute("RESOLUTION") ?? "0x0").split("x").map(Number);
      variant = {
        kind: width ? "video" : "audio",
        codecs: attribute("CODECS"),
        bandwidth: Number(attribute("BANDWIDTH")),
        frame_rate: Number(attribute("FRAME-RATE")),
        ...{ width, height },
      };
    } else if (variant && line && !line.startsWith("#")) {
      found.push(named(variant, line, address));
      variant = undefined;
    }
  }
  return [...new Map(found.map((rendition) => [rendition.name, rendition])).values()];
}

const named = (rendition, uri, base) => ({
  ...rendition,
  name: /([^/]+)\.m3u8$/.exec(uri)[1],
  address: new URL(uri, base).href,
});

// A media playlist, as text and as its finished segments.
export async function media_playlist(address, query = "") {
  const text = await get(address + query);
  const segments = [];
  let msn = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(text)[1]);
  let [duration_s, gap, header] = [0, false];
  for (const line of text.split("\n")) {
    if (line.startsWith("#EXT-X-MAP:")) header = new URL(/URI="([^"]+)"/.exec(line)[1], address).href;
    if (line.startsWith("#EXTINF:")) duration_s = Number.parseFloat(line.slice(8));
    if (line.startsWith("#EXT-X-GAP")) gap = true;
    if (!line || line.startsWith("#")) continue;
    segments.push({ msn: msn++, duration_s, gap, header, address: new URL(line, address).href });
    gap = false;
  }
  return { segments, text };
}

// The numbers of the newest `count` segments that every one of these renditions has finished.
export async function common_segments(all, count, within_ms = 20_000) {
  return until(
    `${count} segments of ${all.map(({ name }) => name).join(", ")}`,
    async () => {
      const lists = await Promise.all(all.map(async ({ address }) => (await media_playlist(address)).segments));
      const whole = lists.map((list) => new Set(list.filter(({ gap }) => !gap).map(({ msn }) => msn)));
      const common = [...whole[0]].filter((msn) => whole.every((set) => set.has(msn)));
      if (common.length < count) throw new Error(`each has ${whole.map((set) => [...set].join(" ")).join("; ")}`);
      return common.slice(-count);
    },
    within_ms,
  );
}

// Segments of one rendition, with its header before them, as a file.
export async function download(t, rendition, numbers) {
  const { segments } = await media_playlist(rendition.address);
  const wanted = numbers.map((msn) => segments.find((segment) => segment.msn === msn));
  assert.ok(
    wanted.every((segment) => segment && !segment.gap),
    `${rendition.name} no longer has all of ${numbers}`,
  );
  const bytes = async (address) => Buffer.from(await (await fetch(address)).arrayBuffer());
  const pieces = await Promise.all([wanted[0].header, ...wanted.map(({ address }) => address)].map(bytes));
  const file = join(await temporary_folder(t), `${rendition.name}-${numbers[0]}.mp4`);
  await writeFile(file, Buffer.concat(pieces));
  return file;
}

// What a segment holds, by ffprobe: from when to when, in which frames; `duration_s` is what the playlist says.
export async function look_into(t, rendition, msn) {
  const file = await download(t, rendition, [msn]);
  const { output } = await run(
    t,
    "ffprobe",
    ["-v", "error", "-show_entries", "packet=pts_time,duration_time,flags", "-of", "json", file],
    10_000,
  );
  const { packets } = JSON.parse(output);
  const shown = packets
    .map(({ pts_time, duration_time }) => ({ at_s: Number(pts_time), for_s: Number(duration_time) }))
    .sort((a, b) => a.at_s - b.at_s);
  const { segments } = await media_playlist(rendition.address);
  return {
    name: rendition.name,
    begin_s: shown[0].at_s,
    end_s: shown.at(-1).at_s + shown.at(-1).for_s,
    first_is_key: packets[0].flags.startsWith("K"),
    frames: packets.length,
    duration_s: segments.find((segment) => segment.msn === msn).duration_s,
  };
}

// Decodes segments of one rendition; ffmpeg must not say a word. The first stream of it, as ffprobe describes it.
export async function assert_decodes(t, rendition, numbers) {
  const file = await download(t, rendition, numbers);
  const { said } = await run(t, "ffmpeg", ["-v", "error", "-nostdin", "-i", file, "-f", "null", "-"], 30_000);
  assert.equal(said, "", `${rendition.name}: ${said.slice(0, 1_000)}`);
  const { output } = await run(t, "ffprobe", ["-v", "error", "-show_streams", "-of", "json", file], 10_000);
  return JSON.parse(output).streams[0];
}

// How bright the whole picture of one rendition is, as it is coded.
export async function luma_of(t, rendition, numbers) {
  const file = await download(t, rendition, numbers);
  const filter = "signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-";
  const { output } = await run(t, "ffmpeg", ["-v", "error", "-i", file, "-vf", filter, "-f", "null", "-"], 20_000);
  const all = [...output.matchAll(/YAVG=([\d.]+)/g)].map(([, luma]) => Number(luma));
  return all.reduce((sum, luma) => sum + luma, 0) / all.length;
}

// How long it takes, in ms, until a part of a rendition is whole that begins after now: the end of the one after the one
// that is being made. By reloads that the server holds until then.
export async function fresh_part_ms(rendition) {
  const asked_ms = performance.now();
  let { text } = await media_playlist(rendition.address);
  for (let parts = 0; parts < 2; ++parts) {
    const [, msn, part] = /#EXT-X-PRELOAD-HINT:TYPE=PART,URI="[^"]*-(\d+)\.(\d+)\.m4s"/.exec(text);
    ({ text } = await media_playlist(rendition.address, `?_HLS_msn=${msn}&_HLS_part=${part}`));
  }
  return performance.now() - asked_ms;
}

// No sample is missing from a segment to another: each is decoded one step after the one before.
export async function assert_every_sample(t, rendition, first, last, step_s) {
  const numbers = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const file = await download(t, rendition, numbers);
  const { output } = await run(
    t,
    "ffprobe",
    ["-v", "error", "-show_entries", "packet=dts_time", "-of", "csv=p=0", file],
    20_000,
  );
  const times = output.split("\n").filter(Boolean).map(Number.parseFloat);
  for (const [i, at_s] of times.slice(1).entries()) {
    const off_s = at_s - times[i] - step_s;
    assert.ok(Math.abs(off_s) < 0.002, `${rendition.name}: ${at_s} s comes after ${times[i]} s`);
  }
  assert.ok(times.length * step_s > numbers.length * 0.9, `${times.length} samples in ${numbers.length} segments`);
}
