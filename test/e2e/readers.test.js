// Plain players, which know nothing of low latency, read the same broadcast.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { publish_with_ffmpeg } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { without_shared_data } from "../world/material.js";
import { Program, until } from "../world/program.js";
import { assert_continuous, assert_valid_mpd, dash_schema, get, media_playlists, packets } from "../world/reader.js";
import { suite_end } from "../world/suite.js";

describe("a plain player", () => {
  const t = suite_end();
  let klieg;

  before(async () => {
    klieg = await start_klieg(t);
    publish_with_ffmpeg(t, klieg.rtmp(), { size: "320x180" });
    await klieg.live();
  });

  for (const kind of ["hls", "dash"]) {
    test(`ffprobe reads ${kind.toUpperCase()} without a gap or a repeat`, async (test_context) => {
      const read = await packets(test_context, klieg[kind](), 5);
      assert_continuous(
        read.filter((packet) => packet.kind === "video"),
        0.05,
      );
      assert_continuous(
        read.filter((packet) => packet.kind === "audio"),
        0.03,
      );
    });
  }

  test("mpv plays HLS", async (test_context) => {
    const mpv = new Program(test_context, "mpv", [
      ...[
        "--no-config",
        "--vo=null",
        "--ao=null",
        "--length=4",
        "--msg-level=all=warn",
        "--term-status-msg=at ${=time-pos}",
      ],
      klieg.hls(),
    ]);
    assert.equal(await mpv.ends(30_000), 0, mpv.said);
    assert.doesNotMatch(mpv.said, /error|corrupt/i);
  });

  for (const element of ["playbin", "playbin3"]) {
    test(`GStreamer's ${element} plays HLS`, async (test_context) => {
      const player = new Program(test_context, "gst-launch-1.0", [
        ...["-v", element, `uri=${klieg.hls()}`],
        ...[
          "video-sink=fakesink name=screen sync=true silent=false",
          "audio-sink=fakesink name=speaker sync=true silent=false",
        ],
      ]);
      const rendered = (sink) => player.said.split(`${sink}: last-message = chain`).length - 1;
      await until(
        "two seconds of picture and sound",
        () => (rendered("screen") > 60 && rendered("speaker") > 90 ? true : undefined),
        30_000,
      );
    });
  }

  test("the playlists promise a target duration and keep it", async () => {
    for (const address of await media_playlists(klieg.hls())) {
      const text = await get(address);
      const target_s = Number(/#EXT-X-TARGETDURATION:(\d+)/.exec(text)[1]);
      for (const [, duration] of text.matchAll(/#EXTINF:([\d.]+)/g))
        assert.ok(Math.round(Number(duration)) <= target_s, text);
    }
  });

  // Here its absence is counted; other tests go on without it.
  test("the manifest follows the schema", { skip: without_shared_data(dash_schema) }, (test_context) =>
    assert_valid_mpd(test_context, klieg.dash()));
});
