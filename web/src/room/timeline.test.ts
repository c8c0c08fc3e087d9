import { describe, expect, it } from "vitest";

import { Timeline, read_periods } from "./timeline";

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

describe("the periods of a broadcast", () => {
  const template = 'media="$Number$" timescale="90000"';
  it("are read from the manifest", () => {
    const manifest = `<MPD type="dynamic" availabilityStartTime="2026-01-01T00:00:00.500Z"><Period id="0" start="PT0S">
      <AdaptationSet><SegmentTemplate ${template} startNumber="0"/></AdaptationSet></Period>
      <Period id="1" start="PT20.25S" duration="PT3S"><AdaptationSet>
      <SegmentTemplate ${template} presentationTimeOffset="990000"><S t="990000"/></SegmentTemplate></AdaptationSet></Period></MPD>`;
    const zero_ms = Date.parse("2026-01-01T00:00:00.500Z");
    expect(read_periods(manifest)).toEqual([
      { start_ms: 0, wall_ms: zero_ms },
      { start_ms: 11_000, wall_ms: zero_ms + 20_250 },
    ]);
  });
  it("are none where it is no manifest", () => {
    for (const text of ["", "not live", "<MPD>", '<MPD availabilityStartTime="soon"><Period start="PT0S"></Period></MPD>']) expect(read_periods(text)).toEqual([]);
  });
});
