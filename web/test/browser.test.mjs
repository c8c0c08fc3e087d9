// The pages in a real browser, against a fake origin: what they say, that they recover, keyboard, accessibility.
// `npm run test:browser` needs Chromium and ffmpeg; SCREENSHOTS=folder keeps a picture of every state.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";

import { chromium } from "playwright-core";

import { start } from "./fake_origin.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const flags = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const desktop = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };
const phone_on_its_side = { width: 844, height: 390 };

let origin;
let context;
let profile;
let page;
let strangers; // requests that left the origin

before(async () => {
  origin = await start();
  await origin.picture();
  profile = await mkdtemp(join(tmpdir(), "klieg-chromium-"));
  context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: flags.split(" "),
    viewport: desktop,
  });
});

after(async () => {
  await context?.close();
  await origin?.close();
  await rm(profile, { recursive: true, force: true });
});

beforeEach(async () => {
  await page?.close();
  page = await context.newPage();
  await page.addInitScript(() => localStorage.clear());
  strangers = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(origin.address) && !request.url().startsWith("blob:")) strangers.push(request.url());
  });
});

const live = (broadcast = "7.1") => ({ state: "live", broadcast, started_at: new Date(Date.now() - 754_000).toISOString() });
const open = (path) => page.goto(origin.address + path);
const says = (text, timeout = 10_000) => page.getByRole("heading", { name: text }).waitFor({ timeout });
const view_is = (view, timeout = 15_000) =>
  page.waitForFunction((wanted) => window.klieg?.stats().view === wanted, view, { timeout });

async function moves() {
  const before = await page.evaluate(() => window.klieg.video.currentTime);
  await page.waitForFunction((then) => window.klieg.video.currentTime > then + 0.5, before, { timeout: 5000 });
}

async function picture_of(name) {
  if (!process.env.SCREENSHOTS) return;
  for (const [size, viewport] of Object.entries({ desktop, phone, phone_on_its_side })) {
    await page.setViewportSize(viewport);
    await page.waitForTimeout(900); // the picture and transitions settle
    await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}-${size}.png`) });
  }
  await page.setViewportSize(desktop);
}

async function is_accessible() {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  const serious = violations.filter((one) => one.impact === "serious" || one.impact === "critical");
  assert.deepEqual(serious.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`), []);
}

test("the home page shows who is on air, and a dark set when nobody is", async () => {
  await open("/");
  await says("The set is dark");
  await page.getByText("Point OBS or ffmpeg at this server").waitFor();
  await picture_of("home-empty");
  await is_accessible();
  origin.set("ada", live());
  origin.set("grace", { state: "paused", broadcast: "8.1" });
  origin.set("alan", { state: "ended", broadcast: "9.1" });
  await page.getByRole("link", { name: "Live @ada" }).waitFor();
  await page.getByRole("link", { name: "Back in a moment @grace" }).waitFor();
  assert.equal(await page.getByRole("link", { name: "@alan" }).count(), 0);
  await picture_of("home");
  await is_accessible();
});

test("an address that is no page says so", async () => {
  await open("/somewhere/else");
  await says("Nothing is lit here");
  await picture_of("not-found");
  await is_accessible();
});

test("a channel that does not exist is called missing", async () => {
  await open("/@nobody");
  await says("No such channel");
  await page.getByRole("link", { name: "See who is on air" }).waitFor();
  await picture_of("missing");
  await is_accessible();
});

for (const player of ["hls", "dash", "plain"]) {
  test(`${player}: a viewer waits, watches, sees the pause and the end, and the next broadcast starts by itself`, async () => {
    const channel = `show-${player}`;
    origin.set(channel, { state: "offline" });
    await open(`/@${channel}?player=${player}`);
    await says("Starting soon");
    if (player === "hls") {
      assert.equal(await page.getByRole("button", { name: "Share" }).count(), 0);
      await picture_of("offline");
      await is_accessible();
    }
    origin.set(channel, live());
    await view_is("live");
    assert.equal(await page.evaluate(() => window.klieg.player), player === "hls" ? "hls" : "dash");
    assert.equal(await page.evaluate(() => window.klieg.tier), player === "plain" ? "plain" : "low_latency");
    await moves();
    const latency_s = await page.evaluate(() => window.klieg.latency());
    const [least_s, most_s] = player === "plain" ? [2.5, 5] : [0, 3];
    assert.ok(latency_s > least_s && latency_s < most_s, `latency ${latency_s}`);
    await picture_of(`live-${player}`);
    if (player === "hls") await is_accessible();

    // The publisher goes: the picture runs dry, then the page says why.
    origin.set(channel, { ...live(), state: "paused" });
    await page.evaluate(() => window.klieg.video.pause()); // stands for running dry
    await says("Paused");
    if (player === "hls") {
      await picture_of("paused");
      await is_accessible();
    }
    await page.evaluate(() => window.klieg.video.play());
    origin.set(channel, live());
    await view_is("live");

    // A new broadcast of the same channel is played from its own start.
    const old = await page.evaluate(() => window.klieg.video.currentSrc);
    origin.set(channel, live("7.2"));
    await page.waitForFunction((src) => window.klieg.video.currentSrc !== src, old);
    await view_is("live");
    await moves();

    origin.set(channel, { state: "offline" });
    await says("Starting soon");
    origin.set(channel, { state: "ended", broadcast: "7.2" });
    await says("This broadcast has ended");
    if (player === "hls") await picture_of("ended");
    assert.deepEqual(strangers, []);
  });
}

test("only the chosen player is downloaded", async () => {
  const scripts = [];
  page.on("request", (request) => request.resourceType() === "script" && scripts.push(request.url()));
  origin.set("one", live());
  await open("/@one?player=hls");
  await view_is("live");
  assert.ok(scripts.some((url) => /\/hls-/.test(url)));
  assert.ok(!scripts.some((url) => /\/dash-/.test(url)));
});

test("where push is refused the page plays low-latency DASH at once, without a word, and says so where one looks", async () => {
  origin.set("refused", live());
  await open("/@refused");
  await view_is("live");
  assert.deepEqual(await page.evaluate(() => [window.klieg.player, window.klieg.tier, window.klieg.stats().restarts]), ["dash", "low_latency", 0]);
  await page.keyboard.press("i");
  await page.getByRole("region", { name: "Statistics" }).getByText("low-latency HTTP").waitFor();
});

test("the page survives a restart of the server", async () => {
  origin.set("phoenix", live());
  await open("/@phoenix");
  await view_is("live");
  origin.down();
  await says("Reconnecting…", 30_000);
  await picture_of("reconnecting");
  origin.up();
  await view_is("live", 30_000);
  await moves();
});

test("everything works by keyboard, and shortcuts can be turned off", async () => {
  origin.set("keys", live());
  await open("/@keys");
  await view_is("live");
  const video = (property) => page.evaluate((name) => window.klieg.video[name], property);
  assert.equal(await video("muted"), true);
  await page.keyboard.press("m");
  assert.equal(await video("muted"), false);
  await page.keyboard.press("k");
  assert.equal(await video("paused"), true);
  await view_is("held");
  await picture_of("held");
  await page.keyboard.press("l");
  await view_is("live");
  await page.keyboard.press("i");
  await page.getByRole("region", { name: "Statistics" }).waitFor();
  await picture_of("stats");
  await page.keyboard.press("i");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
  await picture_of("help");
  await is_accessible();
  await page.getByRole("checkbox", { name: "Use these shortcuts" }).uncheck();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("m");
  assert.equal(await video("muted"), false);

  // Tab reaches every control and leaves the page again: no trap.
  const names = [];
  for (let i = 0; i < 12; ++i) {
    await page.keyboard.press("Tab");
    names.push(await page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.tagName));
  }
  for (const name of ["Pause", "Sound off", "Volume", "Settings", "Full screen"]) assert.ok(names.includes(name), `${name} in ${names}`);
  assert.ok(names.includes("BODY") || names.indexOf(names[0], 1) > 0, `Tab leaves the player: ${names}`);

  await page.getByRole("button", { name: "Settings" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("group", { name: "Settings" }).waitFor();
  await picture_of("settings");
  await is_accessible();
  await page.getByRole("radio", { name: "Automatic now low-latency HTTP" }).waitFor();
  await page.getByRole("radio", { name: "HLS" }).check();
  await page.waitForFunction(() => window.klieg.player === "hls");
  await view_is("live");
  await page.keyboard.press("Escape");
  await page.getByRole("group", { name: "Settings" }).waitFor({ state: "detached" });
  assert.ok(page.url().endsWith("?player=hls"));
});

test("a viewer who paused sees what follows, and jumps to live without losing the picture", async () => {
  origin.set("jump", live());
  await open("/@jump?player=hls"); // which is made anew for it: dash.js seeks
  await view_is("live");
  await page.keyboard.press("k");
  await view_is("held");
  await page.waitForFunction(() => window.klieg.latency() > 6);
  await page.keyboard.press("k");
  await view_is("behind");
  await moves();
  await page.getByRole("button", { name: "Jump to live" }).click();
  await page.locator("canvas").waitFor({ state: "visible" });
  await view_is("live");
  await page.locator("canvas").waitFor({ state: "hidden" });
  const latency_s = await page.evaluate(() => window.klieg.latency());
  assert.ok(latency_s < 3, `latency ${latency_s}`);
});

test("a tap brings the sound, and controls are large enough for fingers", async () => {
  await page.setViewportSize(phone);
  origin.set("touch", live());
  await open("/@touch");
  await view_is("live");
  await page.getByRole("button", { name: /Tap for sound|Turn sound on/ }).click();
  assert.equal(await page.evaluate(() => window.klieg.video.muted), false);
  for (const button of await page.getByRole("button").all()) {
    const box = await button.boundingBox();
    assert.ok(box.width >= 24 && box.height >= 24, await button.getAttribute("aria-label"));
  }
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(overflow <= 0, `${overflow} px wider than the phone`);
});
