import { describe, expect, it } from "vitest";

import { pace } from "./pace";

const at = (behind_s: number, ahead_s: number, rate = 1) => ({ behind_s, target_s: 0.6, ahead_s, rate });

describe("the pace", () => {
  it("is 1 at the target", () => expect(pace(at(0.6, 0.5))).toBe(1));
  it("is faster behind the target, the further the faster", () => {
    expect(pace(at(0.9, 0.8))).toBe(1.05);
    expect(pace(at(2.0, 1.8))).toBe(1.1);
  });
  it("goes on until the target is reached, and then does not flutter", () => {
    expect(pace(at(0.7, 0.6, 1.05))).toBe(1.05);
    expect(pace(at(0.63, 0.5, 1.05))).toBe(1);
    expect(pace(at(0.7, 0.6, 1))).toBe(1);
  });
  it("never spends the last parts to catch up", () => expect(pace(at(2.0, 0.25))).toBe(1));
  it("is slower when nearly dry at the live edge, until a part is in hand again", () => {
    expect(pace(at(0.6, 0.05))).toBe(0.97);
    expect(pace(at(0.6, 0.2, 0.97))).toBe(0.97);
    expect(pace(at(0.6, 0.35, 0.97))).toBe(1);
  });
  it("is slower when nearer to the edge than the target, until it is reached", () => {
    expect(pace(at(0.4, 0.4))).toBe(0.97);
    expect(pace(at(0.5, 0.5))).toBe(1);
    expect(pace(at(0.5, 0.5, 0.97))).toBe(0.97);
    expect(pace(at(0.58, 0.5, 0.97))).toBe(1);
  });
  it("is 1 for a viewer who watches the past", () => expect(pace(at(20, 10))).toBe(1));
});
