// Three machines: one with the studio, which may be a home as well, a home, and an edge. What each of them says, dies and
// is cut off, and what becomes of who publishes, watches and talks.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Hub, in_a_place, Machine } from "../world/cluster.js";
import { key_of, klieg_path } from "../world/klieg.js";
import { Person } from "../world/person.js";
import { why_no_sites } from "../world/network.js";
import { make_postgresql } from "../world/postgresql.js";
import { pause, until } from "../world/program.js";
import { enter_room } from "../world/websocket_peer.js";

const slow_ms = 60_000; // for what takes some seconds where nothing else runs
const secret = "what-all-nodes-of-this-world-know";

const given = (one) => one.all.filter((event) => event.type === "hearts").flatMap((event) => event.hearts);
const sum = (one) => given(one).reduce((total, [, count]) => total + count, 0);

const timeout = 480_000;
test(
  "three machines are one Klieg, whatever dies and is cut off",
  { skip: why_no_sites(), timeout },
  in_a_place(import.meta, timeout, async (t) => {
    const hub = new Hub(t);
    const database = await make_postgresql(t, { network: "10.98.0.0/16" });
    await Promise.all([database.start(), hub.start_nats()]);
    const flags = (roles) => (at) => [
      ...["--roles", roles, "--node-secret", secret, "--room-anonymous", "comments", "--ingest-rejoin-window-s", "3"],
      ...["--channel", `show:${key_of("show")}`, "--studio-sign-up", roles === "edge" ? "off" : "open"],
      ...["--http-trusted-addresses", "10.98.0.0/16"],
      ...["--database", `postgresql://klieg@${at}:5432/postgres`],
    ];
    const [studio, home, edge] = await Promise.all([
      Machine.start(t, hub, "studio", flags("studio,home,edge")),
      Machine.start(t, hub, "home", flags("home,edge")),
      Machine.start(t, hub, "edge", flags("edge")),
    ]);
    const all = [studio, home, edge];
    const homes = [studio, home];
    await Promise.all(all.map((machine) => machine.start_node()));
    for (const machine of all) {
      await until("three nodes", async () => ((await machine.figure("klieg_nodes")) === 3 ? true : undefined), slow_ms);
    }

    // An encoder on a machine, which publishes to the node there, and connects again whenever it is refused or lost.
    const publish = (machine, key = key_of("show")) =>
      machine.site.start(klieg_path, ["testcard", "--to", `rtmp://127.0.0.1/live/${key}`, "--size", "320x180"]);
    const live_everywhere = async (machines, but = "") => {
      return until(
        `a broadcast at ${machines.map((one) => one.name)}`,
        async () => {
          const each = await Promise.all(machines.map((machine) => machine.status()));
          const [{ broadcast }] = each;
          return each.every((one) => one.state === "live" && one.broadcast === broadcast) && broadcast !== but
            ? broadcast
            : undefined;
        },
        slow_ms,
      );
    };
    const epoch_of = (broadcast) => Number(broadcast.split(".")[1]);
    const home_now = async () =>
      until("one home", async () => {
        const held = await Promise.all(homes.map((machine) => machine.figure("klieg_homes")));
        assert.ok(held[0] + held[1] <= 1, "never two homes");
        return held[0] + held[1] === 1 ? homes[held.indexOf(1)] : undefined;
      }, slow_ms);

    // Who publishes to the edge is passed on; who is refused at home hears it in the home's words.
    const wrong = publish(edge, "no-such-key");
    await wrong.heard(/wrong key/, slow_ms);
    await wrong.stop();
    const encoder = publish(edge);
    const first = await live_everywhere(all);
    const first_home = await home_now();
    assert.equal(epoch_of(first), 1);
    const second = publish(studio);
    await second.heard(/already live/, slow_ms);
    await second.stop();
    for (const machine of all) {
      const list = await machine.site.get("http://127.0.0.1:8080/live/show/index.m3u8");
      const video = await machine.site.get(`http://127.0.0.1:8080/live/show/${first}/video.m3u8`);
      assert.match(list, /EXT-X-STREAM-INF/);
      assert.match(video, /EXTM3U/);
    }

    // Comments cross in all directions, and a heart is one.
    const enter = (machine) => enter_room(t, machine.address.http);
    const visitors = await Promise.all(all.map(enter));
    let ref = 0;
    const acknowledged = [];
    const say = async (one, text) => {
      for (;;) {
        const asked = ++ref;
        one.say({ type: "comment", ref: asked, at: 1_000, text });
        const answer = await one.heard((event) => event.ref === asked);
        if (answer.type === "done") {
          acknowledged.push({ id: answer.id, text });
          return answer;
        }
        await pause(300); // he may not say more at once
      }
    };
    for (const one of visitors) {
      const done = await say(one, `from ${visitors.indexOf(one)}`);
      one.say({ type: "hearts", count: 2, at: 1_000 });
      for (const other of visitors) await other.heard((event) => event.type === "comment" && event.id === done.id);
    }
    for (const one of visitors) await one.heard(() => sum(one) >= 6);

    const by_https = { "x-forwarded-proto": "https" };
    const [ada, bob] = [new Person(studio, by_https), new Person(studio, by_https)];
    await ada.sign_up("ada");
    await bob.sign_up("bob");
    await bob.done("PUT", "/people/ada/follow");

    // Keys are an account's at every node, and one that is replaced ends what it carries, wherever that is.
    await ada.done("POST", "/broadcasts", { title: "Of one's own" });
    const key = await ada.done("POST", "/keys", { label: "Desk" });
    const adas = publish(edge, key.secret);
    const listed = async () => {
      const { items } = await bob.done("GET", "/live");
      return items.find((show) => show.channel === "ada" && show.title === "Of one's own");
    };
    assert.equal((await until("ada in the list", listed, slow_ms)).following, true);
    await ada.done("DELETE", `/keys/${key.id}`);
    await adas.heard(/this stream key was revoked/, slow_ms);
    await adas.stop();
    await until("ada no longer in the list", async () => ((await listed()) ? undefined : true), slow_ms);

    // The bus dies and comes back: nothing of what is on air, or said, depends on it.
    hub.nats.signal("SIGKILL");
    await hub.nats.ended;
    const without_bus = await say(visitors[2], "without a bus");
    for (const one of visitors) await one.heard((event) => event.type === "comment" && event.id === without_bus.id);
    await pause(7_000); // longer than a lease: the database alone prolongs it
    assert.equal((await first_home.status()).broadcast, first);
    assert.equal((await first_home.status()).state, "live");
    await hub.start_nats();
    for (const machine of all) {
      await until("three nodes", async () => ((await machine.figure("klieg_nodes")) === 3 ? true : undefined), slow_ms);
    }

    // So does the database: what is said meanwhile is safe before it is acknowledged. Not before the bus holds the lease
    // again: an announcement every 2 s, and every 2 s a question whether it was passed on.
    await pause(5_000);
    await database.kill();
    assert.equal((await bob.ask("PUT", "/people/ada/follow")).status, 503);
    const waits = say(visitors[0], "without a database");
    await pause(7_000); // longer than a lease: the bus alone prolongs it
    assert.equal((await first_home.status()).broadcast, first);
    assert.equal((await first_home.status()).state, "live");
    await database.start();
    const safe = await waits;
    for (const one of visitors) await one.heard((event) => event.type === "comment" && event.id === safe.id);
    const followers = await until("the API", async () => (await bob.ask("GET", "/people/ada")).body?.followers, slow_ms);
    assert.equal(followers, 1);
    for (const one of visitors) {
      assert.equal(sum(one), 6);
      const said = one.all.filter((event) => event.type === "comment").map((event) => event.id);
      assert.deepEqual(
        acknowledged.map(({ id }) => said.filter((other) => other === id).length),
        acknowledged.map(() => 1),
      );
    }

    // The home dies. Who publishes hears it, and is taken elsewhere once its lease is over.
    await first_home.kill();
    await encoder.heard(/cannot be reached/, slow_ms);
    const other_home = homes.find((machine) => machine !== first_home);
    const taken = await live_everywhere([other_home, edge], first);
    assert.equal(epoch_of(taken), 2);
    await first_home.start_node();
    assert.equal(await live_everywhere(all, first), taken);
    assert.equal(await home_now(), other_home);

    // The home is cut off from all others, with its encoder: it stops by itself before another begins.
    await encoder.stop();
    await until("nobody's home", async () => ((await other_home.figure("klieg_homes")) === 0 ? true : undefined), slow_ms);
    const cut_off = publish(first_home);
    const third = await live_everywhere(all, taken);
    assert.equal(await home_now(), first_home);
    await first_home.wire.cut();
    const another = publish(edge);
    await cut_off.heard(/lost touch with the others/, slow_ms);
    await cut_off.stop();
    const fourth = await live_everywhere([other_home, edge], third);
    assert.equal(epoch_of(fourth), epoch_of(third) + 1);
    assert.notEqual((await first_home.status()).state, "live", "two homes");
    await first_home.wire.heal();
    assert.equal(await live_everywhere(all, third), fourth);
    assert.equal(await home_now(), other_home);

    // Each dies in turn, and is one of them again.
    for (const machine of all) {
      await machine.kill();
      await machine.start_node();
    }
    await another.stop();
    publish(edge);
    assert.ok(epoch_of(await live_everywhere(all, fourth)) > epoch_of(fourth));
    assert.equal((await bob.done("GET", "/people/ada")).followers, 1);
  }),
);
