// The measuring half of `./dev bench latency`: prints one JSON object per player. See bench/README.md for the method.
//
//   node bench/latency.mjs SECONDS

import { shaka_page, start_browser } from "../test/world/browser.js";
import { publish_test_card } from "../test/world/encoder.js";
import { start_klieg } from "../test/world/klieg.js";
import { measure } from "./screen.mjs";

const seconds = Number(process.argv[2]);

const endings = [];
const t = { after: (end) => endings.push(end) };

try {
  const klieg = await start_klieg(t);
  publish_test_card(t, klieg.rtmp(), ["--size", "640x360", "--rate", "30", "--gop-s", "1", "--bitrate", "1000k"]);
  const browser = await start_browser(t);
  await klieg.live();
  await measure(browser, seconds, "push", `${klieg.page()}?player=push`);
  await measure(browser, seconds, "hls.js", `${klieg.page()}?player=hls`);
  await measure(browser, seconds, "dash.js", `${klieg.page()}?player=dash`);
  await measure(browser, seconds, "shaka", (await shaka_page(t))(klieg.dash()));
} finally {
  for (const end of endings.reverse()) await end();
}
