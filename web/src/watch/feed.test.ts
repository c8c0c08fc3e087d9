import { describe, expect, it } from "vitest";

import { backoff } from "../base/backoff";
import { Road } from "../playback/road";
import { type FeedWorld, type News, follow_channel, parse_status } from "./feed";

type Answer = number | "refused" | object;

const live = (version: number) => ({ channel: "ada", state: "live", version, broadcast: "7.1", started_at: null });

// Answers requests from a script and stops the feed at the first request beyond it, which is written down as well.
// Waits take no time and are written down.
async function run(script: Answer[], road = new Road("ada")) {
  const stop = new AbortController();
  const asked: string[] = [];
  const waits: number[] = [];
  const told: News[] = [];
  const world: FeedWorld = {
    fetch: async (url) => {
      asked.push(url.replace("/live/ada/status.json", ""));
      const answer = script.shift();
      if (answer === undefined) stop.abort();
      if (answer === undefined || answer === "refused") throw new TypeError("refused");
      if (typeof answer === "number") return new Response("", { status: answer });
      return new Response(JSON.stringify(answer));
    },
    sleep: async (ms) => {
      waits.push(ms);
    },
  };
  await follow_channel(road, (news) => told.push(news), stop.signal, world, backoff(500, 8000, () => 0));
  return { asked, waits, told };
}

describe("the status feed", () => {
  it("asks for what is now, then for what follows", async () => {
    const { asked } = await run([live(3), live(4)]);
    expect(asked).toEqual(["", "?after=3", "?after=4"]);
  });

  it("waits longer and longer for a server that is away, and then asks for what is now", async () => {
    const { asked, waits, told } = await run([live(3), "refused", 503, "refused", live(1)]);
    expect(asked).toEqual(["", "?after=3", "", "", "", "?after=1"]);
    expect(waits).toEqual([500, 1000, 2000]);
    expect(told.map((news) => news.kind)).toEqual([
      "status", "unreachable", "unreachable", "unreachable", "status",
    ]);
  });

  it("does not spin when the answer is not held", async () => {
    const { waits } = await run([live(3), live(3), live(3)]);
    expect(waits).toEqual([1000, 1000]);
  });

  it("says that there is no such channel, and looks again later", async () => {
    const { asked, waits, told } = await run([404, 404, live(1)]);
    expect(asked.slice(0, 3)).toEqual(["", "/api/v1/people/ada", ""]);
    expect(told.map((news) => news.kind)).toEqual(["missing", "status"]);
    expect(waits[0]).toBe(10_000);
  });

  it("says that a channel without news is somebody's, who may come", async () => {
    const { waits, told } = await run([404, { name: "ada" }, live(1)]);
    expect(told.map((news) => news.kind)).toEqual(["dark", "status"]);
    expect(waits[0]).toBe(3_000);
  });

  it("says that a link is over, and looks again later", async () => {
    const { told, waits } = await run([403, live(1)]);
    expect(told.map((news) => news.kind)).toEqual(["refused", "status"]);
    expect(waits[0]).toBe(10_000);
  });

  it("goes another way where one is barred and another is found", async () => {
    const { asked, told, waits } = await run([404, live(1)], new Road("ada", undefined, async () => "mine"));
    expect(asked.filter((address) => !address.endsWith("/renewed"))).toEqual(["", "/t/mine", "/t/mine?after=1"]);
    expect(told.map((news) => news.kind)).toEqual(["status"]);
    expect(waits).toEqual([]);
  });

  it("takes an answer that makes no sense for no answer", async () => {
    const { told } = await run([{ state: "sideways", version: 1 }, 204]);
    expect(told[0]?.kind).toBe("unreachable");
  });
});

describe("a status", () => {
  it("may leave out what it does not know", () => {
    expect(parse_status({ state: "offline", version: 0 })).toEqual({
      channel: "", state: "offline", version: 0, broadcast: null, started_at: null, target_latency_ms: null,
    });
  });
  it("must say its state and version", () => {
    for (const value of [null, 7, {}, { state: "live" }, { state: "dead", version: 1 }]) expect(parse_status(value)).toBeNull();
  });
});
