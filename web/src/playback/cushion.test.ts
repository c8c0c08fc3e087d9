import { describe, expect, it } from "vitest";

import { Cushion } from "./cushion";

// Chunks of 40 ms, each as late as told, in ms.
function fed(lateness_ms: number[], cushion = new Cushion(), from = 0): Cushion {
  lateness_ms.forEach((late_ms, i) => cushion.grew(0.04 * (from + i), 40 * (from + i) + late_ms));
  return cushion;
}
const punctual = (count: number) => new Array<number>(count).fill(0);

describe("the cushion", () => {
  it("is a chunk and a margin where every chunk comes in time", () => {
    expect(fed(punctual(50)).size_s(2_000)).toBeCloseTo(0.12);
  });
  it("is larger by how late the latest of them came", () => {
    const jitter = [...punctual(10), 150, ...punctual(10)];
    expect(fed(jitter).size_s(1_000)).toBeCloseTo(0.27);
  });
  it("forgets what was long ago", () => {
    const jitter = [150, ...punctual(400)];
    expect(fed(jitter).size_s(16_000)).toBeCloseTo(0.12);
  });
  it("grows by a stall, more by a second, and shrinks slowly when all is calm", () => {
    const cushion = fed(punctual(50));
    cushion.stalled(2_000);
    expect(cushion.size_s(2_000)).toBeCloseTo(0.27);
    cushion.stalled(3_000);
    expect(cushion.size_s(3_000)).toBeCloseTo(0.42);
    expect(cushion.size_s(23_000)).toBeCloseTo(0.42);
    expect(cushion.size_s(33_000)).toBeCloseTo(0.32);
    expect(cushion.size_s(63_000)).toBeCloseTo(0.12);
  });
  it("has an end", () => {
    const cushion = fed([...punctual(5), 60_000, ...punctual(5)]);
    for (let i = 0; i < 100; ++i) cushion.stalled(1_000);
    expect(cushion.size_s(1_000)).toBe(2);
  });
  it("tells how far behind the line a viewer is, whenever it is asked", () => {
    const cushion = fed(punctual(50));
    expect(cushion.behind_s(1.86, 1_960)).toBeCloseTo(0.1);
    expect(cushion.behind_s(1.88, 1_980)).toBeCloseTo(0.1);
    expect(new Cushion().behind_s(0, 0)).toBeNull();
  });
  it("knows nothing of what was before a skip", () => {
    const cushion = fed(punctual(50));
    cushion.forget();
    expect(cushion.behind_s(99, 2_000)).toBeNull();
    fed(punctual(10), cushion, 3_000);
    expect(cushion.size_s(120_400)).toBeCloseTo(0.12);
  });
});
