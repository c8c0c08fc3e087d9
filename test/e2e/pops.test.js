// A world of places: the home of a broadcast, a shield, and two PoPs far away, each of one proxy and two cache hosts.
//
//   home --20 ms-- shield --20 ms-- near (proxy, two cache hosts)
//                        '--55 ms-- far (the same)
//   home --40 ms-- near, home --75 ms-- far: where cache hosts turn when the shield is gone

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { open_viewer, start_browser } from "../world/browser.js";
import { klieg_path, temporary_folder } from "../world/klieg.js";
import { Site, Wire, why_no_sites } from "../world/network.js";
import { pause, until } from "../world/program.js";
import { suite_end } from "../world/suite.js";

const arrivals = fileURLToPath(new URL("../world/arrivals.mjs", import.meta.url));
const secret = "what-all-nodes-of-this-world-know";
const http_port = 8080;
const admin_port = 8090;

// `klieg edge` in a place; `port`: of several in one place.
async function start_edge(site, name, { port = http_port, flags, known = secret }) {
  const program = site.start(klieg_path, [
    ...["edge", "--http", `0.0.0.0:${port}`, "--admin", `127.0.0.1:${port + 10}`, "--server-loops", "1"],
    ...["--node-name", name, "--node-secret", known],
    ...flags,
  ]);
  await program.heard(/^ready /m);
  return program;
}

class Pop {
  static async start(site, parents) {
    const pop = new Pop(site);
    const upward = parents.flatMap((parent) => ["--parent", `http://${parent}:${http_port}`]);
    const hosts = [8081, 8082];
    pop.cache_hosts = await Promise.all(
      hosts.map((port) => start_edge(site, `${site.name}-${port}`, { port, flags: ["--layer", "cache", ...upward] })),
    );
    const peers = hosts.map((port) => `127.0.0.1:${port}`).join(",");
    pop.proxy = await start_edge(site, `${site.name}-proxy`, {
      flags: ["--layer", "proxy", "--peers", peers, ...upward],
    });
    return pop;
  }

  constructor(site) {
    this.site = site;
    this.http = `http://127.0.0.1:${http_port}`;
  }
}

const counted = async (site, port, name, label = "") => {
  const text = await site.get(`http://127.0.0.1:${port}/metrics`);
  const lines = text.split("\n").filter((line) => line.startsWith(name) && line.includes(label));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
};
const requests_at = (site, port) => counted(site, port, "http_server_request_duration_seconds_count");

const why_not = why_no_sites();

describe("PoPs far away", { timeout: 240_000, skip: why_not }, () => {
  const t = suite_end();
  let home, near, far, shield, shield_place, home_to_far, shield_to_far, shield_flags;

  before(async () => {
    const [home_place, place, near_place, far_place] = await Promise.all(
      ["home", "shield", "near", "far"].map((name) => Site.start(t, name)),
    );
    shield_place = place;
    const home_to_shield = await Wire.lay(t, home_place, shield_place, 20);
    const shield_to_near = await Wire.lay(t, shield_place, near_place, 20);
    shield_to_far = await Wire.lay(t, shield_place, far_place, 55);
    const home_to_near = await Wire.lay(t, home_place, near_place, 40);
    home_to_far = await Wire.lay(t, home_place, far_place, 75);

    home = home_place;
    home.server = home.start(klieg_path, [
      ...["serve", "--data", await temporary_folder(t), "--http", `0.0.0.0:${http_port}`],
      ...["--rtmp", "127.0.0.1:1935", "--admin", `127.0.0.1:${admin_port}`],
      ...["--ladder", "none", "--channel", "show:key-of-show", "--node-name", "home", "--node-secret", secret],
    ]);
    await home.server.heard(/^ready /m);
    shield_flags = ["--parent", `http://${home_to_shield.at_a}:${http_port}`];
    shield = await start_edge(shield_place, "shield", { flags: shield_flags });
    near = await Pop.start(near_place, [shield_to_near.at_a, home_to_near.at_a]);
    far = await Pop.start(far_place, [shield_to_far.at_a, home_to_far.at_a]);

    home.start(klieg_path, ["testcard", "--to", "rtmp://127.0.0.1/live/key-of-show", "--size", "320x180"]);
    await until("the broadcast at both PoPs", async () => {
      for (const { site, http } of [near, far]) await site.get(`${http}/live/show/index.m3u8`);
      return true;
    });
  });

  const folder_of = async (site, http) => {
    const list = await site.get(`${http}/live/show/index.m3u8`);
    return `${http}/live/show/${/^(.*)\/video\.m3u8$/m.exec(list)[1]}`;
  };
  const playlist = async (site, http) => site.get(`${await folder_of(site, http)}/video.m3u8`);
  const hinted_segment = (text) => Number(/PRELOAD-HINT:TYPE=PART,URI="video-(\d+)\./.exec(text)[1]);

  test("have each chunk before its part has ended at home", async () => {
    const at_home = `http://127.0.0.1:${http_port}`;
    for (const { site, http } of [near, far]) {
      await playlist(site, http); // from now on it is pushed
      await pause(1_000);
      const msn = hinted_segment(await playlist(home, at_home)) + 2;
      const [there, here] = await Promise.all(
        [
          [site, http],
          [home, at_home],
        ].map(async ([where, address]) =>
          JSON.parse(await where.run("node", [arrivals, `${await folder_of(where, address)}/video-${msn}.m4s`])),
        ),
      );
      assert.equal(there.status, 200);
      assert.equal(there.arrivals.at(-1)[1], here.arrivals.at(-1)[1], "as many bytes as at home");
      // Parts are 0.2 s of frames that come every 33 ms. The first frame of the segment has to be there before the last
      // one of its part is born.
      const part_ends_ms = here.arrivals[0][0] + 5 * 33;
      const later_ms = there.arrivals[0][0] - here.arrivals[0][0];
      assert.ok(there.arrivals[0][0] < part_ends_ms, `the first chunk came ${later_ms.toFixed(0)} ms later than at home`);
      t.diagnostic(`${site.name}: the first chunk ${later_ms.toFixed(1)} ms after home had it`);
    }
  });

  test("have the same bytes as home under every name", async () => {
    const text = await playlist(home, `http://127.0.0.1:${http_port}`);
    const names = [...text.matchAll(/^(video-\d+\.m4s)$/gm)].slice(-5).map(([, name]) => name);
    const parts = [...text.matchAll(/URI="(video-\d+\.\d+\.m4s)"/g)].slice(0, 5).map(([, name]) => name);
    const sums = async (site, http) => {
      const folder = await folder_of(site, http);
      const files = [...names, ...parts].map((name) => `${folder}/${name}`).join(" ");
      return site.run("sh", ["-c", `for url in ${files}; do curl --silent --fail "$url" | sha256sum; done`]);
    };
    const wanted = await sums(home, `http://127.0.0.1:${http_port}`);
    for (const { site, http } of [near, far]) assert.equal(await sums(site, http), wanted);
  });

  test("ask home for next to nothing, and players go on while hosts die and links break", async () => {
    const viewers = [];
    for (const [pop, player] of [
      [near, "hls"],
      [far, "dash"],
    ]) {
      const browser = await start_browser(t, { executable: await pop.site.chromium() });
      viewers.push(await open_viewer(browser, `${pop.http}/@show?player=${player}`));
    }
    const [near_viewer, far_viewer] = viewers;
    await pause(3_000);

    const before_home = await requests_at(home, admin_port);
    const before_pops = (await requests_at(near.site, 8090)) + (await requests_at(far.site, 8090));
    const undisturbed = await Promise.all(viewers.map((viewer) => viewer.watch(8)));
    const asked_home = (await requests_at(home, admin_port)) - before_home;
    const asked_pops = (await requests_at(near.site, 8090)) + (await requests_at(far.site, 8090)) - before_pops;
    for (const sight of undisturbed) sight.assert_smooth();
    t.diagnostic(`two viewers asked ${asked_pops} times in 8 s, home was asked ${asked_home} times`);
    // What is left: what the page asks about the broadcast and the clock.
    assert.ok(asked_home <= 0.05 * asked_pops, `home was asked ${asked_home} times for ${asked_pops} requests`);

    const through = async (what, viewer, happening, settle_s = 4) => {
      const sight = await viewer.watch_while(async () => {
        await happening();
        await pause(settle_s * 1000);
      });
      t.diagnostic(`${what}: stood ${Math.round(sight.longest_stand_ms)} ms, ${sight.stalls.length} stalls`);
      return sight;
    };

    // The one that the viewer's broadcast comes through: placement is by a random name.
    const kept = await Promise.all(near.cache_hosts.map((_, i) => counted(near.site, 8091 + i, "klieg_edge_cache_bytes")));
    const busiest = kept.indexOf(Math.max(...kept));
    const killed = await through("a cache host killed", near_viewer, () => near.cache_hosts[busiest].signal("SIGKILL"));
    killed.assert_smooth({ stand_ms_max: 1_000 });

    const lost_shield = await Promise.all(
      viewers.map((viewer, i) => through("the shield killed", viewer, () => i === 0 && shield.signal("SIGKILL"))),
    );
    for (const sight of lost_shield) assert.deepEqual(sight.errors, []);
    lost_shield[0].assert_smooth({ stand_ms_max: 1_000 });
    assert.ok(lost_shield[1].longest_stand_ms < 2_000, `far: stood for ${Math.round(lost_shield[1].longest_stand_ms)} ms`);

    shield = await start_edge(shield_place, "shield", { flags: shield_flags });
    // Both ways to the far PoP. The fault takes a second; a player has about one buffered, and both clocks go on.
    const cut = await through(
      "the link cut for a second",
      far_viewer,
      async () => {
        await Promise.all([shield_to_far.cut(), home_to_far.cut()]);
        await pause(1_000);
        await Promise.all([shield_to_far.heal(), home_to_far.heal()]);
      },
      8,
    );
    assert.deepEqual(cut.errors, []);
    assert.ok(cut.longest_stand_ms < 4_000, `the picture stood for ${Math.round(cut.longest_stand_ms)} ms`);
    const home_after = await requests_at(home, admin_port);
    const pops_after = (await requests_at(near.site, 8090)) + (await requests_at(far.site, 8090));
    const after = await Promise.all(viewers.map((viewer) => viewer.watch(5)));
    for (const sight of after) sight.assert_smooth();
    const home_again = (await requests_at(home, admin_port)) - home_after;
    const pops_again = (await requests_at(near.site, 8090)) + (await requests_at(far.site, 8090)) - pops_after;
    t.diagnostic(`after all that: ${pops_again} requests in 5 s, ${home_again} of them at home`);
    assert.ok(home_again <= 0.05 * pops_again, `push has not come back: ${home_again} of ${pops_again} requests at home`);
  });

  test("serve by pull where their word is not believed, and both say so", async () => {
    const stranger = await start_edge(near.site, "stranger", {
      port: 8085,
      known: "something-else-altogether",
      flags: ["--parent", `http://127.0.0.1:${http_port}`],
    });
    const text = await playlist(near.site, "http://127.0.0.1:8085");
    assert.match(text, /#EXTM3U/);
    await near.proxy.heard(/claims to come from a node, and is not believed/);
    assert.match(near.proxy.said, /give both the same --node-secret/);
    await stranger.stop();
  });
});
