// People with accounts, through the real pages: from signing up to being seen live under one's own name.

import assert from "node:assert/strict";
import { test } from "node:test";

import { open_viewer, start_browser } from "../world/browser.js";
import { publish_with_ffmpeg } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { until } from "../world/program.js";

test("somebody signs up, makes a key, is seen live, and replaces the key, which ends what it carries", async (t) => {
  const [home, browser] = await Promise.all([
    start_klieg(t, { channels: [], flags: ["--studio-sign-up", "open", "--server-loops", "2"] }),
    start_browser(t),
  ]);
  const studio = await browser.newPage();
  await studio.goto(`${home.http}/signup?to=/studio`);
  await studio.getByLabel("Name", { exact: true }).fill("ada");
  await studio.getByLabel("Shown as").fill("Ada <b>Lovelace</b>");
  await studio.getByLabel("Password").fill("correct horse battery");
  await studio.getByRole("button", { name: "Sign up" }).click();
  await studio.waitForURL("**/studio");
  await studio.getByLabel("What the key is for").fill("Desk");
  await studio.getByRole("button", { name: "Make a key" }).click();
  const stream_key = studio.getByLabel("Stream key", { exact: true });
  const first = await stream_key.inputValue();
  assert.match(first, /^klieg_key_/);
  assert.equal(await studio.getByLabel("Server", { exact: true }).inputValue(), home.rtmp_server);

  const encoder = publish_with_ffmpeg(t, home.rtmp("ada", first));
  await home.live("ada");
  await open_viewer(browser, home.page("ada"));
  const { items } = await (await fetch(`${home.http}/api/v1/live`)).json();
  assert.deepEqual(
    items.map((show) => [show.channel, show.display_name]),
    [["ada", "Ada <b>Lovelace</b>"]],
  );

  await studio.getByRole("button", { name: "Replace Desk" }).click();
  await studio.getByRole("button", { name: "Replace it" }).click();
  assert.notEqual((await encoder.ended).code, 0);
  await studio.waitForFunction(
    ([field, old]) => field.value !== old,
    [await stream_key.elementHandle(), first],
  );
  await until("the broadcast over", async () => (await status_of(home, "ada")).state === "ended" || undefined);
  const late = publish_with_ffmpeg(t, home.rtmp("ada", first));
  assert.notEqual((await late.ended).code, 0);

  // What other sites' pages can send with the browser's cookie changes nothing.
  assert.equal((await studio.request.delete(`${home.http}/api/v1/keys/2`)).status(), 403);
});

const status_of = async (home, channel) => (await fetch(`${home.http}/live/${channel}/status.json`)).json();
