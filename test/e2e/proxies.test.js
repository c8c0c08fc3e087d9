// Low latency survives ordinary caches: the same page, played through nginx and through Varnish.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { open_viewer, start_browser } from "../world/browser.js";
import { publish_test_card } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { start_nginx, start_varnish } from "../world/proxy.js";
import { suite_end } from "../world/suite.js";

const delay_ms_max = 2_800;

describe("low-latency HLS through", () => {
  const t = suite_end();
  let klieg, browser;

  before(async () => {
    klieg = await start_klieg(t);
    publish_test_card(t, klieg.rtmp(), ["--size", "640x360", "--bitrate", "800k"]);
    browser = await start_browser(t);
    await klieg.live();
  });

  for (const [name, start] of [
    ["nginx", start_nginx],
    ["Varnish", start_varnish],
  ]) {
    test(name, async () => {
      const proxy = await start(t, klieg.address.http);
      const viewer = await open_viewer(browser, `http://${proxy}/@show`);
      await viewer.watch(2);
      const sight = await viewer.watch(8);
      await viewer.close();
      sight.assert_smooth();
      assert.ok(sight.delay_ms() < delay_ms_max, `${Math.round(sight.delay_ms())} ms behind the camera`);
    });
  }
});
