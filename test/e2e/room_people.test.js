// Who may do what in somebody's rooms: followers, moderators and who is banned, by name and beyond one broadcast.

import assert from "node:assert/strict";
import { test } from "node:test";

import { publish_with_ffmpeg } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { make_key, sign_up } from "../world/people.js";
import { pause, until } from "../world/program.js";
import { enter_room } from "../world/websocket_peer.js";

test("moderators and bans last from one broadcast to the next, and its record says what was said", async (t) => {
  const home = await start_klieg(t, { channels: [], flags: ["--studio-sign-up", "open", "--server-loops", "2"] });
  const ada = await sign_up(home, "ada");
  const ben = await sign_up(home, "ben");
  const cyd = await sign_up(home, "cyd");
  const key = await make_key(ada);
  const state = (wanted) =>
    until(`the channel ${wanted}`, async () => {
      const status = await (await fetch(`${home.http}/live/ada/status.json`)).json();
      return status.state === wanted || undefined;
    });
  const go_live = async () => {
    publish_with_ffmpeg(t, home.rtmp("ada", key));
    await state("live");
  };
  let ref = 0;
  const enter = async (person) => {
    const room = await enter_room(t, home.address.http, "ada", person.headers);
    assert.match(room.head, / 101 /);
    const { standing } = await room.heard((event) => event.type === "you");
    const ask = async (message) => {
      const asked = ++ref;
      room.say({ ref: asked, at: 0, ...message });
      return room.heard((event) => event.ref === asked);
    };
    // A node that does not know yet how far the broadcast is wants it said again.
    const comment = async (text) => {
      for (;;) {
        const { type, why } = await ask({ type: "comment", text });
        if (why !== "busy") return why ?? type;
        await pause(300);
      }
    };
    return { ...room, standing, ask, comment };
  };
  const names = async (path) => (await ada.say("GET", path)).body.items.map((item) => item.name);
  const last_broadcast = async () => (await ada.say("GET", "/broadcasts")).body.items[0];

  assert.equal((await ada.say("PUT", "/moderators/ben")).status, 204);
  assert.equal((await ada.say("PUT", "/moderators/nobody")).status, 404);
  assert.equal((await ben.say("PUT", "/moderators/cyd")).status, 204); // in his own rooms
  assert.deepEqual(await names("/moderators"), ["ben"]);
  await go_live();

  const host = await enter(ada);
  const moderator = await enter(ben);
  let viewer = await enter(cyd);
  assert.deepEqual([host.standing, moderator.standing, viewer.standing], ["broadcaster", "moderator", "stranger"]);

  const rules = { type: "rules", who: "followers", first: 100, slow_ms: 0, review: "nothing" };
  assert.equal((await moderator.ask(rules)).type, "done");
  assert.equal(await viewer.comment("may I?"), "not_follower");
  assert.equal((await cyd.say("PUT", "/people/ada/follow")).status, 204);
  viewer = await enter(cyd);
  assert.equal(await viewer.comment("now I may"), "done");
  viewer.say({ type: "hearts", count: 3, at: 0 });
  await host.heard((event) => event.type === "hearts");

  assert.equal((await moderator.ask({ type: "bar", account: ada.account.id })).why, "no_standing");
  assert.equal((await moderator.ask({ type: "bar", account: cyd.account.id })).type, "done");
  assert.equal(await viewer.comment("and now?"), "banned");
  assert.deepEqual(await names("/bans"), ["cyd"]);

  const { id } = await last_broadcast();
  assert.equal((await ada.say("POST", `/broadcasts/${id}/end`)).status, 204);
  await host.heard((event) => event.type === "over");
  const record = await until("the record of what was said", async () => {
    const found = await last_broadcast();
    return found.hearts > 0 ? found : undefined;
  });
  assert.deepEqual([record.id, record.comments, record.hearts], [id, 1, 3]);
  assert.notEqual(record.ended, null);
  assert.ok(record.viewers_peak >= 3, `${record.viewers_peak}`);

  // Another room, of the same host.
  await state("ended");
  await go_live();
  viewer = await enter(cyd);
  assert.equal(await viewer.comment("is it me?"), "banned");
  assert.equal((await ada.say("DELETE", "/bans/cyd")).status, 204);
  await until("an end of the ban", async () => (await viewer.comment("thank you")) === "done" || undefined);
  assert.equal((await ada.say("PUT", "/bans/ben", { reason: "asleep" })).status, 204);
  assert.deepEqual(await names("/moderators"), []);
  const before = await enter(ben);
  assert.equal(before.standing, "stranger");
  assert.equal(await before.comment("hello"), "banned");
});
