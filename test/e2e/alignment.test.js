// Viewers see a flash 0.3, 1.3 and 11 s after the camera, at home and through an edge: their hearts lie at the flash,
// and each of them has his vote in a poll that was opened with it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { start_edge } from "../world/edge.js";
import { publish_test_card } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { make_key, sign_up } from "../world/people.js";
import { pause, until } from "../world/program.js";
import { enter_room } from "../world/websocket_peer.js";

const delays_ms = [300, 1_300, 11_000];
const viewers_each = 20; // of each delay, half of them through the edge
const taps_for_ms = 100; // after the flash is on a viewer's screen
const page_gathers_ms = 250;
const bucket_ms = 100;
const within_ms = 200;
const flags = ["--node-secret", "a secret of forty-two letters, known to all", "--studio-sign-up", "open"];

test("hearts lie where they were given and no vote is lost, whatever each viewer's delay", async (t) => {
  const home = await start_klieg(t, { channels: [], flags });
  const host = await sign_up(home, "host");
  const voters = [];
  for (const name of ["ann", "bob", "cyd"]) voters.push(await sign_up(home, name));
  publish_test_card(t, home.rtmp("host", await make_key(host)), ["--size", "640x360", "--bitrate", "800k"]);
  await home.live("host");
  const edge = await start_edge(t, [home.address.http], flags.slice(0, 2));

  // What a screen shows is known from when media time began, and the viewer's delay.
  const { started_at } = await until("a broadcast", async () => {
    const status = await (await fetch(`${home.http}/live/host/status.json`)).json();
    return status.started_at ? status : undefined;
  });
  const on_screen = (delay_ms) => Date.now() - Date.parse(started_at) - delay_ms;

  const broadcaster = await enter_room(t, home.address.http, "host", host.headers);
  const viewers = [];
  for (const delay_ms of delays_ms) {
    for (let i = 0; i < viewers_each; ++i) {
      const node = i % 2 ? edge : home;
      viewers.push({ delay_ms, late_ms: (taps_for_ms * i) / viewers_each, room: await enter_room(t, node.address.http, "host") });
    }
  }
  const ballots = [];
  for (const [i, voter] of voters.entries()) {
    ballots.push({ delay_ms: delays_ms[i], voter, room: await enter_room(t, home.address.http, "host", voter.headers) });
  }

  // A poll of a second opens with the flash: for the slowest, it opens when it was closed for everybody else.
  broadcaster.say({ type: "open_poll", ref: 1, at: 0, question: "Flash?", options: ["seen", "missed"], seconds: 1 });
  const poll = await broadcaster.heard((event) => event.type === "poll");
  const flash = poll.opens;
  const shown = async (delay_ms, at) => {
    while (on_screen(delay_ms) < at) await pause(Math.max(1, at - on_screen(delay_ms)));
  };
  await Promise.all([
    ...viewers.map(async ({ delay_ms, late_ms, room }) => {
      await shown(delay_ms, flash + late_ms);
      const at = Math.round(flash + late_ms); // of his tap; his page says it with what it gathers
      await pause(page_gathers_ms);
      room.say({ type: "hearts", count: 1, at });
    }),
    ...ballots.map(async ({ delay_ms, room }) => {
      await room.heard((event) => event.type === "poll");
      await shown(delay_ms, flash + 100);
      room.say({ type: "vote", ref: 1, at: flash + 100, poll: poll.id, option: 0 });
      assert.equal((await room.heard((event) => event.ref === 1)).type, "done");
    }),
  ]);

  const hearts = () => broadcaster.all.filter((event) => event.type === "hearts").flatMap((event) => event.hearts);
  const total = (all) => all.reduce((sum, [, count]) => sum + count, 0);
  await broadcaster.heard(() => total(hearts()) >= viewers.length);
  const near = hearts().filter(([bucket]) => Math.abs(bucket * bucket_ms + bucket_ms / 2 - flash) <= within_ms);
  assert.equal(total(hearts()), viewers.length);
  assert.ok(total(near) >= 0.95 * viewers.length, `${total(near)} of ${viewers.length}: ${JSON.stringify(hearts())}`);
  await broadcaster.heard((event) => event.type === "votes" && event.votes[0] === voters.length);
});
