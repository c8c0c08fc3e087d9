// Somebody goes live, and who follows is told: in the page, by the push service of a browser without one, by a webhook.

import assert from "node:assert/strict";
import { test } from "node:test";

import { start_browser } from "../world/browser.js";
import { publish_with_ffmpeg } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { Person } from "../world/person.js";
import { until } from "../world/program.js";
import { signature_of, start_push_service } from "../world/push_service.js";

const slow_ms = 60_000; // for what takes a second where nothing else runs

test("who follows somebody is told that she is live, wherever they are", async (t) => {
  const [service, browser] = await Promise.all([start_push_service(t), start_browser(t)]);
  const home = await start_klieg(t, {
    channels: [],
    flags: ["--studio-sign-up", "open", "--studio-notices", "anywhere", "--studio-contact", "mailto:me@example.org"],
    env: { SSL_CERT_FILE: service.certificate },
  });
  const [ada, bob] = [new Person(home), new Person(home)];
  await ada.sign_up("ada");
  await bob.sign_up("bob");
  await bob.done("PUT", "/people/ada/follow");
  await bob.done("PUT", "/push/subscription", service.subscription("/browser"));
  const { key } = await bob.done("GET", "/push");
  const { secret } = await bob.done("POST", "/webhooks", { url: `${service.origin}/hook` });

  const context = await browser.newContext();
  const [cookie, value] = bob.cookie.split("=");
  await context.addCookies([{ name: cookie, value, url: home.http }]);
  const page = await context.newPage();
  page.setDefaultTimeout(slow_ms);
  // Held: then what comes is news.
  const held = page.waitForRequest((request) => request.url().includes("/notices?after="));
  await page.goto(home.http);
  await held;

  const title = "<script>window.hit = 1</script>";
  await ada.done("POST", "/broadcasts", { title });
  const { secret: stream_key } = await ada.done("POST", "/keys", { label: "Desk" });
  publish_with_ffmpeg(t, home.rtmp("ada", stream_key));
  await page.getByRole("status").getByRole("link", { name: `ada is live: ${title}` }).waitFor();
  assert.equal(await page.evaluate(() => window.hit), undefined);

  const told = await until("both told", () => (service.received.length >= 2 ? service.received : undefined), slow_ms);
  assert.deepEqual(told.map((one) => one.path).sort(), ["/browser", "/hook"]);
  const [push] = service.at("/browser");
  const { channel, title: pushed_title } = JSON.parse(service.text_of(push));
  assert.deepEqual([channel, pushed_title], ["ada", title]);
  const claims = service.claims_of(push, key);
  assert.deepEqual([claims.aud, claims.sub], [service.origin, "mailto:me@example.org"]);
  const [hook] = service.at("/hook");
  assert.equal(JSON.parse(hook.body).path, "/@ada");
  assert.equal(hook.headers["klieg-signature"], signature_of(secret, hook));

  await page.getByRole("button", { name: "Notices, 1 new" }).click();
  await page.getByRole("button", { name: "Notices", exact: true }).waitFor();
  await page.getByRole("region", { name: "Notices" }).getByRole("link", { name: "ada is live" }).click();
  await page.waitForURL("**/@ada");
  await until("seen everywhere", async () => {
    const { items } = await bob.done("GET", "/notices");
    return items[0].seen || undefined;
  });
});
