// The push tier in a browser, from home and through an edge: behind the camera by less than half a second, without a
// stall; and what happens where it cannot be.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { open_viewer, start_browser } from "../world/browser.js";
import { start_edge } from "../world/edge.js";
import { publish_test_card } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { get } from "../world/reader.js";
import { suite_end } from "../world/suite.js";
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
