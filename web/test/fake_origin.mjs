// An origin for tests of the pages: serves dist/, a live test picture as LL-HLS and LL-DASH (the same for every
// channel), and the status of channels, which the test sets.

import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

import { FakePackager } from "./fake_packager.mjs";

const dist = new URL("../dist/", import.meta.url).pathname;
const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

const one_rung = [{ name: "video", width: 640, height: 360, bitrate: 500_000 }];

const ffmpeg_arguments = (address, rungs) => [
  ...["-hide_banner", "-loglevel", "error", "-re"],
  ...["-f", "lavfi", "-i", `testsrc2=size=${rungs[0].width}x${rungs[0].height}:rate=30`],
  ...["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"],
  ...rungs.flatMap(({ width, height, bitrate }, i) => [
    ...["-map", "0:v", `-filter:v:${i}`, `scale=${width}:${height}`, `-b:v:${i}`, String(bitrate)],
    ...[`-maxrate:v:${i}`, String(bitrate), `-bufsize:v:${i}`, String(bitrate / 2)],
  ]),
  ...["-map", "1:a", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "30", "-sc_threshold", "0"],
  ...["-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k", "-adaptation_sets", "id=0,streams=v id=1,streams=a"],
  ...["-f", "dash", "-method", "PUT", "-http_persistent", "1", "-streaming", "1", "-ldash", "1", "-target_latency", "0.8"],
  ...["-seg_duration", "1", "-frag_type", "duration", "-frag_duration", "0.2", "-use_template", "1", "-use_timeline", "0"],
  ...["-window_size", "30", "-utc_timing_url", "/time", `${address}/put/manifest.mpd`],
];

// start() -> { address, set(channel, status), off(channel), down(), up(), picture(), close() }
export async function start({ rungs = one_rung } = {}) {
  const packager = new FakePackager(rungs);
  const channels = new Map(); // name -> { status, waiting: Set of functions }
  let answering = true;
  let ffmpeg = null;
  const viewers = new Set(); // sockets
  const pictures = new Map(); // "poster.jpg", "7.1/storyboard.vtt" -> content, the same for every channel

  function status_of(channel) {
    return { channel, ...channels.get(channel).status, server_time: new Date().toISOString() };
  }
  function json(response, value) {
    response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(JSON.stringify(value));
  }
  async function file(response, path, status = 200) {
    try {
      const content = await readFile(path);
      response.writeHead(status, { "content-type": types[extname(path)] ?? "application/octet-stream" });
      response.end(content);
    } catch {
      response.writeHead(404).end("not found");
    }
  }

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://origin");
    if (request.method === "PUT") {
      packager.put(url.pathname.slice("/put/".length), request);
      return void request.on("end", () => response.end());
    }
    if (request.method === "DELETE") return void response.end();
    if (!answering) return void request.socket.destroy();
    viewers.add(request.socket);
    const live = /^\/live\/([^/]+)\/(.+)$/.exec(url.pathname);
    if (url.pathname === "/time") return void response.end(new Date().toISOString());
    if (url.pathname === "/live/index.json")
      return json(response, { channels: [...channels].map(([name, { status }]) => ({ name, state: status.state })) });
    if (live) {
      const [, channel, rest] = live;
      if (pictures.has(rest)) return void response.writeHead(200, { "content-type": "image/jpeg" }).end(pictures.get(rest));
      if (rest !== "status.json") {
        if (!(await packager.serve(rest, url.searchParams, response))) response.writeHead(404).end("not found");
        return;
      }
      if (!channels.has(channel)) return void response.writeHead(404).end("no such channel");
      const { status, waiting } = channels.get(channel);
      const after = Number(url.searchParams.get("after") ?? -1);
      if (status.version > after) return json(response, status_of(channel));
      const answer = () => {
        clearTimeout(timer);
        waiting.delete(answer);
        json(response, status_of(channel));
      };
      const timer = setTimeout(answer, 25_000);
      waiting.add(answer);
      response.on("close", () => (clearTimeout(timer), waiting.delete(answer)));
      return;
    }
    if (url.pathname.startsWith("/assets/") || url.pathname === "/notices.js") return void file(response, join(dist, normalize(url.pathname)));
    const page = /^\/(login|signup|studio(\/[a-z]+)?|(embed\/)?@.*)?$/.test(url.pathname);
    void file(response, join(dist, "index.html"), page ? 200 : 404);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

  return {
    address: `http://127.0.0.1:${server.address().port}`,
    set(channel, status) {
      const entry = channels.get(channel) ?? { status: { version: 0 }, waiting: new Set() };
      const usual = { broadcast: null, started_at: null, target_latency_ms: 1000 };
      entry.status = { ...usual, ...status, version: entry.status.version + 1 };
      channels.set(channel, entry);
      for (const answer of [...entry.waiting]) answer();
    },
    // Connections die and new ones are refused at once, as when the server restarts.
    down() {
      answering = false;
      for (const socket of viewers) socket.destroy();
      viewers.clear();
    },
    up() {
      answering = true;
    },
    // From here on there is a picture; resolves when it can be asked for.
    async picture() {
      const address = `http://127.0.0.1:${server.address().port}`;
      ffmpeg = spawn("ffmpeg", ffmpeg_arguments(address, rungs), { stdio: ["ignore", "inherit", "inherit"] });
      for (let i = 0; i < 200; ++i) {
        if (packager.has_picture) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      throw new Error("ffmpeg made no picture within 20 s");
    },
    packager,
    set_picture: (name, content) => pictures.set(name, content),
    stop_picture: () => ffmpeg?.kill("SIGTERM"),
    async close() {
      ffmpeg?.kill("SIGKILL");
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
