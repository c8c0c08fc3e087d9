import { describe, expect, it } from "vitest";

import { type Arrival, Silence, crawling_bps } from "./arrival";

// A part of 200 ms at 2.5 Mbit/s, asked for at 0, that comes at `bps`; seen `after_ms`.
const seen = (bps: number, after_ms: number): Arrival => ({
  asked_ms: 0,
  first_ms: 30,
  bytes: Math.min(62_500, (bps * (after_ms - 30)) / 8000),
  bytes_total: 62_500,
  media_s: 0.2,
});
const verdict = (bps: number, after_ms: number, ahead_s: number) => crawling_bps(seen(bps, after_ms), ahead_s, after_ms);

describe("a transfer under way", () => {
  it("is given up when it would use up what is in hand", () => expect(verdict(1e6, 160, 0.5)).toBeCloseTo(1e6));
  it("may take its time while there is enough in hand", () => expect(verdict(1e6, 160, 1.5)).toBeNull());
  it("is not judged by its first packets", () => expect(verdict(1e6, 100, 0.3)).toBeNull());
  it("may be slow as long as it comes faster than it is played", () => expect(verdict(2.6e6, 160, 0.1)).toBeNull());
  it("is not given up when all of it is here", () => expect(verdict(1e9, 400, 0.1)).toBeNull());
  it("is given up when nothing comes of it at all, but not at once", () => {
    const silent = { ...seen(0, 30), first_ms: null, bytes: 0 };
    expect(crawling_bps(silent, 0.5, 400)).toBeNull();
    expect(crawling_bps(silent, 0.5, 600)).toBe(0);
    expect(crawling_bps(silent, 3, 600)).toBeNull();
  });
});

describe("the silence", () => {
  it("is none while chunks come one after the other, or before the first", () => {
    const silence = new Silence();
    expect(silence.look_s(5_000)).toBe(0);
    for (let now_ms = 5_000; now_ms < 9_000; now_ms += 200) silence.heard(now_ms);
    expect(silence.look_s(9_000)).toBe(0);
  });
  it("grows while nothing comes, however often it is looked at, and remains", () => {
    const silence = new Silence();
    silence.heard(1_000);
    for (let now_ms = 1_000; now_ms <= 2_000; now_ms += 100) silence.look_s(now_ms);
    expect(silence.look_s(2_000)).toBeCloseTo(0.7);
    silence.heard(2_100);
    expect(silence.look_s(2_300)).toBeCloseTo(0.8);
  });
});
