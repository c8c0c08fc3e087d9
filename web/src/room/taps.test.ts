import { describe, expect, it } from "vitest";

import { hearts_in_message_max } from "./message";
import { Taps } from "./taps";

describe("taps", () => {
  it("become one number, at the mean of the moments that the screen showed", () => {
    const taps = new Taps();
    expect(taps.take()).toBeNull();
    for (const at_ms of [61_000, 61_100, 61_240]) expect(taps.tap(at_ms)).toBe(true);
    expect(taps.take()).toEqual({ count: 3, at_ms: 61_113 });
    expect(taps.take()).toBeNull();
  });
  it("are no more than a message may say", () => {
    const taps = new Taps();
    for (let i = 0; i < hearts_in_message_max; ++i) expect(taps.tap(1)).toBe(true);
    expect(taps.tap(1)).toBe(false);
    expect(taps.take()?.count).toBe(hearts_in_message_max);
  });
});
