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
const last = (one, type) => one.all.findLast((event) => event.type === type);

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
    const know_each_other = async () => {
      for (const machine of all) {
        await until("three nodes", async () => {
          const [nodes, bus] = await Promise.all(["klieg_nodes", "klieg_bus_connected"].map((name) => machine.figure(name)));
          return nodes === 3 && bus === 1 ? true : undefined;
        }, slow_ms);
      }
    };
    // That a witness takes the machine's signs of life, from now on: two of them, for one may have been on its way.
    const is_heard_by = async (witness, machine) => {
      const beats = () => machine.figure("klieg_lease_beats_total", `"${witness}"`);
      const before = await beats();
      await until(`${machine.name} heard by the ${witness}`, async () => (await beats()) >= before + 2 || undefined, slow_ms);
    };
    await know_each_other();

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
    const goes_on = (machine, broadcast) => until("the same broadcast", async () => {
      const status = await machine.status();
      assert.equal(status.broadcast, broadcast);
      return status.state === "live" ? true : undefined; // its encoder may be late
    }, slow_ms);
    const epoch_of = (broadcast) => Number(broadcast.split(".")[1]);
    const id_of = (broadcast) => broadcast.split(".")[0];
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
    const enter = (machine, headers) => enter_room(t, machine.address.http, "show", headers);
    const visitors = new Map();
    for (const machine of all) visitors.set(machine, await enter(machine));
    let ref = 0;
    const ask = async (one, message) => {
      const asked = ++ref;
      one.say({ ref: asked, at: 1_000, ...message });
      return one.heard((event) => event.ref === asked);
    };
    const acknowledged = { comments: [], hearts: 0, votes: [0, 0], followers: 0 };
    const say = async (one, text) => {
      for (;;) {
        const answer = await ask(one, { type: "comment", text });
        if (answer.type === "done") {
          acknowledged.comments.push(answer.id);
          return answer;
        }
        await pause(300); // he may not say more at once
      }
    };
    const heard_by = (one, id) => one.heard((event) => event.type === "comment" && event.id === id);
    const give_hearts = (one, count) => {
      acknowledged.hearts += count;
      one.say({ type: "hearts", count, at: 1_000 });
    };
    for (const [machine, one] of visitors) {
      const done = await say(one, `from ${machine.name}`);
      give_hearts(one, 2);
      for (const other of visitors.values()) await heard_by(other, done.id);
    }

    // One account has one vote, wherever it is given.
    const as_people_come = { "x-forwarded-proto": "https" };
    const people = new Map();
    for (const name of ["ada", "bob", "carl", "dora", "eve"]) {
      people.set(name, new Person(studio, as_people_come));
      await people.get(name).sign_up(name);
    }
    const [ada, bob, carl, dora, eve] = people.values();
    const follow = async (person) => {
      await person.done("PUT", "/people/ada/follow");
      ++acknowledged.followers;
    };
    await follow(bob);
    const enter_as = (machine, person) => enter(machine, [`Cookie: ${person.cookie}`, "X-Forwarded-Proto: https"]);
    const broadcaster = await enter(studio, [`Authorization: Bearer ${key_of("show")}`]);
    const poll = { type: "open_poll", question: "Tea?", options: ["yes", "no"], seconds: 3_600 };
    assert.equal((await ask(broadcaster, poll)).type, "done");
    const vote = async (one, option) => {
      await one.heard((event) => event.type === "poll");
      for (let tries = 1; ; ++tries) {
        const { id, opens } = last(one, "poll");
        const answer = await ask(one, { type: "vote", poll: id, option, at: opens });
        // Of one whose answer was lost he hears when he asks again.
        if (answer.type === "done" || (answer.why === "voted" && tries > 1)) return ++acknowledged.votes[option];
        if (answer.why === "voted") return "voted";
        await pause(300);
      }
    };
    assert.equal(await vote(await enter_as(home, ada), 0), 1);
    assert.equal(await vote(await enter_as(studio, bob), 1), 1);
    assert.equal(await vote(await enter_as(home, bob), 0), "voted");

    // What was acknowledged is there once, for who was there all the time and for who comes.
    const is_whole = async (machine, one) => {
      for (const viewer of [one, await enter(machine)].filter(Boolean)) {
        for (const id of acknowledged.comments) await heard_by(viewer, id);
        await viewer.heard(() => `${last(viewer, "votes")?.votes}` === `${acknowledged.votes}`);
        const ids = viewer.all.filter((event) => event.type === "comment").map((event) => event.id);
        assert.equal(new Set(ids).size, ids.length, `${machine.name}: twice of ${ids}`);
      }
      if (!one) return;
      await one.heard(() => sum(one) >= acknowledged.hearts);
      assert.equal(sum(one), acknowledged.hearts);
      assert.equal(one.all.some((event) => event.type === "closed" || event.type === "over"), false);
    };
    const all_are_whole = () => Promise.all([...visitors].map(([machine, one]) => is_whole(machine, one)));
    await all_are_whole();

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
    const without_bus = await say(visitors.get(edge), "without a bus");
    for (const one of visitors.values()) await heard_by(one, without_bus.id);
    assert.equal(await vote(await enter_as(home, carl), 0), 2);
    await pause(7_000); // longer than a lease: the database alone prolongs it
    await goes_on(first_home, first);
    await hub.start_nats();
    await know_each_other();
    await is_heard_by("bus", first_home);

    // So does the database: what is said meanwhile is safe before it is acknowledged.
    await follow(carl);
    const doras = await enter_as(home, dora); // without a database nobody can be asked who somebody is
    await database.kill();
    assert.equal((await bob.ask("PUT", "/people/ada/follow")).status, 503);
    const waits = [say(visitors.get(studio), "without a database"), vote(doras, 1)];
    give_hearts(visitors.get(home), 3);
    await pause(7_000); // longer than a lease: the bus alone prolongs it
    await goes_on(first_home, first);
    await database.start();
    await Promise.all(waits);
    const followers_are_all = async () => {
      const followers = async () => (await bob.ask("GET", "/people/ada")).body?.followers;
      assert.equal(await until("the API", followers, slow_ms), acknowledged.followers);
    };
    await followers_are_all();
    await all_are_whole();

    // The home dies while people talk. Who publishes hears it, and is taken elsewhere once its lease is over. The room
    // goes on there, and who is in it at another machine notices nothing.
    visitors.delete(first_home);
    const said_meanwhile = [...visitors.values()].map((one) => say(one, "as the home dies"));
    for (const one of visitors.values()) give_hearts(one, 4);
    await first_home.kill();
    await encoder.heard(/cannot be reached/, slow_ms);
    const other_home = homes.find((machine) => machine !== first_home);
    const taken = await live_everywhere([other_home, edge], first);
    assert.equal(id_of(taken), id_of(first));
    assert.equal(epoch_of(taken), 2);
    await Promise.all(said_meanwhile);
    assert.equal(await vote(await enter_as(other_home, eve), 1), 3);
    assert.equal(await vote(await enter_as(other_home, bob), 0), "voted");
    await all_are_whole();
    await first_home.start_node();
    assert.equal(await live_everywhere(all, first), taken);
    assert.equal(await home_now(), other_home);
    await is_whole(first_home);
    await followers_are_all();

    // The home is cut off from all others, with its encoder: it stops by itself before another begins.
    await encoder.stop();
    await until("nobody's home", async () => ((await other_home.figure("klieg_homes")) === 0 ? true : undefined), slow_ms);
    const cut_off = publish(first_home);
    const third = await live_everywhere(all, taken);
    assert.notEqual(id_of(third), id_of(taken), "that was over");
    assert.equal(await home_now(), first_home);
    const stays = await enter(edge);
    const before = await say(stays, "before the home is cut off");
    await first_home.wire.cut();
    const another = publish(edge);
    await cut_off.heard(/lost touch with the others/, slow_ms);
    await cut_off.stop();
    const fourth = await live_everywhere([other_home, edge], third);
    assert.equal(id_of(fourth), id_of(third));
    assert.equal(epoch_of(fourth), epoch_of(third) + 1);
    assert.notEqual((await first_home.status()).state, "live", "two homes");
    const after = await say(stays, "where it goes on");
    await first_home.wire.heal();
    assert.equal(await live_everywhere(all, third), fourth);
    assert.equal(await home_now(), other_home);
    for (const machine of all) {
      const one = await enter(machine);
      for (const { id } of [before, after]) await heard_by(one, id);
    }
    assert.equal(stays.all.some((event) => event.type === "closed" || event.type === "over"), false);

    // Each dies in turn, and is one of them again.
    for (const machine of all) {
      await machine.kill();
      await machine.start_node();
    }
    await another.stop();
    publish(edge);
    assert.ok(epoch_of(await live_everywhere(all, fourth)) > epoch_of(fourth));
    await followers_are_all();
  }),
);
