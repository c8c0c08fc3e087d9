// What is private is so on several machines: who may watch does at any of them, and who may no longer is shown out by all,
// also when the one that is told is not the one that carries the broadcast, and when the bus was away.

import assert from "node:assert/strict";
import { test } from "node:test";

import { publish_test_card } from "../world/encoder.js";
import { key_of, klieg_path, start_klieg } from "../world/klieg.js";
import { make_nats } from "../world/nats.js";
import { Person } from "../world/person.js";
import { make_postgresql } from "../world/postgresql.js";
import { run, until } from "../world/program.js";
import { enter_room } from "../world/websocket_peer.js";

const secret = ["--node-secret", "what-all-nodes-of-this-world-know"];
const patience_ms = 60_000; // no test waits for ever

test("who may watch is the same at every machine, whichever is told", { timeout: 240_000 }, async (t) => {
  const [nats, database] = await Promise.all([make_nats(t), make_postgresql(t)]);
  await Promise.all([nats.start(), database.start()]);
  const start = (name, roles) =>
    start_klieg(t, {
      channels: roles === "edge" ? [] : ["show"],
      flags: [
        ...["--roles", roles, "--node-name", name, "--bus", nats.name, "--server-loops", "2", ...secret],
        ...(roles === "edge"
          ? []
          : ["--private", "show", "--database", database.name, "--studio-sign-up", "open"]),
      ],
    });
  const [studio, home] = await Promise.all([start("studio", "studio,edge"), start("home", "home,edge")]);
  let edge = await start("edge", "edge");
  const all = () => [studio, home, edge];

  const as_guest = (server, token, what = "index.m3u8", channel = "ada") =>
    status_of(`http://${server.address.http}/t/${token}/live/${channel}/${what}`);
  const everywhere = (status, token, channel = "ada") =>
    until(
      `${status} everywhere`,
      async () => {
        const each = await Promise.all(all().map((server) => as_guest(server, token, "index.m3u8", channel)));
        if (each.some((one) => one !== status)) throw new Error(`they answer ${each}`);
        return true;
      },
      patience_ms,
    );
  const enter_all = async (token) => {
    const rooms = [];
    for (const server of all()) rooms.push(await enter_room(t, server.address.http, "ada", [], token));
    for (const room of rooms) assert.match(room.head, / 101 /);
    return rooms;
  };
  const shown_out = async (rooms) => {
    for (const room of rooms) assert.equal((await room.heard(({ type }) => type === "closed")).code, 1008);
  };

  // One after the other: a network has two passwords digested at once.
  const people = [];
  for (const name of ["ada", "bob", "carl"]) {
    people.push(new Person(studio));
    await people.at(-1).sign_up(name);
  }
  const [ada, bob, carl] = people;
  const { secret: key } = await ada.done("POST", "/keys", { label: "Desk" });
  const plan = { title: "For some", visibility: "private", guests: ["bob", "carl"] };
  const { id } = await ada.done("POST", "/broadcasts", plan);
  publish_test_card(t, edge.rtmp("ada", key), ["--size", "320x180"]);

  const pass_of = (person) =>
    until(
      "a pass",
      async () => {
        const { status, body } = await person.ask("POST", "/people/ada/pass");
        return status === 200 ? body.token : undefined;
      },
      patience_ms,
    );
  const [bobs, carls] = [await pass_of(bob), await pass_of(carl)];
  await everywhere(200, bobs);
  for (const server of all()) {
    assert.equal(await status_of(`http://${server.address.http}/live/ada/index.m3u8`), 404);
    assert.match((await enter_room(t, server.address.http, "ada")).head, / 404 /);
  }
  assert.equal((await (await fetch(`${studio.http}/api/v1/live`)).json()).items.length, 0);

  // Who is taken off the list, at the studio.
  const bobs_rooms = await enter_all(bobs);
  const carls_rooms = await enter_all(carls);
  await ada.done("PATCH", `/broadcasts/${id}`, { guests: ["carl"] });
  await shown_out(bobs_rooms);
  await everywhere(403, bobs);
  await everywhere(200, carls);

  // The same while there is no bus: said when it is back.
  await nats.kill();
  await ada.done("PATCH", `/broadcasts/${id}`, { guests: [] });
  assert.equal(await as_guest(studio, carls), 403);
  await nats.start();
  await shown_out(carls_rooms);
  await everywhere(403, carls);

  // A node that comes later knows it as well.
  edge.program.signal("SIGKILL");
  await edge.program.ended;
  edge = await start("edge", "edge");
  for (const token of [bobs, carls]) await everywhere(403, token);

  // A channel of the operator's.
  publish_test_card(t, home.rtmp("show", key_of("show")), ["--size", "320x180"]);
  const token_of = (flags) => run(t, klieg_path, ["token", "show", ...secret, ...flags], 30_000);
  const link = (await token_of([])).output.trim().split("\n")[1].split("/")[2];
  await everywhere(200, link, "show");
  for (const server of all()) {
    assert.equal(await status_of(`http://${server.address.http}/live/show/index.m3u8`), 404);
  }
  assert.equal((await (await fetch(`${studio.http}/api/v1/live`)).json()).items.length, 0);
  await token_of(["--revoke", "--server", studio.http]);
  await everywhere(403, link, "show");
});

const status_of = async (address) => {
  const answer = await fetch(address);
  await answer.arrayBuffer();
  return answer.status;
};
