// Follows /live/NAME/status.json: one request is always waiting at the server, which answers when the version moves
// on (or after about 25 s). Lives as long as the page; a server that restarts or a network that goes away is waited out.

import { type Backoff, backoff } from "../base/backoff";
import type { Road } from "../playback/road";

export type ChannelState = "offline" | "live" | "paused" | "ended";

export interface Status {
  channel: string;
  state: ChannelState;
  version: number;
  broadcast: string | null; // "ID.EPOCH": another one means other media
  started_at: string | null;
  target_latency_ms: number | null;
}

// What the feed knows: news of the channel, that it is somebody's who was not on air since the server was started, that
// there is no such channel, that this link to it is over, or that the server cannot be reached.
export type News = { kind: "status"; status: Status } | { kind: "dark" | "missing" | "refused" | "unreachable" };

export interface FeedWorld {
  fetch(url: string, options: RequestInit): Promise<Response>;
  sleep(ms: number, stop: AbortSignal): Promise<void>;
}

// The server holds ~25 s; an answer that takes longer than that and a slow network is lost.
const answer_time_max_ms = 25_000 + 15_000;
// A channel that is not there may be made: ask again, rarely.
const missing_wait_ms = 10_000;
// Somebody may be about to go on air, and viewers wait for it.
const dark_wait_ms = 3_000;
// Should a server or a proxy answer at once instead of holding, we do not spin.
const poll_wait_ms = 1_000;

const states: readonly ChannelState[] = ["offline", "live", "paused", "ended"];

export function parse_status(value: unknown): Status | null {
  if (typeof value !== "object" || value === null) return null;
  const it = value as Record<string, unknown>;
  const state = states.find((known) => known === it["state"]);
  if (state === undefined || typeof it["version"] !== "number") return null;
  const text = (field: string) => (typeof it[field] === "string" ? it[field] : null);
  return {
    channel: text("channel") ?? "",
    state,
    version: it["version"],
    broadcast: text("broadcast"),
    started_at: text("started_at"),
    target_latency_ms: typeof it["target_latency_ms"] === "number" ? it["target_latency_ms"] : null,
  };
}

// Runs until `stop` is aborted. Never throws.
export async function follow_channel(
  road: Road,
  tell: (news: News) => void,
  stop: AbortSignal,
  world: FeedWorld = browser_world,
  waits: Backoff = backoff(500, 8_000),
): Promise<void> {
  let version: number | null = null;
  while (!stop.aborted) {
    const news = await ask(road, version, stop, world);
    if (stop.aborted) return;
    tell(news);
    switch (news.kind) {
      case "status":
        waits.reset();
        if (news.status.version === version) await world.sleep(poll_wait_ms, stop);
        version = news.status.version;
        break;
      case "dark":
        version = null;
        await world.sleep(dark_wait_ms, stop);
        break;
      case "missing":
      case "refused":
        version = null;
        await world.sleep(missing_wait_ms, stop);
        break;
      case "unreachable":
        version = null; // a server that restarts counts from the beginning: ask for what is now, not for what follows
        await world.sleep(waits.next_ms(), stop);
        break;
    }
  }
}

// `ways`: that may be tried where one is barred.
async function ask(road: Road, after: number | null, stop: AbortSignal, world: FeedWorld, ways: "all" | "this" = "all"): Promise<News> {
  try {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(answer_time_max_ms)]);
    const address = road.address(after === null ? "status.json" : `status.json?after=${after}`);
    const response = await world.fetch(address, { cache: "no-store", signal });
    if (response.status === 403 || response.status === 404) {
      if (ways === "all" && (await road.find(stop))) return await ask(road, null, stop, world, "this");
      if (response.status === 403) return { kind: "refused" };
      const person = await world.fetch(`/api/v1/people/${encodeURIComponent(road.channel)}`, { cache: "no-store", signal });
      return { kind: person.ok ? "dark" : "missing" };
    }
    const status = response.ok ? parse_status(await response.json()) : null;
    return status === null ? { kind: "unreachable" } : { kind: "status", status };
  } catch {
    return { kind: "unreachable" };
  }
}

const browser_world: FeedWorld = {
  fetch: (url, options) => fetch(url, options),
  // Also ends when the network comes back.
  sleep: (ms, stop) =>
    new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        window.removeEventListener("online", end);
        stop.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      window.addEventListener("online", end);
      stop.addEventListener("abort", end);
    }),
};
