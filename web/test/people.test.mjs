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
const desktop = { width: 1280, height: 800 };
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
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await page.evaluate(() => window.axe.run());
    assert.deepEqual(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`), []);
    if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}-${colorScheme}.png`) });
  }
  await page.setViewportSize(phone);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(overflow <= 0, `${overflow} px wider than the phone`);
  if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}-phone.png`) });
  await page.setViewportSize(desktop);
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
  await open("/studio");
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
  await open("/studio");
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
