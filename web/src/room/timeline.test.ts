import { describe, expect, it } from "vitest";

import { Timeline } from "./timeline";

describe("the moment of media on the screen", () => {
  it("is unknown without a period, and before the broadcast", () => {
    const timeline = new Timeline();
    expect(timeline.media_ms(1_000)).toBeNull();
    timeline.set([{ start_ms: 0, wall_ms: 5_000 }]);
    expect(timeline.media_ms(4_999)).toBeNull();
  });
  it("is told by the period that the picture belongs to", () => {
    const timeline = new Timeline();
    timeline.set([
      { start_ms: 60_000, wall_ms: 100_000 }, // the camera was away for twenty seconds
      { start_ms: 2_000, wall_ms: 20_000 },
    ]);
    expect(timeline.media_ms(20_000)).toBe(2_000);
    expect(timeline.media_ms(50_000)).toBe(32_000);
    expect(timeline.media_ms(100_500)).toBe(60_500);
    expect(timeline.media_ms(19_000)).toBe(1_000); // earlier periods have been forgotten
  });
});
