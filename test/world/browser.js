// A person with a browser: Chromium without a window, and what its video shows.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

import { chromium } from "playwright-core";

const flags = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"],
  // Nobody looks at the window: without these, timers and frames of a page in the background are held back.
  ...[
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
  ],
];

// `executable`: of a place of its own (network.js).
export async function start_browser(t, { executable = process.env.CHROMIUM ?? "/usr/bin/chromium" } = {}) {
  const browser = await chromium.launch({
    executablePath: executable,
    headless: true,
    args: flags,
  });
  t.after(() => browser.close());
  return browser;
}

const clock_reader = (await readFile(new URL("../../bench/read_clock.mjs", import.meta.url), "utf8")).replaceAll(
  "export function",
  "function",
);

// Runs in the page: notes each frame that is shown, and each stall: the player has run out of media, or seeks for longer
// than anybody overlooks. (A page may seek to where it is, to have the decoder begin anew at a change of rungs: a few
// frames' time, which `waiting` is said of, too. How long the picture stands is told by the frames, whatever the cause.)
function watch_video() {
  const seek_ms_max = 250;
  const video = document.querySelector("video");
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const notes = { frames: [], stalls: [], errors: [] };
  const note_frame = (_now, { mediaTime, presentedFrames, expectedDisplayTime }) => {
    notes.frames.push({
      shown_ms: performance.timeOrigin + expectedDisplayTime,
      media_s: mediaTime,
      presented: presentedFrames,
      clock_ms: readClockOfVideo(video, context),
    });
    video.requestVideoFrameCallback(note_frame);
  };
  video.requestVideoFrameCallback(note_frame);
  let seeking_since_ms = null;
  const stall = () => notes.stalls.push({ at_ms: Date.now(), media_s: video.currentTime });
  video.addEventListener("waiting", () => seeking_since_ms === null && stall());
  video.addEventListener("seeking", () => (seeking_since_ms ??= Date.now()));
  video.addEventListener("seeked", () => {
    if (Date.now() - seeking_since_ms > seek_ms_max) stall();
    seeking_since_ms = null;
  });
  video.addEventListener("error", () => notes.errors.push(video.error?.message ?? "unknown"));
  window.notes = notes;
}

// Opens `address`, waits until its video plays and returns the viewer. `quality`: the name of the rung that was chosen
// on the page before, for this visit.
export async function open_viewer(
  browser,
  address,
  { within_ms = 20_000, viewport = { width: 800, height: 600 }, quality = null } = {},
) {
  const page = await browser.newPage({ viewport });
  if (quality) await page.addInitScript((name) => sessionStorage.setItem("klieg.quality", name), quality);
  const said = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  await page.goto(address);
  try {
    await page.waitForFunction(
      () => (document.querySelector("video")?.currentTime ?? 0) > 0 && document.querySelector("video").readyState >= 3,
      null,
      {
        timeout: within_ms,
      },
    );
  } catch (error) {
    const text = await page.evaluate(() => document.body.innerText.slice(0, 500));
    throw new Error(
      `${address} does not play: ${error.message}\nthe page says: ${text}\nthe console: ${said.slice(-20).join("\n")}`,
    );
  }
  // Evaluated by the debugger, not added as a script: the page's Content-Security-Policy stays in force.
  await page.evaluate(`(() => { ${clock_reader}\n(${watch_video})(); })()`);
  return new Viewer(page, said);
}

class Viewer {
  constructor(page, said) {
    this.page = page;
    this.said = said;
  }

  // Watches for `seconds`; what was seen in that time.
  watch(seconds) {
    return this.watch_while(() => this.page.waitForTimeout(seconds * 1000));
  }

  // Watches while something happens; what was seen in that time.
  async watch_while(happening) {
    await this.page.evaluate(() => window.notes.frames.splice(0) && window.notes.stalls.splice(0));
    const began_ms = performance.now();
    await happening();
    const seconds = (performance.now() - began_ms) / 1000;
    return new Sight(await this.page.evaluate(() => window.notes), seconds);
  }

  // How fast bytes come to this page from now on, in kbit/s; null: as fast as they can.
  async limit_network(kbps) {
    this.network ??= await this.page.context().newCDPSession(this.page);
    await this.network.send("Network.enable");
    await this.network.send("Network.emulateNetworkConditions", {
      ...{ offline: false, latency: kbps ? 30 : 0, uploadThroughput: -1 },
      downloadThroughput: kbps ? (kbps * 1000) / 8 : -1,
    });
  }

  // Resolves once pictures of this height are shown.
  shows_lines(lines, within_ms = 20_000) {
    const so_high = (wanted) => document.querySelector("video").videoHeight === wanted;
    return this.page.waitForFunction(so_high, lines, { timeout: within_ms });
  }

  close() {
    return this.page.close();
  }
}

// What a viewer saw during some seconds.
export class Sight {
  constructor({ frames, stalls, errors }, seconds) {
    this.frames = frames;
    this.stalls = stalls;
    this.errors = errors;
    this.seconds = seconds;
  }

  // From the moment the test card drew a frame to the moment the browser meant to show it, in ms, ascending.
  get delays_ms() {
    return this.frames
      .filter(({ clock_ms }) => clock_ms !== null)
      .map(({ shown_ms, clock_ms }) => shown_ms - clock_ms)
      .sort((a, b) => a - b);
  }
  delay_ms(quantile = 0.5) {
    const delays = this.delays_ms;
    assert.ok(delays.length > 0, `of ${this.frames.length} frames none had a clock that could be read`);
    return delays[Math.min(delays.length - 1, Math.floor(quantile * delays.length))];
  }

  // The longest time in which the picture stood, in ms.
  get longest_stand_ms() {
    const shown = this.frames.map(({ shown_ms }) => shown_ms);
    return Math.max(...shown.slice(1).map((at, i) => at - shown[i]), 0);
  }

  // The longest piece of the broadcast that was left out between two pictures, in ms.
  get longest_jump_ms() {
    const media = this.frames.map(({ media_s }) => media_s * 1000);
    return Math.max(...media.slice(1).map((at, i) => at - media[i]), 0);
  }

  get played_s() {
    return this.frames.length < 2 ? 0 : this.frames.at(-1).media_s - this.frames[0].media_s;
  }

  // The picture moved all the time, at about the speed of time.
  assert_smooth({ stand_ms_max = 700 } = {}) {
    assert.deepEqual(this.errors, []);
    assert.ok(
      Math.abs(this.played_s - this.seconds) < 1.5,
      `${this.played_s.toFixed(2)} s of video in ${this.seconds} s`,
    );
    assert.deepEqual(this.stalls, []);
    assert.ok(this.longest_stand_ms < stand_ms_max, `the picture stood for ${Math.round(this.longest_stand_ms)} ms`);
  }
}

// A page of our own around Shaka Player, which the product does not ship: any server's manifest plays in it.
export async function shaka_page(t) {
  const shaka = await readFile(new URL("../node_modules/shaka-player/dist/shaka-player.compiled.js", import.meta.url));
  const page = await readFile(new URL("../pages/shaka.html", import.meta.url));
  const server = createServer((request, response) => {
    const script = request.url.startsWith("/shaka.js");
    response
      .writeHead(200, { "content-type": script ? "text/javascript" : "text/html; charset=utf-8" })
      .end(script ? shaka : page);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address();
  return (manifest) => `http://127.0.0.1:${port}/?manifest=${encodeURIComponent(manifest)}`;
}
