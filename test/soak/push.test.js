// Ten minutes of push in Chromium, far from the edges and over a line that loses packets, while the edges die in turn.
//
// Two edges are behind one door: connections that one of them had are lost with it, and new ones come to the other.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { open_viewer, start_browser } from "../world/browser.js";
import { klieg_path, temporary_folder } from "../world/klieg.js";
import { Site, Wire, why_no_sites } from "../world/network.js";
import { until } from "../world/program.js";

const soak_s = Number(process.env.SOAK_SECONDS ?? 600);
const settle_s = 30; // what the network does to packets has to be seen before it can be reckoned with
const deaths = Math.max(2, Math.floor(soak_s / 60)); // each edge at least once: one of them has the viewer
const away_s = 5;
const line = { lost_share: 0.002, jitter_ms: 20 };
const one_way_ms = 20;
const door = fileURLToPath(new URL("../world/door.mjs", import.meta.url));
const secret = "what-all-nodes-of-this-world-know";
const timeout = (soak_s + settle_s + 120) * 1000;

test("push plays on over a line that loses packets, and through the deaths of edges", { timeout, skip: why_no_sites() }, async (t) => {
  const [there, here] = await Promise.all([Site.start(t, "there"), Site.start(t, "here")]);
  const wire = await Wire.lay(t, there, here, one_way_ms, line);
  const home = there.start(klieg_path, [
    ...["serve", "--data", await temporary_folder(t), "--http", "127.0.0.1:8080", "--rtmp", "127.0.0.1:1935"],
    ...["--admin", "127.0.0.1:8090", "--ladder", "none", "--channel", "show:key-of-show", "--node-secret", secret],
  ]);
  await home.heard(/^ready /m);
  const start_edge = async (i) => {
    const edge = there.start(klieg_path, [
      ...["edge", "--http", `127.0.0.1:${8001 + i}`, "--admin", `127.0.0.1:${8091 + i}`, "--server-loops", "1"],
      ...["--node-name", `edge-${i}`, "--node-secret", secret, "--parent", "http://127.0.0.1:8080"],
    ]);
    await edge.heard(/^ready /m);
    return edge;
  };
  const edges = [await start_edge(0), await start_edge(1)];
  await there.start("node", [door, 8000, 8001, 8002]).heard(/^ready$/m);
  there.start(klieg_path, [
    ...["testcard", "--to", "rtmp://127.0.0.1/live/key-of-show", "--size", "640x360", "--bitrate", "800k"],
  ]);
  const origin = `http://${wire.at_a}:8000`;
  await until("the broadcast at the edges", () => there.get(`${origin}/live/show/index.m3u8`).catch(() => undefined));
  const browser = await start_browser(t, { executable: await here.chromium() });
  const viewer = await open_viewer(browser, `${origin}/@show`);
  let lines = 0; // opened while it is watched
  viewer.page.on("websocket", () => (lines += 1));
  await viewer.watch(settle_s);

  const sight = await viewer.watch_while(async () => {
    for (let i = 0; i < deaths; ++i) {
      await viewer.page.waitForTimeout((soak_s / deaths - away_s) * 1000);
      edges[i % 2].signal("SIGKILL");
      await viewer.page.waitForTimeout(away_s * 1000);
      edges[i % 2] = await start_edge(i % 2);
    }
  });
  const { tier, restarts } = await viewer.page.evaluate(() => ({ tier: window.klieg.tier, ...window.klieg.stats() }));
  const [stood_ms, jumped_ms] = [sight.longest_stand_ms, sight.longest_jump_ms].map(Math.round);
  t.diagnostic(
    `${Math.round(sight.delay_ms())} ms behind the camera, ${Math.round(sight.delay_ms(0.95))} ms at the 95th percentile; ` +
      `${sight.stalls.length} stalls; stood ${stood_ms} ms, jumped ${jumped_ms} ms; ${lines} connections were followed by another`,
  );
  assert.equal(tier, "push", viewer.said.join("\n"));
  assert.equal(restarts, 0);
  assert.ok(lines > 0, "none of the edges that died had the viewer");
  assert.deepEqual(sight.errors, []);
  assert.deepEqual(sight.stalls, []);
  assert.ok(Math.abs(sight.played_s - sight.seconds) < 3, `${sight.played_s} s were shown in ${sight.seconds} s`);
});
