// A private channel: who has a link watches, through home and through an edge; nobody else learns that it is there.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { start_edge } from "../world/edge.js";
import { publish_test_card } from "../world/encoder.js";
import { klieg_path, start_klieg } from "../world/klieg.js";
import { run, until } from "../world/program.js";
import { suite_end } from "../world/suite.js";
import { ask_for_push, enter_room } from "../world/websocket_peer.js";

const secret = ["--node-secret", "a secret of all nodes"];

describe("a private channel", { timeout: 180_000 }, () => {
  const t = suite_end();
  let klieg, edge, link;

  const link_of = async (flags = secret) =>
    (await run(t, klieg_path, ["token", "show", ...flags], 30_000)).output.trim();
  const status_of = async (server, path) => {
    const answer = await fetch(`http://${server.address.http}${path}`);
    await answer.arrayBuffer();
    return answer.status;
  };

  before(async () => {
    klieg = await start_klieg(t, { channels: ["show", "open"], flags: ["--private", "show", ...secret] });
    edge = await start_edge(t, [klieg.address.http], secret);
    link = await link_of();
    publish_test_card(t, klieg.rtmp());
    await until("on air", async () => (await status_of(klieg, link)) === 200 || undefined, 60_000);
  });

  test("is not there for who has no link, though the cache has it", async () => {
    for (const server of [klieg, edge]) {
      assert.equal(await status_of(server, link), 200);
      for (const name of ["index.m3u8", "manifest.mpd", "status.json", "poster.jpg"]) {
        assert.equal(await status_of(server, `/live/show/${name}`), 404, name);
      }
    }
    assert.equal(await status_of(klieg, "/@show"), 404);
    assert.match((await enter_room(t, klieg.address.http)).head, / 404 /);
    for (const server of [klieg, edge]) assert.match(await ask_for_push(t, server.address.http), / 404 /);
    const list = await (await fetch(`${klieg.http}/live/index.json`)).json();
    assert.deepEqual(
      list.channels.map((channel) => channel.name),
      ["open"],
    );
  });

  test("refuses links that are forged or for another channel", async () => {
    const forged = await link_of(["--node-secret", "a secret of others"]);
    for (const server of [klieg, edge]) {
      assert.equal(await status_of(server, forged), 403);
      assert.equal(await status_of(server, link.replace("/live/show/", "/live/open/")), 403);
    }
  });

  test("plays from a link, through home and through an edge, over RTMP for nobody", async () => {
    for (const server of [klieg, edge]) {
      const { output } = await run(
        t,
        "ffprobe",
        [
          ...["-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=p=0"],
          `http://${server.address.http}${link}`,
        ],
        60_000,
      );
      assert.match(output, /video/);
    }
    const by_rtmp = run(t, "ffprobe", ["-v", "error", `rtmp://${klieg.address.rtmp}/live/show`], 60_000);
    await assert.rejects(by_rtmp, /ended with/);
  });
});
