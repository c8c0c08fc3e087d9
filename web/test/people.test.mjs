// The pages of people, in a real browser beside a server's API that the test keeps: sign up, log in, follow, stream
// keys, who is live. `npm run test:browser`; SCREENSHOTS=folder keeps pictures.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";

import { chromium } from "playwright-core";

import { start } from "./fake_origin.mjs";
import { FakePeople } from "./fake_people.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const flags = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const desktop = { width: 1440, height: 900 };
const phone = { width: 390, height: 844 };

let origin;
let browser;
let context;
let page;
let people;

before(async () => {
  origin = await start();
  browser = await chromium.launch({ executablePath, headless: true, args: flags.split(" ") });
});
after(async () => {
  await browser?.close();
  await origin?.close();
});
beforeEach(async () => {
  await context?.close();
  context = await browser.newContext({ viewport: desktop });
  page = await context.newPage();
  page.setDefaultTimeout(90_000); // of a machine ten times as busy
  people = await FakePeople.beside(page);
});

const open = (path) => page.goto(origin.address + path);
const field = (name) => page.getByLabel(name, { exact: true });

// In both sizes, by day and by night.
async function is_accessible(name) {
  await page.evaluate(axe);
  for (const [size, viewport] of Object.entries({ phone, desktop })) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const { violations } = await page.evaluate(() => window.axe.run());
      assert.deepEqual(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`), [], `${size}, ${colorScheme}`);
      if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}-${size}-${colorScheme}.png`), fullPage: true });
    }
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(overflow <= 0, `${overflow} px wider than the ${size}`);
  }
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0, "nothing moves where less motion is preferred");
  await page.emulateMedia({ reducedMotion: null });
}

test("a server without accounts says nothing of people", async () => {
  await page.unroute("**/api/v1/**");
  await open("/");
  await page.getByRole("heading", { name: "The set is dark" }).waitFor();
  assert.equal(await page.getByRole("link", { name: "Log in" }).count(), 0);
  await open("/login");
  await page.getByRole("heading", { name: "No accounts here" }).waitFor();
  await is_accessible("no-people");
  await page.getByRole("link", { name: "See who is on air" }).waitFor();

  // Its studio has the channels that whoever runs it set up.
  origin.set("bob", { state: "offline" });
  origin.set("eve", { state: "offline" });
  await page.route("**/live/eve/index.m3u8", (route) => route.fulfill({ status: 404, body: "eve is not live" }));
  await open("/studio");
  await field("Channel").selectOption("eve");
  await page.getByText("@eve is off air.").waitFor();
  await page.frameLocator("iframe").getByRole("heading", { name: "Starting soon" }).waitFor();
  assert.ok(page.url().endsWith("?channel=eve"));
});

test("somebody signs up, is told what is wrong, and comes back to where they were", async () => {
  people.add("grace", "a long password");
  await open("/@grace");
  await page.getByRole("link", { name: "Log in" }).click();
  await page.getByRole("link", { name: "Make an account" }).click();
  await field("Name").fill("grace");
  await field("Shown as").fill("Ada L.");
  await field("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.getByRole("alert").getByText("This name is taken.").waitFor();
  await is_accessible("sign-up");
  await field("Name").fill("ada");
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.waitForURL("**/@grace");
  await page.getByRole("navigation").getByRole("link", { name: "Ada L." }).waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("link", { name: "Log in" }).waitFor();
});

test("a wrong password says so, and a way back that leads elsewhere leads home", async () => {
  people.add("ada", "correct horse battery");
  await open("/login?to=https%3A%2F%2Fevil.example%2F");
  await field("Name").fill("ada");
  await field("Password").fill("wrong");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").getByText("The name or the password is wrong.").waitFor();
  await is_accessible("log-in");
  await field("Password").fill("correct horse battery");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${origin.address}/`);
});

test("one follows and unfollows; what was not done is taken back", async () => {
  people.account = people.add("ada", "x", "Ada");
  people.add("grace", "x", "Grace Hopper");
  origin.set("grace", { state: "offline" });
  await open("/@grace");
  await page.getByText("0 followers").waitFor();
  people.live = [{ channel: "grace", title: "Nanoseconds" }];
  origin.set("grace", { state: "live", broadcast: "7.1", started_at: new Date().toISOString() });
  await page.getByText("Nanoseconds").waitFor();
  await page.getByRole("button", { name: "Follow", exact: true }).click();
  await page.getByText("1 follower", { exact: true }).waitFor();
  await is_accessible("person");
  people.refused = [429, "that was too often"];
  await page.getByRole("button", { name: "Following" }).click();
  await page.getByRole("alert").getByText("That was too often.").waitFor();
  await page.getByText("1 follower", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Following" }).click();
  await page.getByText("0 followers").waitFor();
  assert.equal(people.follows.size, 0);
});

test("the home page lists whom one follows first, with titles and viewers", async () => {
  people.account = people.add("ada", "x", "Ada");
  people.live = [
    { channel: "alan", display_name: "Alan", title: "Machines that think, and what they would say if we asked", viewers: 1240, following: false },
    { channel: "grace", display_name: "Grace Hopper", title: "Nanoseconds", viewers: 12, following: true },
    { channel: "mary", display_name: "Mary", title: "", viewers: 3, following: false },
  ];
  await open("/");
  await page.getByRole("link", { name: "Nanoseconds" }).waitFor();
  const cards = await page.getByRole("main").getByRole("link").allInnerTexts();
  assert.deepEqual(cards.map((text) => /Grace|Alan|Mary/.exec(text)[0]), ["Grace", "Alan", "Mary"]);
  await page.waitForFunction(() => document.querySelectorAll(".picture img").length === 0); // no broadcast has a poster here
  await is_accessible("home-people");
});

test("the studio makes, replaces and revokes keys, shows each once, and says how the broadcast comes in", async () => {
  await open("/studio");
  await page.getByRole("main").getByRole("link", { name: "Log in" }).waitFor();
  await is_accessible("studio-nobody");
  people.account = people.add("ada", "x", "Ada");
  await page.route("**/live/ada/index.m3u8", (route) => route.fulfill({ status: 404, body: "ada is not live" }));
  await open("/studio");
  assert.equal(await field("Server").inputValue(), "rtmp://live.example/live");
  await page.getByText("You are off air.").waitFor();
  await field("What the key is for").fill("OBS at home");
  await page.getByRole("button", { name: "Make a key" }).click();
  const secret = field("Stream key");
  assert.equal(await secret.inputValue(), people.keys[0].secret);
  assert.equal(await secret.getAttribute("type"), "password", "who looks over a shoulder sees nothing");
  await page.getByRole("button", { name: "Show Stream key" }).click();
  assert.equal(await secret.getAttribute("type"), "text");
  await origin.picture();
  await page.unroute("**/live/ada/index.m3u8");
  await page.getByText("no break").waitFor();
  await is_accessible("studio");
  await page.getByRole("button", { name: "Replace OBS at home" }).click();
  await page.getByRole("dialog", { name: "Replace this key?" }).getByRole("button", { name: "Replace it" }).click();
  await page.waitForFunction((old) => document.querySelector("input[type=password], input[type=text]") && ![...document.querySelectorAll("input")].some((one) => one.value === old), "key_2_secret");
  await page.getByRole("button", { name: "Revoke OBS at home" }).click();
  await page.getByRole("button", { name: "Revoke it" }).click();
  await page.getByRole("heading", { name: "Your keys" }).waitFor({ state: "detached" });
  assert.deepEqual(people.keys, []);
});

test("who goes live is told at once, and the bell says who did", async () => {
  people.account = people.add("ada", "x", "Ada");
  people.add("grace", "x", "Grace Hopper");
  const notice = { id: 1, at: new Date(Date.now() - 3_600_000).toISOString(), channel: "alan", display_name: "Alan", title: "", live: false, seen: true };
  people.notices = [notice];
  await open("/");
  await page.getByRole("button", { name: "Notices", exact: true }).waitFor();
  const hostile = "<img src=x onerror=window.hit=1>";
  people.tell({ ...notice, id: 2, at: new Date().toISOString(), channel: "grace", display_name: "Grace Hopper", title: hostile, live: true, seen: false });
  await page.getByRole("status").getByRole("link", { name: `Grace Hopper is live: ${hostile}` }).waitFor();
  await is_accessible("notice");
  await page.getByRole("button", { name: "Notices, 1 new" }).click();
  const list = page.getByRole("region", { name: "Notices" });
  assert.deepEqual((await list.getByRole("listitem").allInnerTexts()).map((text) => text.split("\n")[0]), ["Grace Hopper is live", "Alan was live"]);
  await page.getByRole("button", { name: "Notices", exact: true }).waitFor();
  await is_accessible("notices");
  await page.setViewportSize(phone);
  const { x, width } = await list.boundingBox();
  assert.ok(x >= 0 && x + width <= phone.width, `from ${x} to ${x + width} on a phone`);
  if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, "notices-open-phone.png") });
  await page.keyboard.press("Escape");
  await list.waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => window.hit), undefined);
  assert.ok(people.notices.every((one) => one.seen));
});

test("a person's page has what they broadcast, and the studio who else is told", async () => {
  people.account = people.add("ada", "x", "Ada");
  origin.set("ada", { state: "offline" });
  const past = { id: 7, title: "A first evening with the analytical engine", started: "2026-01-02T20:00:00Z", ended: "2026-01-02T21:05:00Z", viewers_peak: 1240, viewers_total: 3000, comments: 12, hearts: 1 };
  people.past = [past, { ...past, id: 6, title: "", viewers_peak: 0, comments: 0, hearts: 0 }];
  await open("/@ada");
  await page.getByRole("heading", { name: "Before" }).waitFor();
  await page.getByText("1 h 5 min").first().waitFor();
  await page.getByText("1 heart, 12 comments").waitFor();
  await is_accessible("person-past");

  await page.route("**/live/ada/index.m3u8", (route) => route.fulfill({ status: 404, body: "ada is not live" }));
  await open("/studio/integrations");
  await field("Address").fill("https://example.org/live");
  await page.getByRole("button", { name: "Add it" }).click();
  assert.equal(await field("Secret of the signature").inputValue(), "5ec4e7");
  await is_accessible("studio-webhooks");
  await page.getByRole("button", { name: "Remove https://example.org/live" }).click();
  await page.getByRole("button", { name: "Remove https://example.org/live" }).waitFor({ state: "detached" });
  assert.deepEqual(people.webhooks, []);
});

test("the studio is where one is shown otherwise", async () => {
  people.account = people.add("ada", "x", "Ada");
  await page.route("**/live/ada/index.m3u8", (route) => route.fulfill({ status: 404, body: "ada is not live" }));
  await open("/studio/profile");
  const you = page.getByRole("region", { name: "You" });
  const drawn = await page.evaluate(() => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [800, 600];
    const context = canvas.getContext("2d");
    context.fillStyle = "#c04";
    context.fillRect(0, 0, 800, 600);
    return canvas.toDataURL("image/png").split(",")[1];
  });
  await you.getByLabel("Choose a picture").setInputFiles({ name: "me.png", mimeType: "image/png", buffer: Buffer.from(drawn, "base64") });
  await you.getByText("The picture is set.").waitFor();
  assert.equal(people.pictures.get("ada").type, "image/jpeg");
  await page.waitForFunction(() => [...document.querySelectorAll("img")].some((one) => one.src.includes("/picture") && one.naturalWidth === 256));
  await you.getByLabel("Choose a picture").setInputFiles({ name: "me.png", mimeType: "image/png", buffer: Buffer.from("no picture") });
  await you.getByRole("alert").getByText("This is no picture that the browser can read.").waitFor();
  await you.getByLabel("Shown as").fill("Ada <b>Lovelace</b>");
  await you.getByRole("button", { name: "Save" }).click();
  await page.getByRole("navigation").getByRole("link", { name: "Ada <b>Lovelace</b>" }).waitFor();
  await you.getByText("Change your password").click();
  await you.getByLabel("Password now").fill("y");
  await you.getByLabel("New password").fill("another good one");
  await you.getByRole("button", { name: "Change it" }).click();
  await you.getByRole("alert").getByText("The name or the password is wrong.").waitFor();
  await you.getByLabel("Password now").fill("x");
  await you.getByRole("button", { name: "Change it" }).click();
  await you.getByText("Your password is another one").waitFor();
  assert.equal(people.accounts.get("ada").password, "another good one");
  await is_accessible("studio-you");
  await you.getByRole("button", { name: "Remove the picture" }).click();
  await you.getByText("The picture is removed.").waitFor();
  assert.equal(people.pictures.size, 0);
});

test("the studio says who may watch, hands out links and takes them back", async () => {
  people.account = people.add("ada", "x", "Ada");
  await page.route("**/live/ada/index.m3u8", (route) => route.fulfill({ status: 404, body: "ada is not live" }));
  await open("/studio");
  const choice = page.getByRole("region", { name: "Who may watch" });
  await choice.getByLabel("Chosen people").check();
  await field("Guests").fill("@bob, grace");
  await choice.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved: your next broadcast is so.").waitFor();
  assert.deepEqual(people.broadcasts[0].guests, ["bob", "grace"]);
  await page.getByRole("button", { name: "Make a link" }).click();
  await field("Link for guests").waitFor();
  assert.match(await field("Link for guests").inputValue(), /^http.*\/t\/guest\/@ada$/);
  await is_accessible("studio-guests");
  await page.getByRole("button", { name: "Take all links back" }).click();
  await field("Link for guests").waitFor({ state: "detached" });
  await page.getByLabel("Everybody").check();
  await choice.getByRole("button", { name: "Save" }).click();
  await page.waitForFunction(() => document.querySelector("input[type=radio][value=public]").checked);
  await page.getByRole("button", { name: "Make a link" }).waitFor({ state: "detached" });
  assert.deepEqual([people.broadcasts[0].visibility, people.broadcasts[0].guests], ["public", []]);
});

test("the studio's navigation has each of its pages, by keyboard too, and says where one is", async () => {
  people.account = people.add("ada", "x", "Ada");
  await page.route("**/live/ada/index.m3u8", (route) => route.fulfill({ status: 404, body: "ada is not live" }));
  await open("/studio");
  const way = page.getByRole("navigation", { name: "Studio" });
  const current = () => way.locator("[aria-current=page]").innerText();
  assert.equal(await current(), "Broadcast");
  for (const name of ["Community", "Invites", "Integrations", "Activity", "Profile"]) {
    await way.getByRole("link", { name }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name, level: 1 }).waitFor();
    assert.equal(await current(), name);
    assert.equal(await page.title(), `${name} · Studio · Klieg`);
  }
  await page.setViewportSize(phone);
  await page.reload();
  await page.getByRole("heading", { name: "Profile", level: 1 }).waitFor();
  const { x, width } = await way.getByRole("link", { name: "Profile" }).boundingBox();
  assert.ok(x >= 0 && x + width <= phone.width, `the page one is on stands from ${x} to ${x + width} on a phone`);
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("main").getByRole("link", { name: "Log in" }).click();
  await page.waitForURL((url) => url.searchParams.get("to") === "/studio/profile");
});

test("a program is given a token with what it may do, which is shown once, and revoked", async () => {
  people.account = people.add("ada", "x", "Ada");
  await open("/studio/integrations");
  const tokens = page.getByRole("region", { name: "API tokens" });
  await tokens.getByText("No program acts for you yet.").waitFor();
  await is_accessible("studio-integrations-empty");
  await field("What it is for").fill("Stream deck");
  await tokens.getByRole("button", { name: "Make a token" }).click();
  await tokens.getByRole("alert").getByText("Choose at least one thing that the program may do.").waitFor();
  assert.deepEqual(people.tokens, []);
  await tokens.getByLabel("Make and revoke stream keys").focus();
  await page.keyboard.press("Space");
  await tokens.getByLabel("See who you are").check();
  await tokens.getByLabel("Good for").selectOption("30 days");
  people.refused = [409, "you have 50 tokens already; revoke one that you do not use"];
  await tokens.getByRole("button", { name: "Make a token" }).click();
  await tokens.getByRole("alert").getByText("You have 50 tokens already; revoke one that you do not use.").waitFor();
  await tokens.getByRole("button", { name: "Make a token" }).click();
  assert.equal(await field("New token").inputValue(), people.tokens[0].secret);
  assert.equal(await field("New token").getAttribute("type"), "password");
  const [{ label, scopes, expires }] = people.tokens;
  assert.deepEqual([label, scopes], ["Stream deck", "account:read keys:write"]);
  assert.ok(Math.abs(Date.parse(expires) - Date.now() - 30 * 86_400_000) < 60_000);
  assert.equal(await field("What it is for").inputValue(), "", "the next token is another");
  const hour = 3_600_000;
  const old = { label: "Chat bot for the long Sunday broadcasts", scopes: "account:read rooms:write rooms:moderate", used: new Date(Date.now() - hour).toISOString(), expires: null };
  people.tokens.push({ id: 900, created: "2026-01-02T03:04:05Z", secret: "klieg_token_900", ...old });
  people.tokens.push({ id: 901, created: "2025-01-02T03:04:05Z", secret: "klieg_token_901", ...old, label: "Overlay", scopes: "broadcasts:read", expires: "2025-04-02T03:04:05Z" });
  people.webhooks = [{ id: 902, url: "https://example.org/klieg/live", created: "2026-01-02T03:04:05Z", failures: 2, disabled: null }];
  await page.reload();
  await tokens.getByText("over since").waitFor();
  await tokens.getByText("for ever").waitFor();
  assert.equal(await field("New token").count(), 0, "it was shown once");
  await is_accessible("studio-integrations");
  await tokens.getByRole("button", { name: "Revoke Stream deck" }).click();
  await page.keyboard.press("Escape");
  assert.equal(people.tokens.length, 3);
  await tokens.getByRole("button", { name: "Revoke Stream deck" }).click();
  await is_accessible("studio-revoke-token");
  await page.getByRole("dialog", { name: "Revoke this token?" }).getByRole("button", { name: "Revoke it" }).click();
  await tokens.getByRole("status").filter({ hasText: "Stream deck is revoked." }).waitFor();
  assert.deepEqual(people.tokens.map((one) => one.id), [900, 901]);
});

test("an invite is made, its link lets so many in, and what is left of it is taken back", async () => {
  people.sign_up = "invite";
  people.account = people.add("ada", "x", "Ada");
  await open("/studio/invites");
  const invites = page.getByRole("region", { name: "Invites" });
  await invites.getByText("No invite of yours is open.").waitFor();
  await is_accessible("studio-invites-empty");
  await field("How many people it lets in").fill("2");
  await page.keyboard.press("Enter");
  const link = await field("Invite link").inputValue();
  assert.equal(link, `${origin.address}/signup?invite=${people.invites[0].secret}`);
  await invites.getByText("For 2 people", { exact: true }).waitFor();
  people.invites.unshift({ id: 90, uses_left: 1, created: "2026-01-02T03:04:05Z", expires: "2026-01-16T03:04:05Z", secret: "klieg_invite_90" });
  await is_accessible("studio-invites");

  people.account = null;
  await page.goto(link);
  assert.equal(await field("Invite").inputValue(), people.invites[1].secret);
  await is_accessible("sign-up-invited");
  await field("Name").fill("grace");
  await field("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.waitForURL(`${origin.address}/`);
  assert.equal(people.invites[1].uses_left, 1);

  people.account = people.accounts.get("ada").account;
  await open("/studio/invites");
  await invites.getByRole("button", { name: /^Take back the invite for one person/ }).first().click();
  await invites.getByRole("status").filter({ hasText: "It is taken back" }).waitFor();
  assert.deepEqual(people.invites.map((one) => one.id), [90]);
  people.account = null;
  await page.goto(link);
  await field("Name").fill("mallory");
  await field("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.getByRole("alert").getByText("This invite is used up, over or taken back: ask whoever sent it for another.").waitFor();
});

test("where anybody may sign up, or nobody, the page of invites says so", async () => {
  people.account = people.add("ada", "x", "Ada");
  await open("/studio/invites");
  assert.equal(await field("Sign-up page").inputValue(), `${origin.address}/signup`);
  people.sign_up = "closed";
  await page.reload();
  await page.getByText("Sign-up is closed").waitFor();
  assert.equal(await page.getByRole("button", { name: "Make an invite" }).count(), 0);
  await is_accessible("studio-invites-closed");
});

test("the audit log is read page by page, and by an operator everybody's", async () => {
  people.account = people.add("ada", "x", "Ada");
  const [ada, grace] = [people.account.id, people.add("grace", "x", "Grace Hopper").id];
  await open("/studio/activity");
  await page.getByText("Nothing yet. Keys").waitFor();
  await is_accessible("studio-activity-empty");
  const deed = (id, more) => ({ id, at: new Date(Date.UTC(2026, 0, 1, 0, id)).toISOString(), actor: ada, actor_name: "ada", action: "stream key made", subject: ada, subject_name: "ada", detail: `Key ${id}`, ...more });
  const by_grace = { actor: grace, actor_name: "grace" };
  people.deeds = [
    deed(60, { ...by_grace, action: "room time-out", detail: "@mallory for 600 s" }),
    deed(59, { action: "API token made", detail: "<img src=x onerror=window.hit=1>" }),
    deed(58, { action: "password changed", detail: "" }),
    deed(57, { ...by_grace, action: "invite made", subject: grace, subject_name: "grace", detail: "for 5" }),
    ...Array.from({ length: 40 }, (_, i) => deed(50 - i)),
  ];
  await page.route("**/api/v1/audit*", (route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: '{"detail": "what was done cannot be looked up"}' }), { times: 1 });
  await page.reload();
  await page.getByRole("alert").getByText("What was done cannot be looked up.").waitFor();
  await page.getByRole("button", { name: "Try again" }).click();
  const lines = page.getByRole("region", { name: "Activity" }).getByRole("listitem");
  await lines.first().getByText("Room time-out: @mallory for 600 s").waitFor();
  await lines.first().getByText("by @grace, to you").waitFor();
  assert.equal(await lines.count(), 25);
  assert.equal(await page.getByText("Invite made").count(), 0, "another's");
  assert.equal(await page.getByLabel("Everybody's").count(), 0, "for operators");
  await is_accessible("studio-activity");
  await page.getByRole("button", { name: "Show older ones" }).focus();
  await page.keyboard.press("Enter");
  await lines.nth(42).waitFor();
  await page.getByRole("button", { name: "Show older ones" }).waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => window.hit), undefined);

  people.account = { ...people.account, role: "operator" };
  await page.reload();
  await page.getByLabel("Everybody's").check();
  await page.getByText("Invite made").waitFor();
  await is_accessible("studio-activity-operator");
});

test("moderators are appointed and dismissed, and bans made and lifted", async () => {
  people.account = people.add("ada", "x", "Ada");
  people.add("grace", "x", "Grace Hopper");
  people.add("mallory", "x", "Mallory");
  await open("/studio/community");
  await page.getByText("You keep order alone.").waitFor();
  await page.getByText("Nobody is banned.").waitFor();
  await is_accessible("studio-community-empty");
  const moderators = page.getByRole("region", { name: "Moderators" });
  await field("Name of a moderator").fill("@nobody");
  await page.keyboard.press("Enter");
  await moderators.getByRole("alert").getByText("Nobody who could moderate is called @nobody").waitFor();
  await field("Name of a moderator").fill(" @grace");
  await page.keyboard.press("Enter");
  await moderators.getByRole("link", { name: "@grace" }).waitFor();
  const bans = page.getByRole("region", { name: "Banned" });
  await field("Name of whom to ban").fill("mallory");
  await field("Why, for yourself").fill("<b>spam</b> in three rooms");
  await bans.getByRole("button", { name: "Ban", exact: true }).click();
  await bans.getByText("<b>spam</b> in three rooms").waitFor();
  await is_accessible("studio-community");
  await moderators.getByRole("button", { name: "Dismiss Grace Hopper" }).click();
  await page.getByText("You keep order alone.").waitFor();
  await bans.getByRole("button", { name: "Lift the ban of Mallory" }).click();
  await page.getByText("Nobody is banned.").waitFor();
  assert.deepEqual([people.moderators, people.bans], [[], []]);
});

test("with no page open the service worker says who is live", async () => {
  await context.grantPermissions(["notifications"], { origin: origin.address });
  await open("/");
  const developer = await context.newCDPSession(page);
  const registered = new Promise((resolve) => developer.on("ServiceWorker.workerRegistrationUpdated", ({ registrations: [one] }) => one && resolve(one.registrationId)));
  await developer.send("ServiceWorker.enable");
  await page.evaluate(async () => {
    await navigator.serviceWorker.register("/notices.js");
    await navigator.serviceWorker.ready;
  });
  const push = { origin: origin.address, registrationId: await registered, data: JSON.stringify({ channel: "grace", display_name: "Grace Hopper", title: "Nanoseconds", path: "/@grace" }) };
  const shown = () => page.evaluate(async () => (await (await navigator.serviceWorker.ready).getNotifications()).map(({ title, body, tag, data }) => ({ title, body, tag, data })));
  for (let i = 0; i < 2; ++i) await developer.send("ServiceWorker.deliverPushMessage", push);
  await page.waitForFunction(async () => (await (await navigator.serviceWorker.ready).getNotifications()).length > 0);
  assert.deepEqual(await shown(), [{ title: "Grace Hopper is live", body: "Nanoseconds", tag: "live-grace", data: { path: "/@grace" } }], "who is told twice reads it once");
});
