// A private channel: who has a link watches, through home and through an edge, until the link is taken back; nobody else
// learns that it is there.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { before, describe, test } from "node:test";

import { start_browser } from "../world/browser.js";
import { start_edge } from "../world/edge.js";
import { publish_test_card } from "../world/encoder.js";
import { klieg_path, start_klieg } from "../world/klieg.js";
import { Program, run, until, within } from "../world/program.js";
import { suite_end } from "../world/suite.js";
import { ask_for_push, enter_room } from "../world/websocket_peer.js";

const secret_words = "a secret of all nodes";
const secret = ["--node-secret", secret_words];
const patience_ms = 60_000; // no test waits for ever

// As src/wire/path_token.h says it.
function sign(channel, viewer, issued_s, expires_s) {
  const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
  const key = hmac(secret_words, "klieg-path");
  const claim = `${hmac(key, "id").subarray(0, 4).toString("hex")}.${issued_s}.${expires_s}.${viewer}`;
  return `${claim}.${hmac(key, `klieg-path\n${channel}\n${claim}`).subarray(0, 16).toString("base64url")}`;
}

const token_in = (link) => link.split("/")[2];

describe("a private channel", { timeout: 240_000 }, () => {
  const t = suite_end();
  let home, edge, page, link;

  const links_of = async (flags = secret) =>
    (await run(t, klieg_path, ["token", "show", ...flags], 30_000)).output.trim().split("\n");
  const answer_of = async (server, path) => {
    const answer = await fetch(`http://${server.address.http}${path}`);
    return { status: answer.status, text: await answer.text() };
  };
  const status_of = async (server, path) => (await answer_of(server, path)).status;
  const by_rtmp = (token) => `rtmp://${home.address.rtmp}/live/show${token ? `?token=${token}` : ""}`;

  before(async () => {
    home = await start_klieg(t, { channels: ["show", "open"], flags: ["--private", "show", ...secret] });
    edge = await start_edge(t, [home.address.http], secret);
    [page, link] = await links_of();
    publish_test_card(t, home.rtmp(), ["--size", "640x360", "--bitrate", "800k"]);
    await until("on air", async () => (await status_of(home, link)) === 200 || undefined, patience_ms);
  });

  test("is not there for who has no link, though the cache has it", async () => {
    for (const server of [home, edge]) {
      assert.equal(await status_of(server, link), 200);
      for (const name of ["index.m3u8", "manifest.mpd", "status.json", "poster.jpg"]) {
        assert.equal(await status_of(server, `/live/show/${name}`), 404, name);
      }
      assert.match((await enter_room(t, server.address.http)).head, / 404 /);
      assert.match(await ask_for_push(t, server.address.http), / 404 /);
    }
    assert.equal(await status_of(home, "/@show"), 404);
    await assert.rejects(run(t, "ffprobe", ["-v", "error", by_rtmp()], patience_ms), /ended with/);
    const list = await (await fetch(`${home.http}/live/index.json`)).json();
    assert.deepEqual(
      list.channels.map((channel) => channel.name),
      ["open"],
    );
  });

  test("refuses links that are forged or for another channel", async () => {
    const [, forged] = await links_of(["--node-secret", "a secret of others"]);
    for (const server of [home, edge]) {
      assert.equal(await status_of(server, forged), 403);
      assert.equal(await status_of(server, link.replace("/live/show/", "/live/open/")), 403);
      assert.match((await enter_room(t, server.address.http, "show", [], token_in(forged))).head, / 403 /);
      assert.match(await ask_for_push(t, server.address.http, "show", [], token_in(forged)), / 403 /);
    }
    await assert.rejects(run(t, "ffprobe", ["-v", "error", by_rtmp(token_in(forged))], patience_ms), /ended with/);
  });

  test("plays from a link, through home and through an edge, and over RTMP", async () => {
    const addresses = [`http://${home.address.http}${link}`, `http://${edge.address.http}${link}`, by_rtmp(token_in(link))];
    for (const address of addresses) {
      const words = ["-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0"];
      assert.match((await run(t, "ffprobe", [...words, address], patience_ms)).output, /video/);
    }
  });

  test("plays on with a token that is renewed, until it is taken back, which ends whatever is open everywhere", async () => {
    const browser = await start_browser(t);
    const watch = async (server, path, player) => {
      const context = await browser.newContext({ viewport: { width: 640, height: 480 } });
      const viewer = await context.newPage();
      await viewer.goto(`http://${server.address.http}${path}?player=${player}`);
      await viewer.waitForFunction(() => window.klieg?.stats().view === "live", undefined, { timeout: patience_ms });
      return viewer;
    };
    const now_s = Math.floor(Date.now() / 1000);
    const token = sign("show", 7, now_s - 1, now_s + 60);
    const asked = new Set();
    const pushed = await watch(edge, page, "push");
    const renewing = await watch(edge, `/t/${token}/@show`, "hls");
    renewing.on("request", (request) => asked.add(/\/t\/([^/]+)\/live\/show\/.*m4s/.exec(request.url())?.[1]));
    const renewed = await until("a segment asked for with a new token", () => [...asked].find((one) => one && one !== token));
    assert.equal(await renewing.evaluate(() => window.klieg.stats().restarts), 0);

    const rooms = [];
    for (const server of [home, edge]) {
      const room = await enter_room(t, server.address.http, "show", [], token);
      assert.match(room.head, / 101 /);
      rooms.push(room);
    }
    const played = new Program(t, "ffmpeg", ["-v", "error", "-i", by_rtmp(token), "-f", "null", "-"]);
    const [, rendition] = /^([^#\n].*)$/m.exec((await answer_of(edge, link)).text);
    const folder = rendition.slice(0, rendition.lastIndexOf("/") + 1);
    const [, segment] = /^([^#\n].*m4s)$/m.exec((await answer_of(edge, link.replace("index.m3u8", rendition))).text);
    const { version } = JSON.parse((await answer_of(edge, `/t/${token}/live/show/status.json`)).text);
    const held = status_of(edge, `/t/${token}/live/show/status.json?after=${version}`);

    await run(t, klieg_path, ["token", "show", "--revoke", "--server", home.http, ...secret], 30_000);
    const ends = (what, end) => within(end, patience_ms, () => new Error(`${what} goes on`));
    assert.equal(await ends("a held request", held), 403);
    for (const room of rooms) assert.equal((await room.heard(({ type }) => type === "closed")).code, 1008);
    await ends("RTMP", played.ended);
    for (const viewer of [pushed, renewing]) {
      await viewer.waitForFunction(() => window.klieg.stats().view === "refused", undefined, { timeout: patience_ms });
    }
    for (const server of [home, edge]) {
      await until("refused", async () => (await status_of(server, link)) === 403 || undefined);
      for (const one of [token, renewed, token_in(link)]) {
        assert.equal(await status_of(server, `/t/${one}/live/show/index.m3u8`), 403);
        assert.equal(await status_of(server, `/t/${one}/live/show/renewed`), 403);
        assert.equal(await status_of(server, `/t/${one}/live/show/${folder}${segment}`), 403);
        assert.match(await ask_for_push(t, server.address.http, "show", [], one), / 403 /);
        assert.match((await enter_room(t, server.address.http, "show", [], one)).head, / 403 /);
      }
    }
    await assert.rejects(run(t, "ffprobe", ["-v", "error", by_rtmp(token)], patience_ms), /ended with/);
    const later_s = Math.floor(Date.now() / 1000) + 2;
    const next = `/t/${sign("show", 0, later_s, later_s + 60)}/live/show/index.m3u8`;
    for (const server of [home, edge]) assert.equal(await status_of(server, next), 200, "a link of later is good");
  });
});
