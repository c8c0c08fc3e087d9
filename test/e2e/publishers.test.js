// Publishers that are refused, that leave, and that return.

import assert from "node:assert/strict";
import { test } from "node:test";

import { open_viewer } from "../world/browser.js";
import { publish_test_card, publish_with_ffmpeg } from "../world/encoder.js";
import { key_of, start_klieg } from "../world/klieg.js";
import { pause, until } from "../world/program.js";
import { get, media_playlists } from "../world/reader.js";
import { start_show } from "../world/show.js";

const small = ["--size", "320x180", "--bitrate", "300k"];

test("the key may stand where encoders put it", async (t) => {
  const klieg = await start_klieg(t, { channels: ["one", "two"] });
  publish_test_card(t, `${klieg.rtmp_server}/${key_of("one")}`, small); // OBS's two boxes, joined
  publish_with_ffmpeg(t, `${klieg.rtmp_server}?key=${key_of("two")}`, { size: "320x180" });
  await klieg.live("one");
  await klieg.live("two");
});

test("a wrong key is refused with words, in the encoder and in the log", async (t) => {
  const klieg = await start_klieg(t);
  const encoder = publish_with_ffmpeg(t, klieg.rtmp("show", "not-the-key"), { more: ["-loglevel", "verbose"] });
  assert.notEqual(await encoder.ends(15_000), 0);
  assert.match(encoder.said, /wrong key/i);
  await klieg.program.heard(/wrong key/i); // by a pipe of its own, perhaps after the encoder's end
  assert.doesNotMatch(klieg.program.said, /not-the-key/);
});

test("a second publisher is refused with words, and the first goes on", async (t) => {
  const klieg = await start_klieg(t);
  const first = publish_test_card(t, klieg.rtmp(), small);
  await klieg.live();
  const second = publish_with_ffmpeg(t, klieg.rtmp(), { more: ["-loglevel", "verbose"] });
  assert.notEqual(await second.ends(15_000), 0);
  assert.match(second.said, /already live/i);
  assert.equal(first.outcome, undefined);
});

test("where the operator wants it, a second publisher takes over", async (t) => {
  const klieg = await start_klieg(t, { env: { KLIEG_INGEST_TAKEOVER: "replace" } });
  const first = publish_with_ffmpeg(t, klieg.rtmp());
  await klieg.live();
  const second = publish_test_card(t, klieg.rtmp(), small);
  await first.ends(15_000);
  assert.equal(second.outcome, undefined);
  await klieg.live();
});

for (const [player, query] of [
  ["push", ""],
  ["hls.js", "?player=hls"],
  ["dash.js", "?player=dash"],
]) {
  test(`a publisher that drops and returns continues the broadcast: viewers by ${player} see a pause, not an end`, async (t) => {
    const { klieg, encoder, browser } = await start_show(t, { size: small });
    const viewer = await open_viewer(browser, `${klieg.page()}${query}`);
    const [playlist] = await media_playlists(klieg.hls());

    encoder.signal("SIGKILL");
    await encoder.ended;
    await pause(6_000);
    assert.doesNotMatch(await get(playlist), /#EXT-X-ENDLIST/);
    publish_test_card(t, klieg.rtmp(), small);

    await until("the discontinuity in the same playlist", async () =>
      (await get(playlist)).includes("#EXT-X-DISCONTINUITY\n") ? true : undefined,
    );
    await viewer.watch(3); // time to find back
    const sight = await viewer.watch(5);
    assert.ok(sight.played_s > 4, `${sight.played_s} s of video in 5 s, after the return: ${viewer.said.slice(-20)}`);
    assert.ok(sight.delay_ms() < 5_000, `${sight.delay_ms()} ms behind the camera, after the return`);
  });
}

test("a publisher that ends its broadcast ends it for viewers", async (t) => {
  const klieg = await start_klieg(t);
  publish_test_card(t, klieg.rtmp(), [...small, "--duration", "6"]);
  await klieg.live();
  const playlists = await media_playlists(klieg.hls());
  for (const playlist of playlists) {
    await until(
      "the end of the playlist",
      async () => ((await get(playlist)).includes("#EXT-X-ENDLIST") ? true : undefined),
      30_000,
    );
  }
  assert.match(await get(klieg.dash()), /type="static"/);
});

test("a publisher that sends garbage disturbs nobody", async (t) => {
  const { connect } = await import("node:net");
  const { randomBytes } = await import("node:crypto");
  const klieg = await start_klieg(t);
  const good = publish_test_card(t, klieg.rtmp(), small);
  await klieg.live();
  const [host, port] = klieg.address.rtmp.split(":");
  for (let i = 0; i < 20; ++i) {
    const socket = connect(Number(port), host).on("error", () => {});
    t.after(() => socket.destroy());
    if (i % 2) socket.write(Buffer.from([3])); // half of them begin as RTMP does
    socket.write(randomBytes(100_000));
  }
  const [playlist] = await media_playlists(klieg.hls());
  const sequence = async () =>
    Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(await get(playlist))[1]) + (await get(playlist)).split("#EXTINF").length;
  const before = await sequence();
  await until("two more segments", async () => ((await sequence()) >= before + 2 ? true : undefined));
  assert.equal(good.outcome, undefined);
});
