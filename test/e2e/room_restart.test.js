// A room outlives its server: whoever was in it finds it as it was, and what was said there is there once.

import assert from "node:assert/strict";
import { test } from "node:test";

import { start_browser } from "../world/browser.js";
import { start_edge } from "../world/edge.js";
import { publish_with_ffmpeg } from "../world/encoder.js";
import { key_of, start_klieg, temporary_folder } from "../world/klieg.js";
import { pause } from "../world/program.js";
import { enter_room } from "../world/websocket_peer.js";

const secret = "a secret of forty-two letters, known to all";
const flags = ["--node-secret", secret, "--server-loops", "2", "--room-anonymous", "comments"];
const sum = (one) =>
  one.all
    .filter((event) => event.type === "hearts")
    .flatMap((event) => event.hearts)
    .reduce((total, [, count]) => total + count, 0);
const comments_of = (one) =>
  one.all.filter((event) => event.type === "comment").map((event) => `${event.id} ${event.text}`);

test("a room goes on when its server was killed or told to go, with nothing lost and nothing twice", async (t) => {
  const data = await temporary_folder(t);
  let home = await start_klieg(t, { flags, data });
  const publish = async () => {
    publish_with_ffmpeg(t, home.rtmp());
    await home.live();
  };
  const restart = async (signal) => {
    process.kill(home.program.pid, signal);
    await home.program.ended;
    home = await start_klieg(t, { flags, data, address: home.address });
    await publish();
  };
  const enter_as_broadcaster = () =>
    enter_room(t, home.address.http, "show", [`Authorization: Bearer ${key_of("show")}`]);
  let ref = 0;
  const ask = async (one, message) => {
    const asked = ++ref;
    one.say({ ref: asked, at: 0, ...message });
    return one.heard((event) => event.ref === asked);
  };
  // A node that has lost its way says so, and its viewer tries again.
  const comment = async (one, text) => {
    for (;;) {
      const answer = await ask(one, { type: "comment", text });
      if (answer.type === "done") return `${answer.id} ${text}`;
      assert.ok(["no_way", "busy"].includes(answer.why), JSON.stringify(answer));
      await pause(300); // he may not say more at once
    }
  };

  await publish();
  const page = await (await start_browser(t)).newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(home.page());
  const shown = (text) => page.getByRole("log", { name: "Comments" }).getByText(text);
  const edge = await start_edge(t, [home.address.http], flags);
  let broadcaster = await enter_as_broadcaster();
  const guest = await enter_room(t, edge.address.http);
  const said = [await comment(broadcaster, "welcome"), await comment(guest, "hello from afar")];
  await shown("hello from afar").waitFor();
  await ask(broadcaster, { type: "pin", comment: 1 });
  await ask(broadcaster, { type: "rules", who: "everyone", first: 100, slow_ms: 0, review: "filtered" });
  const command = { type: "open_poll", question: "Tea?", options: ["yes", "no"], seconds: 600 };
  assert.equal((await ask(broadcaster, command)).type, "done");
  const poll = await broadcaster.heard((event) => event.type === "poll");
  const vote = { type: "vote", poll: poll.id, option: 1 };
  assert.equal((await ask(broadcaster, { ...vote, at: poll.opens })).type, "done");
  guest.say({ type: "hearts", count: 3, at: 0 });
  await guest.heard(() => sum(guest) >= 3);

  for (const signal of ["SIGKILL", "SIGTERM"]) {
    const hearts = sum(guest) + 4;
    guest.say({ type: "hearts", count: 4, at: 0 }); // on their way when the server dies
    await restart(signal);

    broadcaster = await enter_as_broadcaster();
    await broadcaster.heard((event) => event.type === "comment" && event.id === said.length);
    assert.deepEqual(comments_of(broadcaster), said);
    await broadcaster.heard((event) => event.type === "pinned" && event.comment?.text === "welcome");
    await broadcaster.heard((event) => event.type === "rules" && event.review === "filtered");
    await broadcaster.heard((event) => event.type === "poll" && event.question === "Tea?");
    await broadcaster.heard((event) => event.type === "votes" && event.votes[0] === 0 && event.votes[1] === 1);
    assert.equal((await ask(broadcaster, { ...vote, at: 0 })).why, "voted");

    // Who watches through the edge was there all the time.
    said.push(await comment(broadcaster, `back after ${signal}`), await comment(guest, `still here after ${signal}`));
    await guest.heard(() => sum(guest) >= hearts);
    for (const one of [broadcaster, guest]) {
      await one.heard((event) => event.type === "comment" && event.id === said.length);
      assert.deepEqual(comments_of(one), said);
    }
    assert.equal(sum(guest), hearts);
    assert.equal(guest.all.filter((event) => event.type === "closed").length, 0);
    // A page comes again by itself, and shows what it showed.
    await shown(`still here after ${signal}`).waitFor();
    for (const line of said) assert.equal(await shown(line.replace(/^\d+ /, "")).count(), 1, line);
  }
});
