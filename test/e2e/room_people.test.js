// Who may do what in somebody's rooms: followers, moderators and who is banned, by name and beyond one broadcast.

import assert from "node:assert/strict";
import { test } from "node:test";

import { start_browser } from "../world/browser.js";
import { start_edge } from "../world/edge.js";
import { publish_test_card, publish_with_ffmpeg } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { room_ticket } from "../world/node.js";
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
  const enter = (person) => come(t, home, { headers: person.headers });
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

const secret = "a secret of forty-two letters, known to all";
const patience_ms = 60_000; // no test waits for ever

test("who is signed in takes part through an edge as at the home, and nobody as somebody else", async (t) => {
  const flags = ["--server-loops", "2", "--node-secret", secret];
  const [home, browser] = await Promise.all([
    start_klieg(t, { channels: [], flags: ["--studio-sign-up", "open", ...flags] }),
    start_browser(t),
  ]);
  const edge = await start_edge(t, [home.address.http], flags);
  const at_edge = { http: `http://${edge.address.http}` };
  const ada = await sign_up(home, "ada");
  const ben = await sign_up(home, "ben");
  const cyd = await sign_up(at_edge, "cyd"); // the API through the edge
  assert.equal((await ada.say("PUT", "/moderators/ben")).status, 204);
  assert.equal((await cyd.say("PUT", "/people/ada/follow")).status, 204);
  publish_test_card(t, home.rtmp("ada", await make_key(ada)), ["--size", "640x360", "--bitrate", "800k"]);
  await until("on air", async () => (await fetch(`${at_edge.http}/live/ada/index.m3u8`)).status === 200 || undefined, patience_ms);

  const ticket_of = async (person, channel = "ada") => {
    const made = await person.say("POST", `/rooms/${channel}/ticket`);
    assert.equal(made.status, 200, JSON.stringify(made.body));
    return made.body.ticket;
  };
  const host = await come(t, home, { headers: ada.headers });
  const moderator = await come(t, edge, { ticket: await ticket_of(ben) });
  let viewer = await come(t, edge, { ticket: await ticket_of(cyd) });
  const { account, name, standing } = viewer.you;
  assert.deepEqual({ account, name, standing }, { account: cyd.account.id, name: "cyd", standing: "follower" });
  assert.equal(moderator.standing, "moderator");

  // A comment by name, and hearts.
  assert.equal(await viewer.comment("hello from the edge"), "done");
  const comment = await host.heard((event) => event.type === "comment");
  assert.deepEqual([comment.by.name, comment.by.standing, comment.text], ["cyd", "follower", "hello from the edge"]);
  viewer.say({ type: "hearts", count: 3, at: 0 });
  await host.heard((event) => event.type === "hearts");
  assert.equal(await moderator.insist({ type: "pin", comment: comment.id }), "done");

  // No edge looks at a cookie, whoever it is that sends one.
  const cookie_alone = await come(t, edge, { headers: cyd.headers });
  assert.equal(cookie_alone.you.account, 0);
  assert.equal(await cookie_alone.comment("am I somebody?"), "nameless");

  // One account, one vote, wherever.
  assert.equal(await host.insist({ type: "open_poll", question: "Tea?", options: ["yes", "no"], seconds: 600 }), "done");
  const poll = await viewer.heard((event) => event.type === "poll");
  const votes = (wanted) => host.heard(({ type, poll: of, votes: now }) => type === "votes" && of === poll.id && String(now) === wanted);
  assert.equal(await viewer.vote(poll, 0), "done");
  await votes("1,0");
  const same_at_home = await come(t, home, { headers: cyd.headers });
  assert.equal(await same_at_home.vote(poll, 1), "voted");

  // Ben votes by the page at the edge.
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const [cookie_name, cookie] = ben.headers[0].slice("Cookie: ".length).split("=", 2);
  await context.addCookies([{ name: cookie_name, value: cookie, url: at_edge.http }]);
  const page = await context.newPage();
  await page.goto(`${at_edge.http}/@ada`);
  await page.waitForFunction(() => window.klieg?.room?.me?.name === "ben", undefined, { timeout: patience_ms });
  await page.getByRole("region", { name: "Poll" }).getByRole("button", { name: "no" }).click({ timeout: patience_ms });
  await votes("1,1");

  // What is shown and not good: forged, over, of another room, promoted.
  const good = await ticket_of(cyd);
  const now_s = Math.floor(Date.now() / 1000);
  const cyds = { account: cyd.account.id, name: "cyd", standing: "follower", expires_s: now_s + 60 };
  for (const node of [edge, home]) {
    for (const [shown, words] of [
      [`${good.slice(0, -1)}${good.endsWith("A") ? "Q" : "A"}`, /not for this room/],
      [good.replace("follower", "moderator"), /not for this room/],
      [good.replace(`.${cyd.account.id}.`, `.${ben.account.id}.`), /not for this room/],
      [await ticket_of(cyd, "ben"), /not for this room/],
      [room_ticket("another secret", "ada", cyds), /not for this room/],
      ["", /not for this room/],
      [room_ticket(secret, "ada", { ...cyds, expires_s: now_s - 1 }), /has expired: ask/],
    ]) {
      const refused = await enter_room(t, node.address.http, "ada", [], undefined, `?ticket=${shown}`);
      assert.match(refused.head, / 403 /, shown);
      await until("the words", async () => words.test(refused.refusal) || undefined);
    }
    const entered = await enter_room(t, node.address.http, "ada", [], undefined, `?ticket=${room_ticket(secret, "ada", cyds)}`);
    assert.match(entered.head, / 101 /, "the same, and good");
  }

  // Who is a moderator no more is none at once, and who is banned is barred, whatever his tickets say.
  const bens = await ticket_of(ben);
  assert.equal((await ada.say("DELETE", "/moderators/ben")).status, 204);
  const refused = async (one, why) => (await one.insist({ type: "pin", comment: 0 })) === why || undefined;
  await until("no moderator any more", () => refused(moderator, "no_standing"), 5_000);
  assert.ok(await refused(await come(t, edge, { ticket: bens }), "no_standing"));
  assert.equal((await ada.say("PUT", "/bans/cyd", { reason: "spam" })).status, 204);
  await until("banned", async () => (await viewer.comment("and now?")) === "banned" || undefined, 5_000);
  viewer = await come(t, edge, { ticket: good });
  assert.equal(await viewer.comment("again?"), "banned");
  assert.equal(await host.insist({ type: "open_poll", question: "Cake?", options: ["yes", "no"], seconds: 600 }), "done");
  const next = await viewer.heard((event) => event.type === "poll" && event.question === "Cake?");
  assert.equal(await viewer.vote(next, 0), "banned");
});

test("a moderator keeps order through an edge: what is held is his to see there, and nobody else's", async (t) => {
  const flags = ["--server-loops", "2", "--node-secret", secret];
  const home = await start_klieg(t, { channels: [], flags: ["--studio-sign-up", "open", ...flags] });
  const middle = await start_edge(t, [home.address.http], flags);
  const edge = await start_edge(t, [middle.address.http], flags);
  const ada = await sign_up(home, "ada");
  const ben = await sign_up(home, "ben");
  const cyd = await sign_up(home, "cyd");
  assert.equal((await ada.say("PUT", "/moderators/ben")).status, 204);
  assert.equal((await cyd.say("PUT", "/people/ada/follow")).status, 204);
  publish_test_card(t, home.rtmp("ada", await make_key(ada)), ["--size", "640x360", "--bitrate", "800k"]);
  await until("on air", async () => (await fetch(`http://${edge.address.http}/live/ada/index.m3u8`)).status === 200 || undefined, patience_ms);

  const ticket_of = async (person) => (await person.say("POST", "/rooms/ada/ticket")).body.ticket;
  const host = await come(t, home, { headers: ada.headers });
  const viewer = await come(t, edge, { ticket: await ticket_of(cyd) });
  const review = { type: "rules", who: "followers", first: 100, slow_ms: 0, review: "everything" };
  assert.equal(await host.insist(review), "done");
  const held_as = (one, text) => one.heard((event) => event.type === "held" && event.text === text);

  // Held before he came, and while he is here.
  assert.equal(await viewer.comment("before"), "done");
  await held_as(host, "before");
  const moderator = await come(t, edge, { ticket: await ticket_of(ben) });
  const before = await held_as(moderator, "before");
  assert.equal(await viewer.comment("while"), "done");
  const meanwhile = await held_as(moderator, "while");
  assert.equal(await moderator.insist({ type: "release", comment: before.id }), "done");
  await viewer.heard((event) => event.type === "comment" && event.text === "before");
  assert.equal(await moderator.insist({ type: "delete", comment: meanwhile.id }), "done");
  await viewer.heard((event) => event.type === "gone" && event.id === meanwhile.id);
  assert.ok(!viewer.all.some((event) => event.type === "held" || event.type === "audit"));
  for (const node of [home, edge]) {
    const asked = await fetch(`http://${node.address.http}/.klieg/room/live/ada/1/room?desk=0`, { method: "POST" });
    assert.equal(asked.status, 403, "who is no node is told nothing");
  }

  // Who is a moderator no more is told so where he is, and hears of the next that is held no more.
  assert.equal((await ada.say("DELETE", "/moderators/ben")).status, 204);
  const lowered = await moderator.heard((event) => event.type === "you" && event.standing !== "moderator");
  assert.equal(lowered.standing, "stranger");
  assert.equal(await viewer.comment("after"), "done");
  const after = await held_as(host, "after");
  assert.equal(await host.insist({ type: "release", comment: after.id }), "done");
  await moderator.heard((event) => event.type === "comment" && event.text === "after");
  assert.ok(!moderator.all.some((event) => event.type === "held" && event.text === "after"));
});

let last_ref = 0;

// Into ada's room at a node, with what proves who one is.
async function come(t, node, { headers = [], ticket } = {}) {
  const room = await enter_room(t, node.address.http, "ada", headers, undefined, ticket === undefined ? "" : `?ticket=${ticket}`);
  assert.match(room.head, / 101 /);
  const you = await room.heard((event) => event.type === "you");
  const ask = async (message) => {
    const ref = ++last_ref;
    room.say({ ref, at: 0, ...message });
    return room.heard((event) => event.ref === ref);
  };
  // A node that does not know yet how far the broadcast is wants it said again.
  const insist = async (message) => {
    for (;;) {
      const { type, why } = await ask(message);
      if (why !== "busy" && why !== "not_open") return why ?? type;
      await pause(300);
    }
  };
  return {
    ...room,
    you,
    standing: you.standing,
    ask,
    insist,
    comment: (text) => insist({ type: "comment", text }),
    vote: (poll, option) => insist({ type: "vote", poll: poll.id, option, at: poll.opens }),
  };
}
