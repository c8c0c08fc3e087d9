import { describe, expect, it } from "vitest";

import { backoff } from "../base/backoff";
import { Road } from "./road";

// Answers from a script, and stops when it is through. What was asked and waited for is written down.
async function keep(road: Road, script: (object | number | "unreachable")[]) {
  const stop = new AbortController();
  const asked: string[] = [];
  const waited: number[] = [];
  const world = {
    fetch: async (url: string) => {
      asked.push(url);
      const answer = script.shift();
      if (script.length === 0) stop.abort();
      if (answer === "unreachable") throw new TypeError("no network");
      return typeof answer === "number" ? new Response("", { status: answer }) : Response.json(answer);
    },
    sleep: async (ms: number) => void waited.push(ms),
  };
  await road.keep(stop.signal, world, backoff(500, 8000, () => 0));
  return { asked, waited };
}

describe("a road", () => {
  it("to what is public has no token, and none to renew", async () => {
    const road = new Road("ada");
    expect(road.address("index.m3u8")).toBe("/live/ada/index.m3u8");
    expect(road.now("http://h/t/old/live/ada/1.2/video-3.m4s")).toBe("http://h/t/old/live/ada/1.2/video-3.m4s");
    expect((await keep(road, [{ token: "x", for_s: 9 }])).asked).toEqual([]);
  });
  it("of a guest has his token in front", () => {
    const road = new Road("ada", "old");
    expect(road.address("index.m3u8")).toBe("/t/old/live/ada/index.m3u8");
    expect(road.socket_address("push", "https://h/t/old/@ada")).toBe("wss://h/t/old/live/ada/push");
  });
  it("exchanges the token in what was asked for earlier, when half its time has passed", async () => {
    const road = new Road("ada", "old");
    const { asked, waited } = await keep(road, [{ token: "new", for_s: 300 }, { token: "newer", for_s: 300 }]);
    expect(asked).toEqual(["/t/old/live/ada/renewed", "/t/new/live/ada/renewed"]);
    expect(waited[0]).toBe(150_000);
    expect(road.now("http://h/t/old/live/ada/1.2/video-3.m4s?x=/t/y")).toBe("http://h/t/newer/live/ada/1.2/video-3.m4s?x=/t/y");
  });
  it("is found by who is logged in where it is barred, and is plain again when nothing private is there", async () => {
    const passes: (string | null | "unreachable")[] = ["mine", "unreachable", null];
    const road = new Road("ada", undefined, async () => passes.shift() ?? null);
    const stop = new AbortController();
    const world = {
      fetch: async () => Response.json({ token: "renewed", for_s: 300 }),
      sleep: (_: number, until: AbortSignal) => new Promise<void>((end) => until.addEventListener("abort", () => end())),
    };
    expect(await road.find(stop.signal, world)).toBe(true);
    expect(road.address("room")).toBe("/t/mine/live/ada/room");
    await expect.poll(() => road.address("room")).toBe("/t/renewed/live/ada/room");
    expect(await road.find(stop.signal, world)).toBe(false);
    expect(road.address("room")).toBe("/t/renewed/live/ada/room");
    expect(await road.find(stop.signal, world)).toBe(true);
    expect(road.address("room")).toBe("/live/ada/room");
    stop.abort();
    expect(await new Road("ada", "link").find(stop.signal, world)).toBe(false);
  });
  it("begins anew where a token cannot be made to last", async () => {
    const road = new Road("ada", "old", async () => "next");
    const { asked } = await keep(road, [{ token: "last", for_s: 20 }, { token: "n1", for_s: 300 }]);
    expect(asked).toEqual(["/t/old/live/ada/renewed", "/t/next/live/ada/renewed"]);
  });
  it("is asked for again where the network is away, and no more where it is refused", async () => {
    const road = new Road("ada", "old");
    const { asked } = await keep(road, ["unreachable", 503, 403, { token: "x", for_s: 9 }]);
    expect(asked).toHaveLength(3);
    expect(road.address("room")).toBe("/t/old/live/ada/room");
  });
});
