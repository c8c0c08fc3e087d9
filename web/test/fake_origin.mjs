// An origin for tests of the pages: serves dist/, a live test picture that ffmpeg packages as plain HLS and DASH, and
// the status of channels, which the test sets. Nothing here is low-latency: it is about what the page does and says.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";

const dist = new URL("../dist/", import.meta.url).pathname;
const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".m3u8": "application/vnd.apple.mpegurl",
  ".mpd": "application/dash+xml",
  ".m4s": "video/mp4",
};

const ffmpeg_arguments = (folder, size) => [
  ...["-hide_banner", "-loglevel", "error", "-re"],
  ...["-f", "lavfi", "-i", `testsrc2=size=${size}:rate=30`, "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"],
  ...["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "30", "-b:v", "500k", "-pix_fmt", "yuv420p"],
  ...["-c:a", "aac", "-b:a", "64k"],
  ...["-f", "dash", "-seg_duration", "1", "-window_size", "8", "-extra_window_size", "8"],
  ...["-utc_timing_url", "/time", "-hls_playlist", "1", "-hls_master_name", "index.m3u8", join(folder, "manifest.mpd")],
];

// start() -> { address, set(channel, status), off(channel), down(), up(), picture(), close() }
export async function start({ size = "640x360" } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "klieg-web-"));
  const channels = new Map(); // name -> { status, waiting: Set of functions }
  let answering = true;
  let ffmpeg = null;

  function status_of(channel) {
    return { channel, ...channels.get(channel).status, server_time: new Date().toISOString() };
  }
  function json(response, value) {
    response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(JSON.stringify(value));
  }
  async function file(response, path, status = 200) {
    try {
      let content = await readFile(path);
      // ffmpeg promises one second of delay, which whole segments of one second cannot keep.
      if (path.endsWith(".mpd")) content = String(content).replace(/suggestedPresentationDelay="[^"]*"/, 'suggestedPresentationDelay="PT4S"');
      response.writeHead(status, { "content-type": types[extname(path)] ?? "application/octet-stream" });
      response.end(content);
    } catch {
      response.writeHead(404).end("not found");
    }
  }

  const server = createServer((request, response) => {
    if (!answering) return void request.socket.destroy();
    const url = new URL(request.url, "http://origin");
    const live = /^\/live\/([^/]+)\/(.+)$/.exec(url.pathname);
    if (url.pathname === "/time") return void response.end(new Date().toISOString());
    if (url.pathname === "/live/index.json")
      return json(response, { channels: [...channels].map(([name, { status }]) => ({ name, state: status.state })) });
    if (live) {
      const [, channel, rest] = live;
      if (rest !== "status.json") return void file(response, join(folder, normalize(`/${rest}`)));
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
    if (url.pathname.startsWith("/assets/")) return void file(response, join(dist, normalize(url.pathname)));
    const page = url.pathname === "/" || url.pathname.startsWith("/@");
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
      server.closeAllConnections();
    },
    up() {
      answering = true;
    },
    // From here on there is a picture; resolves when it can be asked for.
    async picture() {
      ffmpeg = spawn("ffmpeg", ffmpeg_arguments(folder, size), { stdio: ["ignore", "inherit", "inherit"] });
      for (let i = 0; i < 200; ++i) {
        const ready = await readFile(join(folder, "media_0.m3u8"), "utf8").then((text) => text.split("#EXTINF").length > 4, () => false);
        if (ready) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      throw new Error("ffmpeg made no picture within 20 s");
    },
    stop_picture: () => ffmpeg?.kill("SIGTERM"),
    async close() {
      ffmpeg?.kill("SIGKILL");
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
