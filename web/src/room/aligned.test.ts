import { describe, expect, it } from "vitest";

import { Aligned } from "./aligned";

describe("what belongs to a moment", () => {
  it("is due when the screen shows it, whatever its order of arrival", () => {
    const aligned = new Aligned<string>(10);
    aligned.add("later", 2_000);
    aligned.add("sooner", 1_000);
    aligned.add("with it", 1_000);
    expect(aligned.due(999)).toEqual([]);
    expect(aligned.due(1_000)).toEqual(["sooner", "with it"]);
    expect(aligned.due(5_000)).toEqual(["later"]);
    expect(aligned.due(5_000)).toEqual([]);
  });
  it("is due at once when it has passed, or when nobody knows what the screen shows", () => {
    const aligned = new Aligned<string>(10);
    aligned.add("past", 1_000);
    expect(aligned.due(60_000)).toEqual(["past"]);
    aligned.add("unknown", 90_000);
    expect(aligned.due(null)).toEqual(["unknown"]);
  });
  it("waits in bounds: the earliest are due when there are too many", () => {
    const aligned = new Aligned<number>(3);
    for (const n of [1, 2, 3, 4, 5]) aligned.add(n, 1_000 * n);
    expect(aligned.due(0)).toEqual([1, 2]);
    expect(aligned.waiting).toBe(3);
  });
  it("can be dropped before it is due", () => {
    const aligned = new Aligned<number>(3);
    aligned.add(1, 10);
    aligned.add(2, 10);
    aligned.drop((n) => n === 1);
    expect(aligned.due(10)).toEqual([2]);
  });
});
