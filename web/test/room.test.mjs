// The room beside a broadcast, in a real browser: what is said is shown with the picture that it belongs to, on a
// desktop beside it and on a phone over it. `npm run test:browser`; SCREENSHOTS=folder keeps pictures.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";

import { chromium } from "playwright-core";

import { start } from "./fake_origin.mjs";
import { FakeRoom, comment } from "./fake_room.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const flags = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const desktop = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };
const ada = { account: 12, name: "Ada", standing: "follower" };

const patience_ms = 90_000; // of a machine ten times as busy

let origin;
let browser;
let context;
let page;

before(async () => {
  origin = await start();
  await origin.picture();
  origin.set("ada", { state: "live", broadcast: "7.1", started_at: new Date(Date.now() - 60_000).toISOString() });
  browser = await chromium.launch({ executablePath, headless: true, args: flags.split(" ") });
});

after(async () => {
  await browser?.close();
  await origin?.close();
});

async function visit(options = {}) {
  await context?.close();
  context = await browser.newContext({ viewport: desktop, ...options });
  page = await context.newPage();
  page.setDefaultTimeout(patience_ms);
}
beforeEach(() => visit());

async function open(path = "/@ada?player=hls") {
  await page.goto(origin.address + path);
  await page.waitForFunction(() => window.klieg?.stats().view === "live");
}
const log = () => page.getByRole("log", { name: "Comments" });
// The moment of media on the screen, once the page knows it.
const screen_ms = () => page.waitForFunction(() => window.klieg.room.at_ms()).then((found) => found.jsonValue());

async function picture_of(name) {
  if (!process.env.SCREENSHOTS) return;
  await page.waitForTimeout(600); // transitions settle
  await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`) });
}

async function is_accessible() {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  assert.deepEqual(violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`), []);
}

test("without a room there is a picture and nothing else", async () => {
  await open();
  assert.equal(await page.getByRole("region", { name: "Room" }).count(), 0);
  assert.equal(await page.getByRole("button", { name: "Send a heart" }).count(), 0);
});

test("a comment, a poll and hearts come with the picture that they belong to, and what one says is acknowledged", async () => {
  const room = await FakeRoom.beside(page, [{ type: "you", ...ada }, { type: "viewers", count: 1812 }, comment(1, 1, "first")]);
  await open();
  await log().getByText("first").waitFor();
  await page.getByText("1.8K watching").waitFor();

  // Ahead of this screen: it waits.
  const ahead_ms = 3_000;
  const said_for_ms = (await screen_ms()) + ahead_ms;
  room.say(comment(2, said_for_ms, "what a goal"));
  room.say({ type: "poll", id: 1, question: "Again?", options: ["Yes", "No"], opens: said_for_ms, closes: said_for_ms + 600_000 });
  room.say({ type: "hearts", hearts: [[Math.floor(said_for_ms / 100), 5]] });
  const shown_at_ms = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const look = () => (document.body.innerText.includes("what a goal") ? resolve(window.klieg.room.at_ms()) : requestAnimationFrame(look));
        look();
      }),
  );
  assert.ok(shown_at_ms >= said_for_ms, `${shown_at_ms} is before ${said_for_ms}`);

  await page.getByRole("button", { name: "Yes" }).click();
  const vote = room.said.find((one) => one.type === "vote");
  assert.deepEqual([vote.poll, vote.option], [1, 0]);
  assert.ok(vote.at >= said_for_ms, "voted for what was on the screen");
  room.say({ type: "done", ref: vote.ref }, { type: "votes", poll: 1, votes: [3, 1], final: false });
  await page.getByText("75 %").waitFor();
  await page.getByText("4 votes").waitFor();

  // A comment stays in its field until it is safe.
  room.answer = (said) => said.type === "comment" && room.say({ type: "done", ref: said.ref, id: 3, text: said.text, held: false });
  await page.getByRole("textbox", { name: "Comment" }).fill("hello <b>all</b>");
  await page.keyboard.press("Enter");
  await log().getByText("hello <b>all</b>").waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Comment" }).inputValue(), "");
  room.answer = (said) => said.type === "comment" && room.say({ type: "refused", ref: said.ref, why: "too_soon", words: "slow mode: wait a little" });
  await page.getByRole("textbox", { name: "Comment" }).fill("again");
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByText("Slow mode: wait a little.").waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Comment" }).inputValue(), "again");

  room.answer = (said) => said.type === "comment" && room.say({ type: "done", ref: said.ref, id: 4, text: said.text, held: true });
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByText("A moderator will look at your comment first.").waitFor();
  room.say(comment(4, 1, "again"));
  await page.getByRole("status").getByText("A moderator has let your comment through.").waitFor();

  // Taps are gathered; a key is as good as a finger.
  const heart = page.getByRole("button", { name: "Send a heart" });
  await page.evaluate(() => {
    window.risen = 0;
    new MutationObserver((changes) => (window.risen += changes.reduce((sum, one) => sum + one.addedNodes.length, 0))).observe(document.querySelector(".hearts"), { childList: true });
  });
  await screen_ms();
  for (let i = 0; i < 3; ++i) await heart.click();
  await heart.blur();
  await page.keyboard.press("h");
  await page.waitForFunction(() => window.risen >= 4);
  await wait_for(() => room.said.filter((one) => one.type === "hearts").reduce((sum, one) => sum + one.count, 0) === 4);
  for (let i = 5; i < 12; ++i) room.say(comment(i, 1, `A word from viewer ${i}, who has quite a lot to say about this`, { account: i, name: `Viewer ${i}`, standing: "stranger" }));
  room.say(comment(12, 1, "Welcome, everybody", { account: 1, name: "The host", standing: "broadcaster" }));
  room.say({ type: "pinned", comment: comment(12, 1, "Welcome, everybody", { account: 1, name: "The host", standing: "broadcaster" }) });
  room.say({ type: "hearts", hearts: [[Math.floor((await screen_ms()) / 100) + 6, 12]] });
  await page.getByText("Pinned").waitFor();
  await page.waitForFunction(() => {
    const list = document.querySelector("[role=log]");
    return list.scrollHeight - list.scrollTop - list.clientHeight < 2; // the newest is in sight
  });
  await picture_of("room-desktop-light");
  await is_accessible();
  await page.emulateMedia({ colorScheme: "dark" });
  await picture_of("room-desktop");
  await is_accessible();
  room.say({ type: "gone", id: 12 });
  await page.getByText("Pinned").waitFor({ state: "detached" });
  assert.equal(await log().getByText("Welcome, everybody").count(), 0);
});

test("on a phone comments fade over the picture, and hearts rise from the finger", async () => {
  await visit({ viewport: phone, hasTouch: true, isMobile: true, deviceScaleFactor: 2, reducedMotion: "reduce", colorScheme: "dark" });
  const room = await FakeRoom.beside(page, [{ type: "you", ...ada }, { type: "viewers", count: 12 }]);
  await open();
  room.say(comment(1, 1, "so good"), comment(2, 1, "hello from Lyon", ada));
  const over = page.locator(".over");
  await over.getByText("so good").waitFor();
  await picture_of("room-phone-silent");
  const sound = page.getByRole("button", { name: "Tap for sound" });
  const newest = await over.locator("p").last().boundingBox();
  assert.ok(newest.y + newest.height <= (await sound.boundingBox()).y, "what was said stands above the button");
  await sound.tap();
  const box = await page.locator("video").boundingBox();
  await screen_ms();
  // Three taps in a row: the first is for the controls.
  const place = await page.evaluate(({ x, y }) => {
    const tap = () => document.querySelector("video").dispatchEvent(new PointerEvent("pointerup", { pointerType: "touch", clientX: x, clientY: y, bubbles: true }));
    for (let i = 0; i < 3; ++i) tap();
    const heart = document.querySelector(".hearts span").getBoundingClientRect();
    return heart.x + heart.width / 2;
  }, { x: box.x + 200, y: box.y + 90 });
  assert.ok(Math.abs(place - (box.x + 200)) < 20, `it stands at ${place}, where the finger was`);
  await wait_for(() => room.said.some((one) => one.type === "hearts"));
  assert.equal(room.said.find((one) => one.type === "hearts").count, 2);
  await picture_of("room-phone");
  await is_accessible();
  await page.getByRole("button", { name: "All comments" }).tap();
  await log().getByText("hello from Lyon").waitFor();
  await picture_of("room-phone-all");
  await is_accessible();
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(overflow <= 0, `${overflow} px wider than the phone`);
});

test("who may not comment unless signed in is told so once, and is offered it no longer", async () => {
  const room = await FakeRoom.beside(page, [{ type: "viewers", count: 1 }]);
  room.answer = (said) => said.type === "comment" && room.say({ type: "refused", ref: said.ref, why: "nameless", words: "sign in to take part" });
  await open();
  await page.getByRole("textbox", { name: "Comment" }).fill("hello");
  await page.keyboard.press("Enter");
  await page.getByText("Comments are off here.").waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Comment" }).count(), 0);
  // Nothing to read and nothing to say: the picture has the place of the panel, and hearts are given below it.
  assert.equal(await page.getByRole("region", { name: "Room" }).count(), 0);
  assert.equal(await page.getByText("Nobody has said anything yet.").count(), 0);
  await picture_of("room-off-desktop");
  await is_accessible();
  await page.setViewportSize(phone);
  assert.equal(await page.getByRole("button", { name: "All comments" }).count(), 0);
  await picture_of("room-off-phone");
  await is_accessible();
  await screen_ms();
  await page.getByRole("button", { name: "Send a heart" }).click();
  await wait_for(() => room.said.some((one) => one.type === "hearts"));
  // A poll is worth the panel, which is silent about comments that cannot come.
  room.say({ type: "poll", id: 1, question: "Again?", options: ["Yes", "No"], opens: 1, closes: (await screen_ms()) + 600_000 });
  await page.setViewportSize(desktop);
  await page.getByRole("region", { name: "Room" }).getByText("Again?").waitFor();
  assert.equal(await page.getByText("Nobody has said anything yet.").count(), 0);
  await picture_of("room-off-poll");
});

test("a room that is lost comes back, and a comment that was on its way is neither lost nor doubled", async () => {
  const room = await FakeRoom.beside(page, [{ type: "you", ...ada }, comment(1, 1, "before")]);
  await open();
  await log().getByText("before").waitFor();
  await page.getByRole("textbox", { name: "Comment" }).fill("on its way");
  await page.keyboard.press("Enter");
  await wait_for(() => room.said.some((one) => one.type === "comment"));
  await room.down();
  await page.getByText("Your comment may not have arrived.").waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Comment" }).inputValue(), "on its way");
  room.opening = [{ type: "you", ...ada }, comment(1, 1, "before"), comment(2, 2, "on its way", ada)];
  room.up();
  await page.getByText("Your comment has arrived.").waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Comment" }).inputValue(), "");
  assert.equal(await log().getByText("before").count(), 1);
  assert.equal(await log().getByText("on its way").count(), 1);
});

test("a moderator deletes, pins, bars, releases what is held, asks the room and sets its rules; nobody else is offered it", async () => {
  const rules = { type: "rules", who: "everyone", first: 100, slow_ms: 0, review: "filtered" };
  const troll = { account: 66, name: "Troll", standing: "stranger" };
  const held = { ...comment(3, 1, "is this a bad word?"), type: "held" };
  const room = await FakeRoom.beside(page, [{ type: "you", ...ada, standing: "moderator" }, rules, comment(1, 1, "something nasty", troll), comment(2, 1, "nice"), held]);
  await open();
  const told = (type) => wait_for(() => room.said.some((one) => one.type === type)).then(() => room.said.findLast((one) => one.type === type));
  const deeds = (text) => page.getByRole("button", { name: new RegExp(`Moderate .*: ${text}`) });
  await deeds("something nasty").click();
  await picture_of("moderation");
  await is_accessible();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  assert.equal((await told("delete")).comment, 1);
  await deeds("something nasty").click();
  await page.getByRole("button", { name: "Time out for 10 min" }).click();
  const { account, seconds } = await told("bar");
  assert.deepEqual([account, seconds], [66, 600]);
  room.say({ type: "gone", id: 1 });
  await deeds("nice").click();
  await page.getByRole("button", { name: "Pin", exact: true }).click();
  assert.equal((await told("pin")).comment, 2);
  await page.getByRole("button", { name: /^Release/ }).click();
  assert.equal((await told("release")).comment, 3);
  room.say(comment(3, 1, "is this a bad word?"));
  await page.getByRole("heading", { name: "Held for you to look at" }).waitFor({ state: "detached" });

  await page.getByRole("button", { name: "New poll…" }).click();
  await page.getByLabel("Question").fill("Once more?");
  await page.getByLabel("Answer 1").fill("Yes");
  assert.equal(await page.getByRole("button", { name: "Open the poll" }).isDisabled(), true, "one answer is no poll");
  await page.getByLabel("Answer 2").fill("No");
  await picture_of("new-poll");
  await is_accessible();
  await page.getByRole("button", { name: "Open the poll" }).click();
  const poll = await told("open_poll");
  assert.deepEqual([poll.question, poll.options, poll.seconds], ["Once more?", ["Yes", "No"], 60]);

  await page.getByRole("button", { name: "Rules…" }).click();
  await page.getByLabel("Who may comment").selectOption("Followers");
  await page.getByLabel("Filtered words, in place of those before").fill("bad, worse");
  await is_accessible();
  await page.getByRole("button", { name: "Apply" }).click();
  const said = await told("rules");
  assert.deepEqual([said.who, said.review, said.slow_ms, said.first], ["followers", "filtered", 0, 100]);
  assert.deepEqual((await told("words")).words, ["bad", "worse"]);
  const { ref } = room.said.at(-1);
  room.say({ type: "refused", ref, why: "no_standing", words: "only moderators and the broadcaster may do this" });
  await page.getByText("Only moderators and the broadcaster may do this.").waitFor();

  room.say({ type: "you", ...ada });
  await page.getByRole("group", { name: "Moderation" }).waitFor({ state: "detached" });
  assert.equal(await deeds("nice").count(), 0);
});

test("a channel is handed on as a link, a QR code and a frame that has the picture alone", async () => {
  await FakeRoom.beside(page, [{ type: "viewers", count: 1 }]);
  await open();
  await page.getByRole("button", { name: "Share" }).click();
  await page.getByRole("img", { name: "QR code of the link" }).waitFor();
  assert.equal(await page.getByRole("textbox", { name: "Link" }).inputValue(), `${origin.address}/@ada`);
  const frame = await page.getByRole("textbox", { name: "Frame for a page of your own" }).inputValue();
  await picture_of("share");
  await is_accessible();
  await page.goto(`${origin.address}/elsewhere`);
  await page.setContent(frame);
  const framed = page.frameLocator("iframe");
  await framed.getByRole("button", { name: /Live/ }).waitFor();
  assert.equal(await framed.getByRole("link").count(), 0);
  await picture_of("framed");
});

async function wait_for(holds, timeout_ms = patience_ms) {
  for (const end = Date.now() + timeout_ms; !holds(); await new Promise((resolve) => setTimeout(resolve, 20)))
    assert.ok(Date.now() < end, `not within ${timeout_ms} ms: ${holds}`);
}
