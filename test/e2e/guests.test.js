// Somebody's private broadcast: chosen people watch it by their own page, at home and by links through an edge; strangers
// are not told that it is there, and who is taken off the list is shown out.

import assert from "node:assert/strict";
import { test } from "node:test";

import { start_browser } from "../world/browser.js";
import { start_edge } from "../world/edge.js";
import { publish_test_card } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { Person } from "../world/person.js";
import { until } from "../world/program.js";
import { enter_room } from "../world/websocket_peer.js";

const secret = ["--node-secret", "a secret of all nodes"];
const patience_ms = 60_000; // no test waits for ever

test("guests of a private broadcast watch it, strangers do not, and who is taken off the list is shown out", async (t) => {
  const [home, browser] = await Promise.all([
    start_klieg(t, { channels: [], flags: ["--studio-sign-up", "open", "--server-loops", "2", ...secret] }),
    start_browser(t),
  ]);
  const edge = await start_edge(t, [home.address.http], secret);
  // One after the other: a network has two passwords digested at once.
  const people = [];
  for (const name of ["ada", "bob", "carl"]) {
    people.push(new Person(home));
    await people.at(-1).sign_up(name);
  }
  const [ada, bob, carl] = people;
  const { secret: key } = await ada.done("POST", "/keys", { label: "Desk" });

  // The choice is made on the page.
  const studio = await browser.newContext();
  await studio.addCookies([cookie_of(ada)]);
  const desk = await studio.newPage();
  await desk.goto(`${home.http}/studio`);
  const choice = desk.getByRole("region", { name: "Who may watch" });
  await choice.getByLabel("Chosen people").check();
  await desk.getByLabel("Guests", { exact: true }).fill("@bob");
  await choice.getByRole("button", { name: "Save" }).click();
  await desk.getByText("Saved: your next broadcast is so.").waitFor({ timeout: patience_ms });

  publish_test_card(t, home.rtmp("ada", key), ["--size", "640x360", "--bitrate", "800k"]);
  const { token } = await until(
    "on air",
    async () => {
      const { status, body } = await bob.ask("POST", "/people/ada/pass");
      return status === 200 ? body : undefined;
    },
    patience_ms,
  );
  const as_guest = (server, what) => status_of(`http://${server.address.http}/t/${token}/live/ada/${what}`);
  await until("the playlist", async () => (await as_guest(home, "index.m3u8")) === 200 || undefined, patience_ms);

  // Strangers, with and without an account.
  assert.equal((await carl.ask("POST", "/people/ada/pass")).status, 404);
  assert.equal((await (await fetch(`${home.http}/api/v1/live`)).json()).items.length, 0);
  assert.equal((await (await fetch(`${home.http}/api/v1/people/ada`)).json()).live, false);
  for (const server of [home, edge]) {
    for (const what of ["index.m3u8", "status.json", "poster.jpg"]) {
      assert.equal(await status_of(`http://${server.address.http}/live/ada/${what}`), 404, what);
    }
    assert.match((await enter_room(t, server.address.http, "ada")).head, / 404 /);
    assert.equal(await as_guest(server, "index.m3u8"), 200);
  }

  // A guest's own page finds the way by itself; a link plays through an edge.
  const watch = async (address, person) => {
    const context = await browser.newContext({ viewport: { width: 640, height: 480 } });
    if (person) await context.addCookies([cookie_of(person)]);
    const page = await context.newPage();
    await page.goto(address);
    await page.waitForFunction(() => window.klieg?.stats().view === "live", undefined, { timeout: patience_ms });
    return page;
  };
  const [broadcast] = (await ada.done("GET", "/broadcasts")).items;
  const { link } = await ada.done("POST", `/broadcasts/${broadcast.id}/links`, { hours: 1 });
  const by_page = await watch(`${home.http}/@ada`, bob);
  const by_link = await watch(`http://${edge.address.http}${link}`);
  const room = await enter_room(t, edge.address.http, "ada", [], token);
  assert.match(room.head, / 101 /);

  assert.equal((await ada.ask("PATCH", `/broadcasts/${broadcast.id}`, { visibility: "public" })).status, 409);
  assert.equal((await ada.ask("PATCH", `/broadcasts/${broadcast.id}`, { guests: ["carl"] })).status, 200);
  assert.equal((await room.heard(({ type }) => type === "closed")).code, 1008);
  await by_page.waitForFunction(() => window.klieg.stats().view === "offline", undefined, { timeout: patience_ms });
  for (const server of [home, edge]) {
    await until("refused", async () => (await as_guest(server, "index.m3u8")) === 403 || undefined, patience_ms);
    assert.equal(await as_guest(server, "renewed"), 403);
  }
  assert.equal((await bob.ask("POST", "/people/ada/pass")).status, 404);
  assert.equal((await carl.ask("POST", "/people/ada/pass")).status, 200);
  assert.notEqual(await by_link.evaluate(() => window.klieg.stats().view), "refused", "links are another thing");

  assert.equal((await ada.ask("DELETE", `/broadcasts/${broadcast.id}/links`)).status, 204);
  await by_link.waitForFunction(() => window.klieg.stats().view === "refused", undefined, { timeout: patience_ms });
});

const status_of = async (address) => {
  const answer = await fetch(address);
  await answer.arrayBuffer();
  return answer.status;
};

// As its browser has it.
const cookie_of = ({ cookie, home }) => ({ name: cookie.split("=")[0], value: cookie.slice(cookie.indexOf("=") + 1), url: home.http });
