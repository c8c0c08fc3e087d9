// Low latency survives ordinary caches: the same page, played through nginx and through Varnish.

import { before, describe, test } from "node:test";

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
      await assert_plays_smoothly(browser, `http://${proxy}/@show`, { seconds: 8, delay_ms_max: 2_800 });
    });
  }
});
