import { describe, expect, it } from "vitest";

import { Cushion } from "./cushion";

const most_s = 2;

// Chunks of 40 ms, each as late as told, in ms.
function fed(lateness_ms: number[], cushion = new Cushion(most_s), from = 0): Cushion {
  lateness_ms.forEach((late_ms, i) => cushion.grew(0.04 * (from + i), 40 * (from + i) + late_ms));
  return cushion;
}
const punctual = (count: number) => new Array<number>(count).fill(0);

describe("the cushion", () => {
  it("is a chunk and a reserve where every chunk comes in time", () => {
    expect(fed(punctual(100)).size_s(4_000)).toBeCloseTo(0.15);
  });
  it("is larger by how late the latest of them came", () => {
    const jitter = [...punctual(150), 150, ...punctual(150)];
    expect(fed(jitter).size_s(12_000)).toBeCloseTo(0.3);
  });
  it("keeps more in reserve while little is known, of what differs much", () => {
    const jitter = [...punctual(3), 150, ...punctual(3)];
    expect(fed(jitter).size_s(240)).toBeCloseTo(0.24 + 0.15 * (6 / 7));
  });
  it("remembers two minutes, and falls slowly then", () => {
    const cushion = fed([...punctual(50), 500, ...punctual(3_000)]);
    expect(cushion.size_s(119_000)).toBeCloseTo(0.65);
    fed(punctual(100), cushion, 3_051);
    expect(cushion.size_s(126_000)).toBeCloseTo(0.65 - 7 * 0.05);
    expect(cushion.size_s(140_000)).toBeCloseTo(0.15);
  });
  it("has a reserve more for each stall in memory, four at most", () => {
    const cushion = fed(punctual(100));
    cushion.stalled(4_000);
    expect(cushion.size_s(4_000)).toBeCloseTo(0.21);
    for (let i = 0; i < 9; ++i) cushion.stalled(4_000);
    expect(cushion.size_s(4_000)).toBeCloseTo(0.39);
  });
  it("sees that less comes than is born, and no pause that a burst follows", () => {
    const thin = [...punctual(50), ...Array.from({ length: 60 }, (_, i) => 40 * i)]; // half of it
    expect(fed(thin.slice(0, 50 + 17)).falling_behind_ms(2_000 + 17 * 80)).toBe(0);
    expect(fed(thin).falling_behind_ms(2_000 + 59 * 80)).toBeCloseTo(41 * 80, -2);
    const pause = [...punctual(50), ...Array.from({ length: 50 }, (_, i) => Math.max(0, 2_000 - 40 * i))];
    expect(fed([...pause, ...punctual(3)]).falling_behind_ms(5_000)).toBe(0);
  });
  it("has an end", () => {
    const cushion = fed([...punctual(5), 60_000, ...punctual(5)]);
    expect(cushion.size_s(1_000)).toBe(most_s);
  });
  it("tells how far behind the line a viewer is, whenever it is asked", () => {
    const cushion = fed(punctual(50));
    expect(cushion.behind_s(1.86, 1_960)).toBeCloseTo(0.1);
    expect(cushion.behind_s(1.88, 1_980)).toBeCloseTo(0.1);
    expect(new Cushion(most_s).behind_s(0, 0)).toBeNull();
  });
  it("knows nothing of what was before a skip, but of the stalls", () => {
    const cushion = fed([...punctual(50), 500]);
    cushion.stalled(2_000);
    cushion.forget();
    expect(cushion.behind_s(99, 2_000)).toBeNull();
    fed(punctual(100), cushion, 1_000);
    expect(cushion.size_s(44_000)).toBeCloseTo(0.21);
  });
});
