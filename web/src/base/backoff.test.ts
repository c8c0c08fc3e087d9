import { describe, expect, it } from "vitest";

import { backoff } from "./backoff";

describe("a back-off", () => {
  it("doubles up to its limit and starts over after a success", () => {
    const waits = backoff(500, 3000, () => 0);
    expect([waits.next_ms(), waits.next_ms(), waits.next_ms(), waits.next_ms(), waits.next_ms()]).toEqual([
      500, 1000, 2000, 3000, 3000,
    ]);
    waits.reset();
    expect(waits.next_ms()).toBe(500);
  });
  it("never waits less than half of the full time, nor more than all of it", () => {
    for (const draw of [0, 0.3, 0.999]) {
      const wait_ms = backoff(1000, 8000, () => draw).next_ms();
      expect(wait_ms).toBeGreaterThan(500);
      expect(wait_ms).toBeLessThanOrEqual(1000);
    }
  });
});
