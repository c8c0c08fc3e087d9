// A broadcast with a ladder, in a real browser: the menu, what it asks the server for, networks that become slow, rungs
// that are shed, looking back. `npm run test:browser`; SCREENSHOTS=folder keeps pictures.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";

import { chromium } from "playwright-core";

import { start } from "./fake_origin.mjs";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const flags = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const desktop = { width: 1280, height: 900 };
const phone = { width: 390, height: 844 };
const stand_ms_max = 1_000; // a busy machine may double what it takes
const rungs = [
  { name: "video", width: 1280, height: 720, bitrate: 1_600_000 },
  { name: "480p", width: 854, height: 480, bitrate: 800_000 },
  { name: "240p", width: 426, height: 240, bitrate: 250_000 },
];

let origin;
let browser;
let context;
let page;
let cdp; // of the page, once its network was touched

before(async () => {
  origin = await start({ rungs });
  const jpeg = (color) =>
    execFileSync("ffmpeg", [
      ...["-hide_banner", "-loglevel", "error", "-f", "lavfi", "-i", `testsrc2=size=320x180:rate=1,hue=h=${color}`],
      ...["-frames:v", "1", "-f", "mjpeg", "-"],
    ]);
  origin.set_picture("poster.jpg", jpeg(0));
  const cues = ["WEBVTT", `NOTE PROGRAM-DATE-TIME=${new Date().toISOString()} is 00:00:00.000`];
  for (let i = 0; i < 12; ++i) {
    origin.set_picture(`7.1/thumb-${i}.jpg`, jpeg(30 * i));
    const at = (seconds) => `00:${String(seconds).padStart(2, "0")}.000`;
    cues.push(`${at(5 * i)} --> ${at(5 * i + 4)}\nthumb-${i}.jpg`);
  }
  origin.set_picture("7.1/storyboard.vtt", cues.join("\n\n"));
  await origin.picture();
  origin.set("ada", { state: "live", broadcast: "7.1", started_at: new Date().toISOString() });
  browser = await chromium.launch({ executablePath, headless: true, args: flags.split(" ") });
});

after(async () => {
  await browser?.close();
  await origin?.close();
});

beforeEach(async () => {
  await context?.close();
  context = await browser.newContext({ viewport: desktop }); // a new visit
  page = await context.newPage();
  cdp = null;
  origin.packager.asked.length = 0;
});

const open = (player) => page.goto(`${origin.address}/@ada?player=${player}`);
const view_is = (view, timeout = 15_000) =>
  page.waitForFunction((wanted) => window.klieg?.stats().view === wanted, view, { timeout });
const lines_are = (lines, timeout = 20_000) =>
  page.waitForFunction((wanted) => window.klieg?.stats().height === wanted, lines, { timeout });
const stalls = () => page.evaluate(() => window.klieg.stats().stalls);
const quality = () => page.getByRole("button", { name: "Quality:" });
const item = (name) => page.getByRole("menuitemradio", { name });
const asked_for_picture = () => origin.packager.asked.filter((name) => /^(part-[012]-|chunk-stream(video|480p|240p|[012])-|(video|480p|240p)\.m3u8)/.test(name));

// The lines of the first piece of picture that was asked for. What is shown later depends on how fast the machine is.
function first_lines() {
  const rung_of = (name) => /^(?:part-|chunk-stream)(video|480p|240p|[012])-/.exec(name)?.[1];
  const rung = origin.packager.asked.map(rung_of).find((found) => found !== undefined);
  return rungs.find(({ name }, i) => name === rung || String(i) === rung)?.height;
}

// Controls rest after a while; a key wakes them.
async function choose(name) {
  await quality().focus();
  await page.keyboard.press("ArrowDown");
  await item(name).click();
}

// Runs in the page: how long a picture stood, and how much of the broadcast was never shown, at most. A video may say
// nothing while its picture stands and the sound goes on.
function watch_pictures() {
  const video = document.querySelector("video");
  window.pictures = { stood_ms: 0, left_out_ms: 0 };
  let last = null;
  const note = (_now, { expectedDisplayTime: shown_ms, mediaTime }) => {
    if (last !== null) {
      window.pictures.stood_ms = Math.max(window.pictures.stood_ms, shown_ms - last.shown_ms);
      window.pictures.left_out_ms = Math.max(window.pictures.left_out_ms, 1000 * (mediaTime - last.mediaTime));
    }
    last = { shown_ms, mediaTime };
    video.requestVideoFrameCallback(note);
  };
  video.requestVideoFrameCallback(note);
}

async function throttle(kbps) {
  cdp ??= await context.newCDPSession(page); // what one session limited another cannot let go
  const downloadThroughput = kbps === null ? -1 : (kbps * 1000) / 8;
  await cdp.send("Network.enable");
  await cdp.send("Network.emulateNetworkConditions", { offline: false, latency: kbps === null ? 0 : 20, downloadThroughput, uploadThroughput: -1 });
}

async function picture_of(name) {
  if (!process.env.SCREENSHOTS) return;
  for (const [size, viewport] of Object.entries({ desktop, phone })) {
    await page.setViewportSize(viewport);
    await page.waitForTimeout(900);
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

const players = process.env.PLAYERS?.split(",") ?? ["hls", "dash"]; // to look at one
for (const player of players) {
  test(`${player}: begins in the middle and climbs; a chosen rung stays, for the visit; Auto gives the choice back`, async () => {
    await open(player);
    await view_is("live");
    assert.equal(first_lines(), 480);
    await lines_are(720);
    await page.getByRole("button", { name: "Quality: Auto 720p" }).waitFor();

    await choose("240p");
    await lines_are(240);
    await page.waitForTimeout(6000); // longer than the automatic choice needs to go up
    assert.equal(await page.evaluate(() => window.klieg.stats().height), 240);
    await page.reload();
    await view_is("live");
    await lines_are(240);
    await page.getByRole("button", { name: "Quality: 240p" }).waitFor();

    await choose(/^Auto/);
    await lines_are(720, 30_000);
    const next_visit = await browser.newContext();
    const other = await next_visit.newPage();
    await other.goto(`${origin.address}/@ada?player=${player}`);
    await other.getByRole("button", { name: "Quality: Auto" }).waitFor();
    await next_visit.close();
  });

  test(`${player}: audio only asks for nothing that has a picture, and the picture comes back`, async () => {
    await open(player);
    await view_is("live");
    await choose("Audio only");
    await page.locator(".sound").waitFor();
    await view_is("live");
    await page.waitForTimeout(1000); // what was under way
    origin.packager.asked.length = 0;
    const before_s = await page.evaluate(() => window.klieg.video.currentTime);
    await page.waitForTimeout(5000);
    const after_s = await page.evaluate(() => window.klieg.video.currentTime);
    assert.ok(after_s - before_s > 4, `only ${after_s - before_s} s of sound in 5 s`);
    assert.deepEqual(asked_for_picture(), []);
    assert.ok(origin.packager.asked.some((name) => /part-3-|streamaudio|stream3/.test(name)));
    await picture_of(`audio-only-${player}`);

    await page.reload(); // the same visit
    await page.locator(".sound").waitFor();
    await view_is("live");
    origin.packager.asked.length = 0;
    await page.waitForTimeout(2000);
    assert.deepEqual(asked_for_picture(), []);

    await choose("480p");
    await lines_are(480);
    await page.locator(".sound").waitFor({ state: "detached" });
  });

  // A drop to less than the rung needs, with half a second in hand, may cost half a second once, and no stop.
  test(`${player}: goes down when the network becomes slow and up when it is fast again`, async () => {
    await open(player);
    await lines_are(720);
    await page.waitForTimeout(3000);
    const stalls_before = await stalls();
    await page.evaluate(watch_pictures);
    await throttle(1_200);
    await page.waitForFunction(() => window.klieg.stats().height < 720, null, { timeout: 10_000 });
    await page.waitForTimeout(5000);
    const low = await page.evaluate(() => window.klieg.stats().height);
    assert.ok(low < 720, `${low} lines`);
    const { stood_ms, left_out_ms } = await page.evaluate(() => window.pictures);
    assert.ok(stood_ms < stand_ms_max, `a picture stood for ${Math.round(stood_ms)} ms`);
    assert.ok(left_out_ms < stand_ms_max, `${Math.round(left_out_ms)} ms were left out`);
    assert.equal(await stalls(), stalls_before);
    await throttle(null);
    // Not to the top: a busy machine is a slow network, too.
    await page.waitForFunction((then) => window.klieg.stats().height > then, low, { timeout: 60_000 });
  });

  test(`${player}: leaves a rung that is shed without a stop, and comes back to it`, async () => {
    await open(player);
    await lines_are(720);
    const stood = await stalls();
    origin.packager.set_gap("video", true);
    await lines_are(480);
    await page.waitForTimeout(6000);
    origin.packager.set_gap("video", false);
    await lines_are(720, 60_000);
    assert.equal(await stalls(), stood);
    assert.equal(await page.evaluate(() => window.klieg.stats().restarts), 0);
  });

  test(`${player}: looks back over the live window with pictures of it, and jumps to live`, async () => {
    await open(player);
    await view_is("live");
    const bar = page.getByRole("slider", { name: "Time" });
    await page.waitForFunction(() => Number(document.querySelector("[aria-label=Time]")?.min) < -15, null, { timeout: 30_000 });
    const box = await bar.boundingBox();
    await page.mouse.move(300, 300);
    await page.locator(".bottom.shown").waitFor();
    await page.mouse.move(box.x + box.width * 0.4, box.y + box.height / 2);
    const tile = page.locator(".tile img");
    await tile.waitFor();
    assert.match(await tile.getAttribute("src"), /thumb-\d+\.jpg$/);
    await page.mouse.down();
    await page.mouse.up();
    await page.waitForFunction(() => window.klieg.latency() > 8);
    await view_is("behind");
    const before_s = await page.evaluate(() => window.klieg.video.currentTime);
    await page.waitForFunction((then) => window.klieg.video.currentTime > then + 1, before_s);
    await picture_of(`behind-${player}`);
    await bar.focus();
    await page.keyboard.press("End");
    await view_is("live");
    assert.ok((await page.evaluate(() => window.klieg.latency())) < 3);
  });
}

test("the menu works by keyboard and gives the focus back", async () => {
  await open("hls");
  await view_is("live");
  await quality().focus();
  assert.equal(await quality().getAttribute("aria-haspopup"), "menu");
  assert.equal(await quality().getAttribute("aria-expanded"), "false");
  const focused = () => page.evaluate(() => document.activeElement.textContent.replace(/\s+/g, " ").trim());
  await page.keyboard.press("Enter");
  await page.getByRole("menu", { name: "Quality" }).waitFor();
  assert.match(await focused(), /Auto/);
  assert.equal(await item(/^Auto/).getAttribute("aria-checked"), "true");
  await page.keyboard.press("ArrowUp");
  assert.match(await focused(), /^Audio only/);
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowDown");
  assert.match(await focused(), /^720p source/);
  await picture_of("menu");
  await is_accessible();
  await page.keyboard.press("Escape");
  await page.getByRole("menu").waitFor({ state: "detached" });
  assert.match(await focused(), /^Quality:/);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await page.getByRole("menu").waitFor({ state: "detached" });
  assert.match(await focused(), /^Quality: 240p/);
  await lines_are(240);
});
