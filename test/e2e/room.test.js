// The room of a broadcast: viewers and the broadcaster talk over WebSockets of klieg.room.1.

import assert from "node:assert/strict";
import { test } from "node:test";

import { start_edge } from "../world/edge.js";
import { publish_test_card } from "../world/encoder.js";
import { key_of, start_klieg } from "../world/klieg.js";
import { batch_of_hearts, proof_of_node, upward_target } from "../world/node.js";
import { pause } from "../world/program.js";
import { get } from "../world/reader.js";
import { enter_room } from "../world/websocket_peer.js";

const small_picture = ["--size", "640x360", "--bitrate", "800k"];
const given = (one) => one.all.filter((event) => event.type === "hearts").flatMap((event) => event.hearts);
const sum = (one) => given(one).reduce((total, [, count]) => total + count, 0);

test("what is said in a room is heard by all in it, hearts are counted once, a guest has no vote", async (t) => {
  const home = await start_klieg(t, { flags: ["--room-anonymous", "comments", "--server-loops", "2"] });
  assert.equal((await fetch(`${home.http}/live/show/room`)).status, 426);
  publish_test_card(t, home.rtmp(), small_picture);
  await home.live();

  const enter = (more = []) => enter_room(t, home.address.http, "show", more);
  const broadcaster = await enter([`Authorization: Bearer ${key_of("show")}`]);
  const guests = [await enter(), await enter(), await enter()];
  await Promise.all(guests.map((one) => one.heard((event) => event.type === "viewers" && event.count === 4)));

  guests[0].say({ type: "comment", ref: 1, at: 1_000, text: "  hello  there " });
  const done = await guests[0].heard((event) => event.ref === 1);
  assert.deepEqual([done.type, done.text], ["done", "hello there"]);
  for (const one of [broadcaster, ...guests]) {
    const comment = await one.heard((event) => event.type === "comment" && event.id === done.id);
    assert.equal(comment.text, "hello there");
    assert.match(comment.by.name, /^guest \d{4}$/);
  }

  guests[1].say({ type: "hearts", count: 3, at: 1_000 });
  guests[2].say({ type: "hearts", count: 2, at: 1_000 });
  for (const one of [broadcaster, ...guests]) await one.heard(() => sum(one) >= 5);

  guests[1].say({ type: "pin", ref: 2, at: 1_000, comment: done.id });
  assert.equal((await guests[1].heard((event) => event.ref === 2)).why, "no_standing");
  broadcaster.say({ type: "open_poll", ref: 3, at: 1_000, question: "Tea?", options: ["yes", "no"], seconds: 60 });
  assert.equal((await broadcaster.heard((event) => event.ref === 3)).type, "done");
  const poll = await guests[0].heard((event) => event.type === "poll");
  assert.deepEqual(poll.options, ["yes", "no"]);
  guests[0].say({ type: "vote", ref: 4, at: poll.opens, poll: poll.id, option: 0 });
  assert.equal((await guests[0].heard((event) => event.ref === 4)).why, "nameless");

  // Nobody heard a heart twice, and who comes later hears what was said.
  for (const one of [broadcaster, ...guests]) assert.equal(sum(one), 5);
  const late = await enter();
  await late.heard((event) => event.type === "comment" && event.id === done.id);

  guests[2].say({ type: "dance" });
  assert.equal((await guests[2].heard((event) => event.type === "closed")).code, 1008);
});

test("a room is one over a tree of edges, whose nodes die and are not believed without a proof", async (t) => {
  const secret = "a secret of forty-two letters, known to all";
  const flags = ["--node-secret", secret, "--server-loops", "2", "--room-anonymous", "comments"];
  const home = await start_klieg(t, { flags });
  publish_test_card(t, home.rtmp(), small_picture);
  await home.live();
  const near = await start_edge(t, [home.address.http], flags);
  const far = await start_edge(t, [near.address.http, home.address.http], flags);

  const enter = (node) => enter_room(t, node.address.http);
  const at_home = await enter(home);
  const at_near = await enter(near);
  const at_far = [await enter(far), await enter(far)];
  const all = [at_home, at_near, ...at_far];
  await Promise.all(all.map((one) => one.heard((event) => event.type === "viewers" && event.count === 4)));

  // Comments cross in every direction; a heart is one.
  let ref = 0;
  for (const one of all) {
    one.say({ type: "comment", ref: ++ref, at: 1_000, text: `comment ${ref}` });
    one.say({ type: "hearts", count: ref, at: 1_000 });
    const asked = ref;
    const done = await one.heard((event) => event.ref === asked);
    assert.equal(done.type, "done", JSON.stringify(done));
    for (const other of all) await other.heard((event) => event.type === "comment" && event.id === done.id);
  }
  for (const one of all) await one.heard(() => sum(one) >= 10);

  // Its parent dies: who is there stays, what is said is refused with words or safe, hearts wait.
  process.kill(near.program.pid, "SIGKILL");
  at_far[0].say({ type: "hearts", count: 5, at: 2_000 });
  let done;
  while (done?.type !== "done") {
    const asked = ++ref;
    at_far[1].say({ type: "comment", ref: asked, at: 2_000, text: "is anybody there?" });
    done = await at_far[1].heard((event) => event.ref === asked);
    if (done.type !== "done") {
      assert.match(done.words, /lost its way to the broadcast/);
      await pause(300); // he may not say more at once
    }
  }
  await at_home.heard((event) => event.type === "comment" && event.id === done.id);
  for (const one of [at_home, ...at_far]) await one.heard(() => sum(one) >= 15);
  for (const one of [at_home, ...at_far]) assert.equal(one.all.filter((event) => event.type === "closed").length, 0);

  // What nodes say: not without a proof, of this room and these batches; the same again changes nothing.
  const playlist = await get(`${home.http}/live/show/index.m3u8`);
  const room = (broadcast) => `/live/show/${broadcast}/room`;
  const topic = room(/^([^/\n]+)\/video\.m3u8$/m.exec(playlist)[1]);
  const batch = (sequence) => batch_of_hearts({ node: "made-up", sequence, bucket: 10, count: 7 });
  const post = async (address, target, body, headers) =>
    (await fetch(`http://${address}${target}`, { method: "POST", body, headers })).status;
  const target = upward_target(topic, batch(1));
  const proof = proof_of_node(secret, "made-up", "POST", target);
  const elsewhere = upward_target(room("x7f.1"), batch(1));
  for (const { address } of [home, far]) {
    assert.equal(await post(address.http, target, batch(1), {}), 403);
    assert.equal(await post(address.http, target, batch(1), proof_of_node("another secret", "x", "POST", target)), 403);
    assert.equal(await post(address.http, elsewhere, batch(1), proof), 403);
    assert.equal(await post(address.http, target, batch(2), proof), 400);
  }
  assert.equal(await post(home.address.http, elsewhere, batch(1), proof_of_node(secret, "x", "POST", elsewhere)), 404);
  for (const { address } of [home, far, home]) assert.equal(await post(address.http, target, batch(1), proof), 200);
  at_home.say({ type: "hearts", count: 1, at: 3_000 });
  for (const one of [at_home, ...at_far]) {
    await one.heard(() => sum(one) >= 23);
    assert.equal(sum(one), 23);
  }
});
