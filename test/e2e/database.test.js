// The API over each of the two databases, and what goes on while the database is away.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { publish_test_card, publish_with_ffmpeg } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { Person } from "../world/person.js";
import { make_postgresql } from "../world/postgresql.js";
import { until } from "../world/program.js";

const slow_ms = 60_000; // for what takes a second where nothing else runs

// From signing up to a broadcast that its owner ends. Leaves ada and bob, who follows her.
async function go_live_and_end_it(t, home) {
  const [ada, bob] = [new Person(home), new Person(home)];
  await ada.sign_up("ada");
  await bob.sign_up("bob");
  assert.equal((await new Person(home).ask("POST", "/accounts", account("ada"))).body.code, "name_taken");
  await bob.done("PUT", "/people/ada/follow");
  await bob.done("PUT", "/people/ada/follow"); // twice is once
  assert.equal((await bob.done("GET", "/people/ada")).followers, 1);

  const planned = await ada.done("POST", "/broadcasts", { title: "'); DROP TABLE accounts; --" });
  const { id, secret } = await ada.done("POST", "/keys", { label: "Desk" });
  const encoder = publish_with_ffmpeg(t, home.rtmp("ada", secret));
  await until(
    "the broadcast in its owner's list",
    async () => (await ada.done("GET", `/broadcasts/${planned.id}`)).started ?? undefined,
    slow_ms,
  );
  const { items } = await bob.done("GET", "/live");
  assert.deepEqual(
    items.filter((show) => show.channel === "ada").map((show) => [show.title, show.following]),
    [[planned.title, true]],
  );
  assert.equal((await bob.ask("DELETE", `/keys/${id}`)).status, 404);
  assert.equal((await bob.ask("POST", `/broadcasts/${planned.id}/end`)).status, 404);
  await ada.done("POST", `/broadcasts/${planned.id}/end`);
  assert.notEqual(await encoder.ends(slow_ms), 0);
  const over = await ada.done("GET", "/broadcasts");
  assert.deepEqual(
    over.items.map((broadcast) => [broadcast.id, broadcast.ended !== null]),
    [[planned.id, true]],
  );
  return { ada, bob };
}

const account = (name) => ({ name, display_name: name, password: "long enough to be one" });

test("people go live over a file", async (t) => {
  await go_live_and_end_it(t, await start_klieg(t, { channels: [], flags: ["--studio-sign-up", "open"] }));
});

test("people go live over PostgreSQL, and broadcasts go on while it is away", async (t) => {
  const database = await make_postgresql(t);
  const flags = ["--studio-sign-up", "open", "--database", database.name];
  const home = await start_klieg(t, { channels: ["show"], flags });

  // It was never there.
  publish_test_card(t, home.rtmp("show"));
  await home.live("show", slow_ms);
  const early = await new Person(home).ask("POST", "/accounts", account("ada"));
  assert.deepEqual([early.status, early.body.code], [503, "unavailable"]);
  assert.match(early.body.detail, /accounts cannot be looked up/);
  const live = await new Person(home).done("GET", "/live");
  assert.deepEqual(
    live.items.map((show) => show.channel),
    ["show"],
  );

  // It comes: what a first start does is done now.
  await database.start();
  const [, file] = await home.program.heard(/the first account was made.* file=(\S+)/, slow_ms);
  const [name, password] = (await readFile(file, "utf8")).trim().split(":");
  const operator = new Person(home);
  await until("the database in use", () => operator.log_in(name, password).then(() => true), slow_ms);
  const { bob } = await go_live_and_end_it(t, home);

  // It is lost.
  await database.kill();
  const away = await until(
    "an answer without it",
    async () => {
      const answer = await bob.ask("PUT", "/people/operator/follow");
      return answer.status === 503 ? answer : undefined;
    },
    slow_ms,
  );
  assert.match(away.body.detail, /cannot be (looked up|followed)|looked up who you are/);
  const before = await last_segment(home);
  await until("more of the broadcast", async () => (await last_segment(home)) > before || undefined, slow_ms);

  // What was acknowledged is there when it is.
  await database.start();
  await until(
    "the follow that it knew",
    async () => (await bob.done("GET", "/people/ada")).following || undefined,
    slow_ms,
  );
});

// The number of the newest segment that the channel's playlist names.
async function last_segment(home) {
  const status = await (await fetch(`${home.http}/live/show/status.json`)).json();
  const playlist = await (await fetch(`${home.http}/live/show/${status.broadcast}/video.m3u8`)).text();
  return Math.max(...[...playlist.matchAll(/video-(\d+)/g)].map(([, number]) => Number(number)));
}
