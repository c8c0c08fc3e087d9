// What a person sees in a browser: the test card goes in, Chromium plays it, by the page as it is and by each player.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { open_viewer, shaka_page } from "../world/browser.js";
import { assert_plays_smoothly, start_show } from "../world/show.js";
import { suite_end } from "../world/suite.js";

describe("in a browser", () => {
  const t = suite_end();
  let klieg, browser;

  before(async () => {
    ({ klieg, browser } = await start_show(t));
  });

  const plays_smoothly = (address) => assert_plays_smoothly(browser, address, { seconds: 10, delay_ms_max: 2_500 });

  test("the page plays what is pushed", async () => {
    const viewer = await open_viewer(browser, klieg.page());
    assert.equal(await viewer.page.evaluate(() => window.klieg.tier), "push");
    await viewer.close();
  });
  test("the page plays low-latency HLS by hls.js", () => plays_smoothly(`${klieg.page()}?player=hls`));
  test("the page plays low-latency DASH by dash.js", () => plays_smoothly(`${klieg.page()}?player=dash`));
  test("the page plays whole segments, some seconds behind", async () => {
    await assert_plays_smoothly(browser, `${klieg.page()}?player=plain`, { seconds: 5, delay_ms_max: 5_000 });
  });
  test("Shaka Player plays low-latency DASH", async () => {
    await plays_smoothly((await shaka_page(t))(klieg.dash()));
  });

  for (const player of ["push", "dash", "hls"]) {
    test(`the page says how far behind the camera it is by ${player}, and is right`, async () => {
      const viewer = await open_viewer(browser, `${klieg.page()}?player=${player}`);
      await viewer.watch(2);
      const sight = await viewer.watch(3);
      const said_s = await viewer.page.evaluate(() => window.klieg.latency());
      await viewer.close();
      assert.ok(
        Math.abs(said_s * 1000 - sight.delay_ms()) < 500,
        `it says ${said_s} s, it is ${Math.round(sight.delay_ms())} ms`,
      );
    });
  }

  test("a viewer who joins in the middle of a segment plays within three seconds", async () => {
    for (const wait_ms of [0, 350, 700]) {
      await new Promise((resolve) => setTimeout(resolve, wait_ms));
      const viewer = await open_viewer(browser, klieg.page(), { within_ms: 3_000 });
      await viewer.close();
    }
  });
});

describe("with parts that are byte ranges of their segments", () => {
  const t = suite_end();
  let klieg, browser;

  before(async () => {
    ({ klieg, browser } = await start_show(t, { env: { KLIEG_HLS_PARTS: "range" } }));
  });

  test("the page plays low-latency HLS by hls.js", async () => {
    const address = `${klieg.page()}?player=hls`;
    await assert_plays_smoothly(browser, address, { seconds: 5, delay_ms_max: 2_500 });
    const viewer = await open_viewer(browser, address);
    const part = await viewer.page.waitForResponse(
      (response) => /\/video-\d+\.m4s$/.test(response.url()) && "range" in response.request().headers(),
    );
    assert.equal(part.status(), 206);
    await viewer.close();
  });

  test("the part that is hinted at comes by an open-ended range, and the rest of its segment behind it", async () => {
    const playlist_url = (await (await fetch(klieg.hls())).text()).match(/^\S*video\S*\.m3u8$/m)[0];
    const playlist = await (await fetch(new URL(playlist_url, klieg.hls()))).text();
    const [, uri, start] = playlist.match(/#EXT-X-PRELOAD-HINT:TYPE=PART,URI="([^"]+)"(?:,BYTERANGE-START=(\d+))?/);
    const first = Number(start ?? 0);
    const segment = new URL(uri, new URL(playlist_url, klieg.hls()));
    // RFC 8673 section 2: the last position that is sure to lie behind whatever will be there.
    const answer = await fetch(segment, { headers: { range: `bytes=${first}-9007199254740991` } });
    assert.equal(answer.status, 206);
    const came = Buffer.from(await answer.arrayBuffer()); // ends when the segment does
    const whole = Buffer.from(await (await fetch(segment)).arrayBuffer());
    assert.ok(came.length > 0 && came.equals(whole.subarray(first)), `${came.length} of ${whole.length} from ${first}`);
  });
});
