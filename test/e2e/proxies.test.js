// Low latency survives ordinary caches: LL-HLS on the same page, played through nginx and through Varnish.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { open_viewer } from "../world/browser.js";
import { start_nginx, start_varnish } from "../world/proxy.js";
import { assert_plays_smoothly, start_show } from "../world/show.js";
import { suite_end } from "../world/suite.js";

describe("low-latency HLS through", () => {
  const t = suite_end();
  let klieg, browser;

  before(async () => {
    ({ klieg, browser } = await start_show(t));
  });

  for (const [name, start] of [
    ["nginx", start_nginx],
    ["Varnish", start_varnish],
  ]) {
    test(name, async () => {
      const proxy = await start(t, klieg.address.http);
      const address = `http://${proxy}/@show?player=hls`; // of itself the page plays LL-DASH where it is not pushed to
      await assert_plays_smoothly(browser, address, { seconds: 8, delay_ms_max: 2_800 });
      const viewer = await open_viewer(browser, address);
      const part = viewer.page.waitForResponse((response) => /\/video-\d+\.\d+\.m4s$/.test(response.url()));
      assert.equal((await part).status(), 200);
      assert.equal(await viewer.page.evaluate(() => window.klieg.player), "hls");
      await viewer.close();
    });
  }
});
