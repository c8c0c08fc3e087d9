// What an edge does about its parents: it lets go of what nobody watches, and no viewer notices one that dies.

import assert from "node:assert/strict";
import { createServer, get as ask } from "node:http";
import { before, describe, test } from "node:test";

import { start_edge } from "../world/edge.js";
import { publish_test_card } from "../world/encoder.js";
import { start_klieg } from "../world/klieg.js";
import { until } from "../world/program.js";
import { get } from "../world/reader.js";
import { suite_end } from "../world/suite.js";

describe("an edge and a broadcast that is watched for a while", { timeout: 60_000 }, () => {
  const t = suite_end();
  const secret = "a secret of forty-two letters, known to both";
  const two_loops = ["--server-loops", "2", "--node-secret", secret];
  let home, edge;

  before(async () => {
    home = await start_klieg(t, { flags: two_loops });
    publish_test_card(t, home.rtmp());
    await home.live();
    edge = await start_edge(t, [home.address.http], [...two_loops, "--edge-topic-kept-s", "2"]);
  });

  // Requests that home is answering: a subscription is one, for as long as it lasts. That of the metrics is another.
  const under_way = async () => {
    const text = await get(`http://${home.address.admin}/metrics`);
    return Number(/^http_server_active_requests (\d+)$/m.exec(text)[1]);
  };

  const asked = async () => {
    const text = await get(`http://${home.address.admin}/metrics`);
    const ended = text.matchAll(/^http_server_request_duration_seconds_count\{.*\} (\d+)$/gm);
    return [...ended].reduce((sum, [, count]) => sum + Number(count), 0);
  };

  test("subscribes with the first viewer, asks for nothing meanwhile, and leaves some time after the last", async () => {
    const idle = await under_way();
    const at_edge = `http://${edge.address.http}/live/show`;
    const list = await get(`${at_edge}/index.m3u8`);
    const folder = `${at_edge}/${/^(.*)\/video\.m3u8$/m.exec(list)[1]}`;
    const watch = async () => {
      const playlist = await get(`${folder}/video.m3u8`);
      await get(`${folder}/${/^video-\d+\.m4s$/m.exec(playlist)[0]}`);
      return get(`${at_edge}/manifest.mpd`);
    };
    await watch();
    await until("it has subscribed", async () => ((await under_way()) > idle ? true : undefined));
    const overviews = { "manifest.mpd": /<MPD /, "index.m3u8": /^video\.m3u8|\/video\.m3u8/m };
    const hits = async () => {
      const found = Object.entries(overviews).map(async ([name, content]) => {
        const response = await fetch(`${at_edge}/${name}`);
        assert.match(await response.text(), content);
        return /; hit;/.test(response.headers.get("cache-status"));
      });
      return (await Promise.all(found)).every(Boolean);
    };
    // Each connection is on the loop that the kernel chose for it, and a loop is told what its own viewers watch: the two
    // connections that ask below watch first.
    await until("what lists all tracks is pushed", async () => {
      await Promise.all([watch(), watch()]);
      return (await hits()) ? true : undefined;
    });
    const before = await asked();
    for (let i = 0; i < 20; ++i) assert.ok(await hits());
    assert.equal((await asked()) - before, 1, "newcomers ask home for nothing; that of the metrics is one");
    await until("it has left", async () => ((await under_way()) === idle ? true : undefined), 10_000);
    await watch();
    await until("it has subscribed again", async () => ((await under_way()) > idle ? true : undefined));
  });
});

describe("an edge whose parent dies in the middle of a body", { timeout: 30_000 }, () => {
  const t = suite_end();
  const viewers = 200;
  const body = Buffer.alloc(3_000_000, Uint8Array.from({ length: 251 }, (_, i) => i));
  const head = (etag) => ({ "cache-control": "max-age=60", etag });

  const listening = async (server) => {
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return `127.0.0.1:${server.address().port}`;
  };
  // Sends half of the body, and waits for its end.
  const dying = () =>
    createServer((_, response) => {
      response.writeHead(200, { ...head('"one"'), "content-length": body.length });
      response.write(body.subarray(0, body.length / 2));
    });
  // Sends the rest of the same body to who has its beginning, and else all of what it has.
  const living = (etag) =>
    createServer(({ headers }, response) => {
      const from = headers["if-range"] === etag ? Number(/^bytes=(\d+)-/.exec(headers.range)[1]) : 0;
      const range = { "content-range": `bytes ${from}-${body.length - 1}/${body.length}` };
      response.writeHead(from ? 206 : 200, from ? { ...head(etag), ...range } : head(etag)).end(body.subarray(from));
    });
  let begun = 0; // of those who read now
  const read = (url) =>
    new Promise((resolve) => {
      const pieces = [];
      const end = (how) => resolve({ how, content: Buffer.concat(pieces) });
      ask(url, { agent: false }, (response) => {
        response.once("data", () => ++begun).on("data", (bytes) => pieces.push(bytes));
        response.on("end", () => end("whole")).on("error", () => end("reset"));
      }).on("error", () => end("reset"));
    });

  for (const [what, etag, outcome] of [
    ["goes on at another", '"one"', "whole"],
    ["resets who reads, where another has something else", '"two"', "reset"],
  ]) {
    test(`${what}: of ${viewers} viewers none gets a part for the whole`, async () => {
      const parent = dying();
      const parents = [await listening(parent), await listening(living(etag))];
      const edge = await start_edge(t, parents, ["--server-loops", "2"]);
      begun = 0;
      const reading = Array.from({ length: viewers }, () => read(`http://${edge.address.http}/object`));
      await until("all are in the middle of it", () => (begun === viewers ? true : undefined));
      parent.closeAllConnections();
      parent.close();
      for (const { how, content } of await Promise.all(reading)) {
        assert.equal(how, outcome);
        assert.ok(how === "reset" || content.equals(body), "byte for byte");
      }
    });
  }
});
