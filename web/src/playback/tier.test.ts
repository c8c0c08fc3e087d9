import { describe, expect, it } from "vitest";

import { TierChooser } from "./tier";

const all = ["push", "low_latency", "plain"] as const;
const made = (manner: "moves" | "stays" = "moves", chance = 0) => new TierChooser(all, manner, chance);
const s = 1_000;

function stall(tiers: TierChooser, ...at_s: number[]): TierChooser {
  for (const at of at_s) tiers.stalled(at * s);
  return tiers;
}

describe("the tier", () => {
  it("is the highest at first", () => expect(made().tier).toBe("push"));

  it("falls with the third stall within half a minute, one tier at a time, and no further than plain", () => {
    const tiers = stall(made(), 10, 20);
    expect(tiers.tier).toBe("push");
    expect(tiers.stalled(39 * s)).toBe(true);
    expect(tiers.tier).toBe("low_latency");
    expect(stall(tiers, 40, 41, 42).tier).toBe("plain");
    expect(stall(tiers, 43, 44).stalled(45 * s)).toBe(false);
    expect(tiers.tier).toBe("plain");
  });
  it("stays where stalls are far from each other", () => {
    expect(stall(made(), 10, 30, 50, 70, 90, 110).tier).toBe("push");
  });
  it("falls at once where it cannot be had, or less comes than is born", () => {
    const tiers = made();
    expect(tiers.unavailable(0)).toBe(true);
    expect(tiers.tier).toBe("low_latency");
    expect(tiers.not_carried(1_000)).toBe(true);
    expect(tiers.tier).toBe("plain");
  });

  it("is tried again after a minute of calm, counted from the last stall", () => {
    const tiers = made();
    tiers.unavailable(0);
    expect(tiers.higher(59 * s)).toBeNull();
    expect(tiers.higher(60 * s)).toBe("push");
    tiers.stalled(60 * s);
    expect(tiers.higher(119 * s)).toBeNull();
    expect(tiers.higher(120 * s)).toBe("push");
    tiers.rise(120 * s);
    expect(tiers.tier).toBe("push");
    expect(tiers.higher(1_000 * s)).toBeNull();
  });
  it("that fails soon after it was tried is left alone twice as long each time, a quarter of an hour at most", () => {
    const tiers = made();
    tiers.unavailable(0);
    let now_s = 0;
    for (const wait_s of [60, 120, 240, 480, 960, 960]) {
      expect(tiers.higher((now_s + wait_s - 1) * s)).toBeNull();
      now_s += wait_s;
      expect(tiers.higher(now_s * s)).toBe("push");
      tiers.rise(now_s * s);
      now_s += 10;
      tiers.unavailable(now_s * s);
    }
  });
  it("that was carried for a while is tried again after a minute", () => {
    const tiers = made();
    tiers.unavailable(0);
    tiers.rise(60 * s);
    tiers.unavailable(70 * s); // in vain
    expect(tiers.higher(189 * s)).toBeNull();
    tiers.rise(190 * s);
    tiers.unavailable(300 * s);
    expect(tiers.higher(359 * s)).toBeNull();
    expect(tiers.higher(360 * s)).toBe("push");
  });
  it("that was refused when it was asked for costs no tier, and is asked for more rarely", () => {
    const tiers = made();
    tiers.unavailable(0);
    tiers.refused(60 * s);
    expect(tiers.tier).toBe("low_latency");
    expect(tiers.higher(179 * s)).toBeNull();
    expect(tiers.higher(180 * s)).toBe("push");
  });
  it("rises from plain by way of low latency", () => {
    const tiers = made();
    tiers.unavailable(0);
    tiers.unavailable(0);
    expect(tiers.higher(60 * s)).toBe("low_latency");
    tiers.rise(60 * s);
    expect(tiers.higher(60 * s)).toBe("push");
  });
  it("does not rise for everybody in the same second", () => {
    const tiers = made("moves", 1);
    tiers.unavailable(0);
    expect(tiers.higher(89 * s)).toBeNull();
    expect(tiers.higher(90 * s)).toBe("push");
  });

  it("that was wished for is kept, stalls or not, while it can be had", () => {
    const tiers = stall(made("stays"), 1, 2, 3, 4, 5);
    expect(tiers.not_carried(5 * s)).toBe(false);
    expect(tiers.tier).toBe("push");
    tiers.unavailable(6 * s);
    expect(tiers.tier).toBe("low_latency");
    expect(tiers.higher(66 * s)).toBe("push");
  });
});
