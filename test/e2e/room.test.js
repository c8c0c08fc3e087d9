// The room of a broadcast: viewers and the broadcaster talk over WebSockets of klieg.room.1.

import assert from "node:assert/strict";
import { test } from "node:test";

import { publish_test_card } from "../world/encoder.js";
import { key_of, start_klieg } from "../world/klieg.js";
import { enter_room } from "../world/websocket_peer.js";

test("what is said in a room is heard by all in it, hearts are counted once, a guest has no vote", async (t) => {
  const home = await start_klieg(t, { flags: ["--room-anonymous", "comments", "--server-loops", "2"] });
  assert.equal((await fetch(`${home.http}/live/show/room`)).status, 426);
  publish_test_card(t, home.rtmp(), ["--size", "640x360", "--bitrate", "800k"]);
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
  const given = (one) => one.all.filter((event) => event.type === "hearts").flatMap((event) => event.hearts);
  const sum = (one) => given(one).reduce((total, [, count]) => total + count, 0);
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
