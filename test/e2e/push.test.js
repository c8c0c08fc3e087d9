// The push tier in a browser, from home and through an edge: behind the camera by less than half a second, without a
// stall; and what happens where it cannot be.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { open_viewer, start_browser } from "../world/browser.js";
import { start_edge } from "../world/edge.js";
import { publish_test_card, publish_with_ffmpeg, x264 } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { get } from "../world/reader.js";
import { suite_end } from "../world/suite.js";
import { ThinLine } from "../world/thin_line.js";
import { ask_for_push } from "../world/websocket_peer.js";

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
