// People with accounts, through the real pages: from signing up to being seen live under one's own name.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";

import { open_viewer, start_browser } from "../world/browser.js";
import { publish_with_ffmpeg } from "../world/encoder.js";
import { klieg_path, start_klieg, temporary_folder } from "../world/klieg.js";
import { Person, password_of } from "../world/person.js";
import { Program, until } from "../world/program.js";

test("somebody signs up, makes a key, is seen live, and replaces the key, which ends what it carries", async (t) => {
  const [home, browser] = await Promise.all([
    start_klieg(t, { channels: [], flags: ["--studio-sign-up", "open", "--server-loops", "2"] }),
    start_browser(t),
  ]);
  const studio = await browser.newPage();
  await studio.goto(`${home.http}/signup?to=/studio`);
  await studio.getByLabel("Name", { exact: true }).fill("ada");
  await studio.getByLabel("Shown as").fill("Ada <b>Lovelace</b>");
  await studio.getByLabel("Password").fill("correct horse battery");
  await studio.getByRole("button", { name: "Sign up" }).click();
  await studio.waitForURL("**/studio");
  await studio.getByLabel("What the key is for").fill("Desk");
  await studio.getByRole("button", { name: "Make a key" }).click();
  const stream_key = studio.getByLabel("Stream key", { exact: true });
  const first = await stream_key.inputValue();
  assert.match(first, /^klieg_key_/);
  assert.equal(await studio.getByLabel("Server", { exact: true }).inputValue(), home.rtmp_server);

  const encoder = publish_with_ffmpeg(t, home.rtmp("ada", first));
  await home.live("ada");
  await open_viewer(browser, home.page("ada"));
  const { items } = await (await fetch(`${home.http}/api/v1/live`)).json();
  assert.deepEqual(
    items.map((show) => [show.channel, show.display_name]),
    [["ada", "Ada <b>Lovelace</b>"]],
  );

  await studio.getByRole("button", { name: "Replace Desk" }).click();
  await studio.getByRole("button", { name: "Replace it" }).click();
  assert.notEqual((await encoder.ended).code, 0);
  await studio.waitForFunction(
    ([field, old]) => field.value !== old,
    [await stream_key.elementHandle(), first],
  );
  await until("the broadcast over", async () => (await status_of(home, "ada")).state === "ended" || undefined);
  const late = publish_with_ffmpeg(t, home.rtmp("ada", first));
  assert.notEqual((await late.ended).code, 0);

  // What other sites' pages can send with the browser's cookie changes nothing.
  assert.equal((await studio.request.delete(`${home.http}/api/v1/keys/2`)).status(), 403);
});

test("by an invite link somebody signs up on the page, and by one that was taken back nobody", async (t) => {
  const [home, browser] = await Promise.all([
    start_klieg(t, { channels: [], flags: ["--studio-sign-up", "invite"] }),
    start_browser(t),
  ]);
  const [, name, password] = await home.program.heard(/Name +(\S+)\s+Password +(\S+)/, slow_ms);
  const desk = await new_page(browser);
  const enter = async (page, fields, button) => {
    for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(value);
    await page.getByRole("button", { name: button }).click();
  };
  await desk.goto(`${home.http}/login?to=/studio/invites`);
  await enter(desk, { Name: name, Password: password }, "Log in");
  await desk.waitForURL("**/studio/invites");
  await enter(desk, { "How many people it lets in": "2" }, "Make an invite");
  const link = await desk.getByLabel("Invite link", { exact: true }).inputValue();
  assert.match(link, /\/signup\?invite=klieg_invite_/);
  await desk.getByText("For 2 people", { exact: true }).waitFor();

  const guest = await new_page(browser);
  await guest.goto(link);
  await enter(guest, { Name: "ada", Password: password_of("ada") }, "Sign up");
  await guest.waitForURL(`${home.http}/`);
  await guest.getByRole("navigation", { name: "You" }).getByRole("link", { name: "ada" }).waitFor();

  await desk.reload();
  await desk.getByText("For one person", { exact: true }).waitFor();
  await desk.getByRole("button", { name: /^Take back/ }).click();
  await desk.getByText("No invite of yours is open.").waitFor();
  const late = await new_page(browser);
  await late.goto(link);
  await enter(late, { Name: "bob", Password: password_of("bob") }, "Sign up");
  await late.getByRole("alert").getByText("This invite is used up, over or taken back").waitFor();

  // And all of it is written down, for the operator everybody's.
  await desk.goto(`${home.http}/studio/activity`);
  await desk.getByLabel("Everybody's").check();
  await desk.getByText("Invite taken back").waitFor();
  await desk.getByText("Invite made: for 2").waitFor();
});

test("a program does with a token from the studio what it may, and nothing once that is revoked", async (t) => {
  const [home, browser] = await Promise.all([
    start_klieg(t, { channels: [], flags: ["--studio-sign-up", "open"] }),
    start_browser(t),
  ]);
  const ada = new Person(home);
  await ada.sign_up("ada");
  const page = await new_page(browser);
  const [cookie, value] = ada.cookie.split("=");
  await page.context().addCookies([{ name: cookie, value, url: home.http }]);
  await page.goto(`${home.http}/studio/integrations`);
  await page.getByLabel("What it is for", { exact: true }).fill("Stream deck");
  await page.getByLabel("Make and revoke stream keys").check();
  await page.getByRole("button", { name: "Make a token" }).click();
  const token = await page.getByLabel("New token", { exact: true }).inputValue();
  const status = async (path) => (await fetch(`${home.http}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } })).status;
  assert.equal(await status("/keys"), 200);
  assert.equal(await status("/broadcasts"), 403);
  await page.getByRole("button", { name: "Revoke Stream deck" }).click();
  await page.getByRole("button", { name: "Revoke it" }).click();
  await page.getByText("Stream deck is revoked.").waitFor();
  assert.equal(await status("/keys"), 401);
});

test("what somebody writes is text on every page that shows it, and of an address nothing runs", async (t) => {
  const [home, browser] = await Promise.all([
    start_klieg(t, { channels: [], flags: ["--studio-sign-up", "open"] }),
    start_browser(t),
  ]);
  const hostile = "<img src=x onerror=window.hit=1>";
  const ada = new Person(home);
  await ada.sign_up("ada");
  await ada.done("PATCH", "/me", { display_name: hostile });
  const { secret } = await ada.done("POST", "/keys", { label: hostile });
  const { id } = await ada.done("POST", "/broadcasts", { title: hostile });
  publish_with_ffmpeg(t, home.rtmp("ada", secret));
  const started = async () => (await ada.done("GET", `/broadcasts/${id}`)).started ?? undefined;
  await until("the broadcast begun", started, slow_ms);

  const page = await browser.newPage();
  page.setDefaultTimeout(slow_ms);
  const [name, value] = ada.cookie.split("=");
  await page.context().addCookies([{ name, value, url: home.http }]);
  // Markup that was taken for one would be stopped by the policy, and said here.
  const complaints = [];
  page.on("console", (message) => /Content Security Policy/.test(message.text()) && complaints.push(message.text()));
  const shows = async (path, count) => {
    await page.goto(home.http + path);
    await page.getByText(hostile).nth(count - 1).waitFor();
    assert.equal(await page.evaluate(() => window.hit), undefined, path);
  };
  await shows("/", 2); // who it is, in the header, and the title on the card
  await shows("/studio", 2); // and the key's label
  await ada.done("POST", `/broadcasts/${id}/end`);
  const over = async () => (await ada.done("GET", "/people/ada/broadcasts")).items[0];
  await until("the broadcast over", over, slow_ms);
  await shows("/@ada", 3); // and what is over

  for (const path of [`/@${hostile}`, `/${hostile}`, `/embed/@${hostile}`, "/@ada?player=<script>window.hit=1</script>"]) {
    await page.goto(home.http + path);
    await page.waitForFunction(() => document.querySelector("main, h1") !== null);
    assert.equal(await page.evaluate(() => window.hit), undefined, path);
  }
  await ada.done("DELETE", "/session");
  await page.context().clearCookies();
  await page.goto(`${home.http}/login?to=javascript:window.hit=1`);
  await page.getByLabel("Name", { exact: true }).fill("ada");
  await page.getByLabel("Password").fill(password_of("ada"));
  await page.getByRole("button", { name: "Log in" }).click();
  await page.waitForURL(`${home.http}/`);
  assert.equal(await page.evaluate(() => window.hit), undefined);
  assert.deepEqual(complaints, []);
});

test("the first account is told once, also where no door could be opened", async (t) => {
  const taken = createServer().listen(0, "127.0.0.1");
  t.after(() => taken.close());
  await once(taken, "listening");
  const data = await temporary_folder(t);
  const at = (http) => ["serve", "--data", data, "--http", http, "--rtmp", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
  const failed = new Program(t, klieg_path, at(`127.0.0.1:${taken.address().port}`));
  assert.equal((await failed.ended).code, 1);
  assert.match(failed.said, /cannot listen/);
  const { name, password } = /Name +(?<name>\S+)\n +Password +(?<password>\S+)/.exec(failed.said).groups;

  const good = new Program(t, klieg_path, at("127.0.0.1:0"));
  const [, door] = await good.heard(/^ready http=(\S+)/m);
  assert.ok(!good.said.includes(password));
  await new Person({ http: `http://${door}` }).log_in(name, password);
});

const slow_ms = 60_000; // for what takes a second where nothing else runs
const new_page = async (browser) => {
  const page = await browser.newPage();
  page.setDefaultTimeout(slow_ms);
  return page;
};
const status_of = async (home, channel) => (await fetch(`${home.http}/live/${channel}/status.json`)).json();
