// Viewers of RTMP, at home and at an edge: what they get is what was published, as soon as it is there, and none of them
// costs another anything.

import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";

import { start_edge } from "../world/edge.js";
import { ffmpeg, publish_clip, publish_with_ffmpeg } from "../world/encoder.js";
import { key_of, start_klieg, temporary_folder } from "../world/klieg.js";
import { publish_with_obs } from "../world/obs.js";
import { resident_kb } from "../world/process.js";
import { Program, run, until } from "../world/program.js";
import { assert_continuous, get, packets, streams } from "../world/reader.js";
import { playing_peer } from "../world/rtmp_peer.js";
import { suite_end } from "../world/suite.js";
import { play_with_vlc } from "../world/vlc.js";
import { push_viewer } from "../world/websocket_peer.js";

const secret = "a-secret-between-nodes";

async function start_home_and_edge(t, env = {}) {
  const home = await start_klieg(t, { env: { KLIEG_NODE_SECRET: secret, ...env } });
  const edge = await start_edge(t, [home.address.http], ["--node-secret", secret, "--rtmp", "127.0.0.1:0"]);
  return { home, edge };
}
const play_url = (server, name = "show") => `rtmp://${server.address.rtmp}/live/${name}`;

// The frames of a medium as FFmpeg reads them: "video SIZE HASH" in decode order.
async function frames_of(t, input, kind) {
  const { output } = await run(
    t,
    "ffmpeg",
    [...["-v", "error", "-i", input, "-map", `0:${kind}:0`, "-c", "copy", "-f", "framemd5", "-"]],
    40_000,
  );
  const lines = output.split("\n").filter((line) => line && !line.startsWith("#"));
  return lines.map((line) => line.split(",").slice(4).join(" ").replaceAll(/ +/g, " "));
}

async function make_clip(t, seconds, size, bitrate, filters = "null") {
  const clip = join(await temporary_folder(t), "clip.flv");
  const maker = ffmpeg(t, [
    ...["-f", "lavfi", "-i", `testsrc2=size=${size}:rate=30,${filters}`, "-f", "lavfi", "-i", "sine=frequency=440"],
    ...["-t", String(seconds), "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "30", "-keyint_min", "30"],
    ...["-sc_threshold", "0", "-b:v", bitrate, "-maxrate", bitrate, "-bufsize", bitrate, "-pix_fmt", "yuv420p"],
    ...["-c:a", "aac", "-f", "flv", clip],
  ]);
  assert.equal(await maker.ends(60_000), 0, maker.said);
  return clip;
}

test("every frame reaches a viewer at home and one at an edge, intact, in order, up to the end of the broadcast", async (t) => {
  const { home, edge } = await start_home_and_edge(t, { KLIEG_INGEST_REJOIN_WINDOW_S: "1" });
  const clip = await make_clip(t, 10, "320x180", "400k");
  ffmpeg(t, ["-re", "-i", clip, "-c", "copy", "-f", "flv", home.rtmp()]);
  await home.live();
  const video = await frames_of(t, clip, "v");
  const audio = await frames_of(t, clip, "a");
  const seen = await Promise.all(
    [
      [home, "v"],
      [edge, "v"],
      [home, "a"],
      [edge, "a"],
    ].map(([server, kind]) => frames_of(t, play_url(server), kind)),
  );
  for (const [i, frames] of seen.entries()) {
    const published = i < 2 ? video : audio;
    assert.ok(frames.length > 90, `only ${frames.length} frames were seen`);
    assert.deepEqual(frames, published.slice(-frames.length));
  }
});

describe("while a broadcast is live", () => {
  const t = suite_end();
  let home, edge;

  before(async () => {
    ({ home, edge } = await start_home_and_edge(t));
    publish_with_ffmpeg(t, home.rtmp(), { size: "320x180" });
    await home.live();
  });

  for (const where of ["home", "an edge"]) {
    const url = () => play_url(where === "home" ? home : edge);

    test(`ffprobe reads RTMP from ${where} without a gap or a repeat`, async (test_context) => {
      const read = await packets(test_context, url(), 3);
      assert_continuous(
        read.filter((packet) => packet.kind === "video"),
        0.05,
      );
      assert_continuous(
        read.filter((packet) => packet.kind === "audio"),
        0.03,
      );
      assert.ok(read.find((packet) => packet.kind === "video").key, "it begins with a key frame");
      const found = await streams(test_context, url());
      assert.deepEqual(found.map((stream) => stream.codec_name).sort(), ["aac", "h264"]);
    });

    test(`mpv plays RTMP from ${where}`, async (test_context) => {
      const mpv = new Program(test_context, "mpv", [
        ...["--no-config", "--vo=null", "--ao=null", "--length=2", "--msg-level=all=warn"],
        url(),
      ]);
      assert.equal(await mpv.ends(20_000), 0, mpv.said);
      assert.doesNotMatch(mpv.said, /error|corrupt/i);
    });

    test(`VLC plays RTMP from ${where}, and begins at once`, async (test_context) => {
      const { file, code, buffered_ms } = await play_with_vlc(test_context, url(), 2);
      assert.equal(code, 0);
      assert.ok(buffered_ms < 2_000, `it waited until it had ${buffered_ms} ms`);
      const found = await streams(test_context, file);
      assert.deepEqual(found.map((stream) => stream.codec_name).sort(), ["aac", "h264"]);
      assert_continuous(
        (await packets(test_context, file)).filter((packet) => packet.kind === "video"),
        0.05,
      );
    });

    for (const element of where === "home" ? ["rtmp2src", "rtmpsrc"] : ["rtmp2src"]) {
      test(`GStreamer's ${element} plays RTMP from ${where}`, async (test_context) => {
        const location = element === "rtmpsrc" ? `${url()} live=1` : url();
        const player = new Program(test_context, "gst-launch-1.0", [
          ...[element, `location=${location}`, "!", "flvdemux", "name=demuxer", "demuxer.video", "!", "h264parse", "!"],
          ...["avdec_h264", "!", "fakesink", "num-buffers=60", "sync=false"],
        ]);
        assert.equal(await player.ends(20_000), 0, player.said);
      });
    }
  }

  test("a name that is not live is refused with words", async (test_context) => {
    const player = ffmpeg(test_context, ["-i", play_url(home, "nobody"), "-f", "null", "-"]);
    assert.notEqual(await player.ends(10_000), 0);
    assert.match(player.said, /nobody is not live/);
  });

  test("an edge sends who wants to publish to where that is possible", async (test_context) => {
    const encoder = publish_with_ffmpeg(test_context, play_url(edge), { more: ["-loglevel", "verbose"] });
    assert.notEqual(await encoder.ends(10_000), 0);
    assert.match(encoder.said, /publish to its parent/);
  });
});

// How red the next picture is: the mean of Cr, 128 for black and 240 for red.
async function redness_of(t, input) {
  const filter = "signalstats,metadata=print:key=lavfi.signalstats.VAVG:file=-";
  const { output } = await run(
    t,
    "ffmpeg",
    ["-v", "error", "-i", input, "-frames:v", "1", "-vf", filter, "-f", "null", "-"],
    10_000,
  );
  return Number(/VAVG=([\d.]+)/.exec(output)[1]);
}

test("OBS plays RTMP as a source of its own broadcast", { timeout: 60_000 }, async (t) => {
  const home = await start_klieg(t, { channels: ["show", "relay"] });
  ffmpeg(t, [
    ...["-re", "-f", "lavfi", "-i", "color=red:size=640x360:rate=30", "-c:v", "libx264", "-preset", "ultrafast"],
    ...["-g", "30", "-pix_fmt", "yuv420p", "-f", "flv", home.rtmp()],
  ]);
  await home.live();
  await publish_with_obs(t, home.rtmp_server, key_of("relay"), { plays: play_url(home) });
  await home.live("relay", 30_000);
  await until("what OBS plays to be in what it sends", async () => {
    return (await redness_of(t, play_url(home, "relay"))) > 200 || undefined;
  });
});

// How late a viewer's bytes come: the longest time between two arrivals, in ms, from now on.
function longest_silence(peer) {
  let last_ms = performance.now();
  let longest_ms = 0;
  const look = () => {
    const now_ms = performance.now();
    longest_ms = Math.max(longest_ms, now_ms - last_ms);
    last_ms = now_ms;
  };
  peer.socket.on("data", look);
  return () => (look(), longest_ms);
}

test("viewers that take nothing, a byte at a time, or leave within a frame cost little, are let go, and nobody else notices", async (t) => {
  const home = await start_klieg(t);
  publish_clip(t, home.rtmp(), await make_clip(t, 5, "640x360", "2M", "noise=alls=40:allf=t"));
  await home.live();
  const frames = packets(t, play_url(home), 10);
  const witness = playing_peer(t, home.address.rtmp, "show");
  await until("frames", () => witness.heard.length > 8_000 || undefined);
  const silence_ms = longest_silence(witness);
  const before_kb = await resident_kb(home.program.pid);
  const of_each = 10;
  for (const reads of ["nothing", "a byte", "a part"]) {
    for (let i = 0; i < of_each; ++i) {
      playing_peer(t, home.address.rtmp, "show", { reads });
      push_viewer(t, home.address.http, "show", { reads });
    }
  }
  const counted = async (name) => {
    const metrics = await get(`http://${home.address.admin}/metrics`);
    return Number(metrics.split(`\n${name} `)[1]?.split("\n")[0] ?? 0);
  };
  const received = "klieg_ingest_received_bytes_total";
  const received_before = await counted(received);
  const all_let_go = async () => {
    for (const by of ["klieg_push_rtmp", "klieg_push_websocket"]) {
      if ((await counted(`${by}_sessions_ended_total{outcome="not_reading"}`)) < 2 * of_each) return undefined;
      if ((await counted(`${by}_sessions_ended_total{outcome="left"}`)) < of_each) return undefined;
    }
    return true;
  };
  // A second until their windows and 128 KiB of the kernel are full, and 10 s in which they take nothing.
  await until("those who do not read to be let go", all_let_go, 14_000);
  const grown_kb = (await resident_kb(home.program.pid)) - before_kb;
  t.diagnostic(`${grown_kb} KB more than before, a viewer's longest silence ${Math.round(silence_ms())} ms`);
  // What came meanwhile is in the window and, on each of two loops, in a reel of either protocol. A viewer's own are a
  // session and a seat; the pieces on their way to him are the reel's. A sanitizer keeps what was freed.
  const came_kb = ((await counted(received)) - received_before) / 1000;
  const allowed_kb = 5 * came_kb + 6 * of_each * 8;
  if (!process.env.TEST_BUILD) assert.ok(grown_kb < allowed_kb, `${grown_kb} KB more than before, not ${allowed_kb}`);
  assert.ok(silence_ms() < 1_000, `a viewer heard nothing for ${silence_ms()} ms`);
  assert_continuous(
    (await frames).filter((packet) => packet.kind === "video"),
    0.06, // where the clip begins anew it is 0.05; a frame that is missing makes 0.067
  );
});
