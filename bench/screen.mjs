// What a person sees of the test card in Chromium: for `bench latency`, and on its own for `bench delay`. Prints one JSON
// object per player. See bench/README.md for the method.
//
//   node bench/screen.mjs SECONDS PLAYER ADDRESS

import { fileURLToPath } from "node:url";

import { open_viewer, start_browser } from "../test/world/browser.js";

const settle_s = 10; // players start further behind and catch up: a viewer's first seconds, not their hour
const round_s = 30; // between words about how far it is

export async function measure(browser, seconds, player, address) {
  const viewer = await open_viewer(browser, address);
  await viewer.watch(settle_s);
  const delays_ms = [];
  const sum = { frames: 0, stalls: 0, played_s: 0, longest_stand_ms: 0 };
  for (let left_s = seconds; left_s > 0; left_s -= round_s) {
    const sight = await viewer.watch(Math.min(round_s, left_s));
    delays_ms.push(...sight.delays_ms);
    sum.frames += sight.frames.length;
    sum.stalls += sight.stalls.length;
    sum.played_s += sight.played_s;
    sum.longest_stand_ms = Math.max(sum.longest_stand_ms, sight.longest_stand_ms);
    console.error(
      `  ${player}: ${sight.delay_ms().toFixed(0)} ms behind the camera, ${sum.stalls} stalls, ${Math.max(0, left_s - round_s)} s to go`,
    );
  }
  const plays = await viewer.page.evaluate(() => window.klieg?.player);
  await viewer.close();
  delays_ms.sort((a, b) => a - b);
  const quantile_s = (q) => delays_ms[Math.min(delays_ms.length - 1, Math.floor(q * delays_ms.length))] / 1000;
  console.log(
    JSON.stringify({
      player,
      plays, // our page may have given way to another player
      median_s: quantile_s(0.5),
      p5_s: quantile_s(0.05),
      p95_s: quantile_s(0.95),
      worst_s: quantile_s(1),
      longest_stand_s: sum.longest_stand_ms / 1000,
      stalls: sum.stalls,
      played_s: sum.played_s,
      frames: sum.frames,
      frames_read: delays_ms.length,
    }),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [seconds, player, address] = process.argv.slice(2);
  const endings = [];
  try {
    const browser = await start_browser({ after: (end) => endings.push(end) });
    await measure(browser, Number(seconds), player, address);
  } finally {
    for (const end of endings.reverse()) await end();
  }
}
