// Those who read without a screen: playlists, ffprobe, mpv, GStreamer, and the schema of DASH.

import assert from "node:assert/strict";
import { access, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { temporary_folder } from "./klieg.js";
import { run } from "./program.js";
import { shared_data } from "./material.js";

export async function get(address, options) {
  const answer = await fetch(address, options);
  const text = await answer.text();
  assert.equal(answer.status, 200, `${address}: ${text.slice(0, 200)}`);
  return text;
}

// The media playlists that a multivariant playlist names, as absolute addresses.
export async function media_playlists(address) {
  const text = await get(address);
  const names = text.split("\n").filter((line) => line && !line.startsWith("#"));
  const renditions = [...text.matchAll(/^#EXT-X-MEDIA:.*URI="([^"]+)"/gm)].map(([, name]) => name);
  return [...new Set([...names, ...renditions])].map((name) => new URL(name, address).href);
}

// The packets that ffprobe reads in `seconds` of a playlist or manifest: { kind: "video"|"audio", pts_s, dts_s, key }.
export async function packets(t, address, seconds = 4) {
  const { output } = await run(
    t,
    "ffprobe",
    [
      "-v",
      "error",
      "-read_intervals",
      `%+${seconds}`,
      "-show_entries",
      "packet=codec_type,pts_time,dts_time,flags",
      "-of",
      "json",
      address,
    ],
    20_000 + seconds * 2_000,
  );
  return JSON.parse(output).packets.map((packet) => ({
    kind: packet.codec_type,
    pts_s: Number(packet.pts_time),
    dts_s: Number(packet.dts_time),
    key: packet.flags.startsWith("K"),
  }));
}

export async function streams(t, address) {
  const { output } = await run(t, "ffprobe", ["-v", "error", "-show_streams", "-of", "json", address], 25_000);
  return JSON.parse(output).streams;
}

// One kind of packet follows the other without a gap or a repeat: every step of the decode time is positive and at
// most `step_s_max`.
export function assert_continuous(of_kind, step_s_max) {
  assert.ok(of_kind.length > 20, `only ${of_kind.length} packets`);
  for (const [i, packet] of of_kind.slice(1).entries()) {
    const step_s = packet.dts_s - of_kind[i].dts_s;
    assert.ok(step_s > 0 && step_s <= step_s_max, `after ${of_kind[i].dts_s} s comes ${packet.dts_s} s`);
  }
}

export const dash_schema = "suites/dash-xsd/DASH-MPD-local.xsd"; // of the shared data

// The manifest, once it is found to follow the official schema; skips the assertion aloud where the schema is not here.
export async function assert_valid_mpd(t, address) {
  const manifest = await get(address);
  const schema = shared_data(dash_schema);
  try {
    await access(schema);
  } catch {
    t.diagnostic(`no schema at ${schema}: the manifest was not validated`);
    return manifest;
  }
  const file = join(await temporary_folder(t), "manifest.mpd");
  await writeFile(file, manifest);
  try {
    await run(t, "xmllint", ["--nonet", "--noout", "--schema", schema, file], 10_000);
  } catch (error) {
    throw new Error(`${error.message}\n${manifest}`);
  }
  return manifest;
}
