// The push tier in a browser, from home and through an edge: behind the camera by less than half a second, without a
// stall; and what happens where it cannot be.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { open_viewer, start_browser } from "../world/browser.js";
import { start_edge } from "../world/edge.js";
import { publish_test_card, publish_with_ffmpeg, x264 } from "../world/encoder.js";
import { key_of, start_klieg } from "../world/klieg.js";
import { publish_with_a_late_track } from "../world/late_track.js";
import { Person } from "../world/person.js";
import { until } from "../world/program.js";
import { get } from "../world/reader.js";
import { suite_end } from "../world/suite.js";
import { ThinLine } from "../world/thin_line.js";
import { ask_for_push, push_viewer, watch_push } from "../world/websocket_peer.js";

const secret = "a-secret-between-nodes";
const small = ["--size", "640x360", "--bitrate", "800k"];

async function metric(address, name) {
  const lines = (await get(`http://${address}/metrics`)).split("\n").filter((line) => line.startsWith(name));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

describe("push", () => {
  const t = suite_end();
  let home, edge, browser;

  before(async () => {
    home = await start_klieg(t, { env: { KLIEG_NODE_SECRET: secret } });
    edge = await start_edge(t, [home.address.http], ["--node-secret", secret]);
    publish_test_card(t, home.rtmp(), small);
    browser = await start_browser(t);
    await home.live();
  });

  // An edge has no pages: the one of home plays what the edge pushes.
  async function plays(viewer, where) {
    await viewer.watch(3);
    const sight = await viewer.watch(10);
    const player = await viewer.page.evaluate(() => window.klieg.player);
    const said_s = await viewer.page.evaluate(() => window.klieg.latency());
    const stats = await viewer.page.evaluate(() => window.klieg.stats());
    await viewer.close();
    console.log(`push from ${where}: ${Math.round(sight.delay_ms())} ms behind the camera, ${sight.stalls.length} stalls`);
    assert.equal(player, "push", `it gave way: ${viewer.said.join("\n")}`);
    sight.assert_smooth();
    assert.ok(sight.delay_ms() < 2_500, `${Math.round(sight.delay_ms())} ms behind the camera`);
    assert.ok(Math.abs(said_s * 1000 - sight.delay_ms()) < 300, `it says ${said_s} s`);
    assert.equal(stats.restarts, 0);
  }

  test("from home plays without a stall, and the page says how far behind it is", async () => {
    await plays(await open_viewer(browser, `${home.page()}?player=push`), "home");
  });

  test("through an edge it does, too", async () => {
    await plays(await open_viewer(browser, `http://${edge.address.http}/@show?player=push`), "an edge");
    assert.ok((await metric(edge.address.admin, "klieg_push_sent_bytes_total")) > 0, "the edge pushed it");
  });

  test("a connection that is lost is followed by another, and the viewer sees nothing of it", async (test_context) => {
    const line = await ThinLine.lay(test_context, home.address.http);
    const viewer = await open_viewer(browser, `${line.http}/@show`);
    await viewer.watch(3);
    const sight = await viewer.watch_while(async () => {
      for (const seconds of [1, 12]) {
        await viewer.page.waitForTimeout(seconds * 1000);
        line.break();
      }
      await viewer.page.waitForTimeout(2_000);
    });
    const { tier, restarts } = await viewer.page.evaluate(() => ({ tier: window.klieg.tier, ...window.klieg.stats() }));
    await viewer.close();
    test_context.diagnostic(`stood ${Math.round(sight.longest_stand_ms)} ms, ${sight.stalls.length} stalls`);
    assert.equal(tier, "push", `it gave way: ${viewer.said.join("\n")}`);
    assert.equal(restarts, 0);
    assert.deepEqual(sight.errors, []);
    assert.ok(sight.longest_stand_ms < 700, `the picture stood for ${Math.round(sight.longest_stand_ms)} ms`);
  });

  // A node of which nobody has asked for this broadcast before, that has to fetch it first.
  test("who lost his node goes on at another where that left him, without the key frame", async () => {
    const other = await start_edge(t, [home.address.http], ["--node-secret", secret]);
    const of = (all, track) => all.filter((one) => one.track === track && !one.initialization).map(({ ticks }) => ticks);
    const timescale = { 1: 90_000, 2: 48_000 };
    const after_key = (all) => all.filter(({ key }) => key).length >= 2 && all.slice(all.findLastIndex(({ key }) => key)).length > 40;
    const first = await watch_push(t, edge.address.http, "show", "", after_key);
    assert.ok(first.find(({ ticks }) => typeof ticks === "number").key, "a newcomer begins with a key frame");
    const after_ms = Math.floor(Math.min(...[1, 2].map((track) => (1000 * of(first, track).at(-1)) / timescale[track])));
    const second = await watch_push(t, other.address.http, "show", `?after_ms=${after_ms}`, after_key);
    assert.deepEqual(second.slice(0, 3).map(({ type, initialization }) => type ?? initialization), ["tracks", true, true]);
    for (const track of [1, 2]) {
      const [before, then] = [of(first, track), of(second, track)];
      const step = before[1] - before[0];
      assert.ok(then[0] <= before.at(-1) + step, "nothing is missing");
    }
    // Sound may: a node that is new to a broadcast has the picture of the newest segment before its sound.
    const again_s = (of(first, 1).at(-1) - of(second, 1)[0]) / timescale[1];
    assert.ok(again_s < 0.2, `${again_s} s of the picture come again`);
  });

  test("a page of another origin, and who does not speak WebSocket, is refused", async () => {
    assert.match(await ask_for_push(t, home.address.http, "show", ["Origin: http://evil.example"]), /^HTTP\/1.1 403 /);
    assert.match(await ask_for_push(t, home.address.http, "nobody"), /^HTTP\/1.1 404 /);
    assert.equal((await fetch(`${home.http}/live/show/push`)).status, 426);
  });
});

test("where nobody is pushed to, the page plays low-latency HTTP by itself, and says so", async (t) => {
  const home = await start_klieg(t, { env: { KLIEG_PUSH_VIEWERS_MAX: "0" } });
  publish_test_card(t, home.rtmp(), small);
  const browser = await start_browser(t);
  await home.live();
  assert.match(await ask_for_push(t, home.address.http), /^HTTP\/1.1 503 /);
  const viewer = await open_viewer(browser, home.page());
  assert.deepEqual(await viewer.page.evaluate(() => [window.klieg.player, window.klieg.tier]), ["dash", "low_latency"]);
  assert.equal(await viewer.page.evaluate(() => window.klieg.stats().restarts), 0, "nothing was begun in vain");
  await viewer.page.waitForSelector('button[title="low-latency HTTP"]', { state: "attached" });
});

test("on a line that does not carry the source, the page goes over to the ladder by itself", async (t) => {
  const home = await start_klieg(t, { ladder: "240p,audio" });
  const rate = ["-b:v", "2500k", "-minrate", "2500k", "-maxrate", "2500k", "-bufsize", "1250k"];
  publish_with_ffmpeg(t, home.rtmp(), { video: x264({ more: [...rate, "-x264-params", "nal-hrd=cbr"] }) });
  const browser = await start_browser(t);
  await home.live();
  const line = await ThinLine.lay(t, home.address.http);
  const viewer = await open_viewer(browser, `${line.http}/@show`);
  const tier = () => viewer.page.evaluate(() => window.klieg.tier);
  await viewer.page.getByRole("button", { name: "Quality: Auto 360p" }).waitFor({ state: "attached" });
  await viewer.watch(3);
  assert.equal(await tier(), "push");

  line.kbps = 1_200;
  const began_ms = performance.now();
  await viewer.page.waitForFunction(() => window.klieg.tier === "low_latency", null, { timeout: 20_000 });
  const left_s = (performance.now() - began_ms) / 1000;
  await viewer.shows_lines(240, 30_000);
  t.diagnostic(`push was left after ${left_s.toFixed(1)} s, 240p was there after ${((performance.now() - began_ms) / 1000).toFixed(1)} s`);
  // What was pushed and lies in buffers on the way comes first.
  let sight = await viewer.watch(4);
  for (let i = 0; i < 4 && sight.played_s < 3; ++i) sight = await viewer.watch(4);
  assert.ok(sight.played_s > 3, `${sight.played_s} s of video in 4 s`);
  assert.notEqual(await tier(), "push");
});

for (const late of ["sound", "picture"]) {
  test(`${late} that joins late in a broadcast is there for who is pushed to, without asking`, async (t) => {
    const home = await start_klieg(t);
    const encoder = await publish_with_a_late_track(t, home.address.rtmp, key_of("show"), late);
    const browser = await start_browser(t);
    await home.live();
    const viewer = await open_viewer(browser, home.page());
    const seen = () =>
      viewer.page.evaluate(() => ({
        player: window.klieg.player,
        sound_bytes: window.klieg.video.webkitAudioDecodedByteCount,
        pictures: window.klieg.video.getVideoPlaybackQuality().totalVideoFrames,
      }));
    const has = ({ sound_bytes, pictures }) => [sound_bytes > 0, pictures > 0];
    await viewer.watch(3);
    const before = await seen();
    assert.equal(before.player, "push");
    assert.deepEqual(has(before), late === "sound" ? [false, true] : [true, false]);

    encoder.join();
    await until("both at once", async () => has(await seen()).every(Boolean) || undefined, 20_000);
    const joined = await seen();
    await viewer.watch(3);
    const after = await seen();
    assert.equal(after.player, "push", `it gave way: ${viewer.said.join("\n")}`);
    assert.ok(after.sound_bytes > joined.sound_bytes, "the sound goes on");
    assert.ok(after.pictures > joined.pictures, "the picture goes on");
  });
}

test("where followers come first, one who follows is pushed to when others no longer are", async (t) => {
  const flags = ["--studio-sign-up", "open", "--push-admit", "followers", "--push-viewers-max", "4"];
  const [home, browser] = await Promise.all([start_klieg(t, { channels: [], flags }), start_browser(t)]);
  const people = {};
  for (const name of ["ada", "bob", "carl"]) {
    people[name] = new Person(home);
    await people[name].sign_up(name);
  }
  const { ada, bob, carl } = people;
  await bob.done("PUT", "/people/ada/follow");
  const { secret: stream_key } = await ada.done("POST", "/keys", { label: "Desk" });
  publish_test_card(t, home.rtmp("ada", stream_key), small);
  await home.live("ada");

  // A quarter of the places is kept, one of four.
  for (let i = 0; i < 3; ++i) push_viewer(t, home.address.http, "ada", { reads: "all" });
  await until("three strangers pushed to", async () => (await metric(home.address.admin, "klieg_push_viewers")) === 3 || undefined);
  assert.match(await ask_for_push(t, home.address.http, "ada"), /^HTTP\/1.1 503 /);

  const plays_by = async (person) => {
    const context = await browser.newContext();
    if (person) await context.addCookies([cookie_of(home, person)]);
    const viewer = await open_viewer(context, home.page("ada"));
    const tier = await viewer.page.evaluate(() => window.klieg.tier);
    await context.close();
    return tier;
  };
  assert.equal(await plays_by(null), "low_latency", "who is not logged in");
  assert.equal(await plays_by(carl), "low_latency", "who does not follow");
  assert.equal(await plays_by(bob), "push", "who follows");
});

const cookie_of = (home, { cookie }) => {
  const [name, value] = cookie.split("=");
  return { name, value, url: home.http };
};
