import { describe, expect, it } from "vitest";

import { Throughput } from "./throughput";

describe("the throughput", () => {
  it("is unknown before anything worth measuring came", () => {
    const throughput = new Throughput();
    expect(throughput.estimate_bps(0)).toBeNull();
    throughput.add(900, 1, 0);
    expect(throughput.estimate_bps(0)).toBeNull();
  });
  it("is bits by the time they took, and not by the time between them", () => {
    const throughput = new Throughput();
    for (let now_ms = 0; now_ms <= 4000; now_ms += 200) throughput.add(12_500, 50, now_ms);
    expect(throughput.estimate_bps(4000)).toBeCloseTo(2e6);
  });
  it("falls at once and rises when it lasts", () => {
    const throughput = new Throughput();
    for (let now_ms = 0; now_ms <= 6000; now_ms += 200) throughput.add(12_500, 10, now_ms);
    for (let now_ms = 6200; now_ms <= 8000; now_ms += 200) throughput.add(12_500, 200, now_ms);
    expect(throughput.estimate_bps(8000)).toBeLessThan(600_000);
    for (let now_ms = 8200; now_ms <= 10_000; now_ms += 200) throughput.add(12_500, 10, now_ms);
    expect(throughput.estimate_bps(10_000)).toBeLessThan(2e6);
    for (let now_ms = 10_200; now_ms <= 14_400; now_ms += 200) throughput.add(12_500, 10, now_ms);
    expect(throughput.estimate_bps(14_400)).toBeCloseTo(10e6);
  });
  it("is forgotten after a while without transfers", () => {
    const throughput = new Throughput();
    throughput.add(100_000, 50, 0);
    expect(throughput.estimate_bps(7000)).toBeNull();
  });
});
