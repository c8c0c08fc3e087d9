import { describe, expect, it } from "vitest";

import { plain_manifest } from "./plain_manifest";

describe("a manifest for players without low latency", () => {
  it("says nothing of what is there before a segment is whole, nor how near to live to be", () => {
    const template = (more: string) => `<SegmentTemplate timescale="90000"${more} media="v-$Number$.m4s"/>`;
    const description = '\n  <ServiceDescription id="0">\n    <Latency target="1000"/>\n  </ServiceDescription>';
    const low = `<MPD>${description}<Period>${template(' availabilityTimeOffset="0.8" availabilityTimeComplete="false"')}</Period></MPD>`;
    expect(plain_manifest(low)).toBe(`<MPD>\n  <Period>${template("")}</Period></MPD>`);
  });
  it("is what it was where there is nothing of low latency", () => {
    expect(plain_manifest('<MPD type="static"><Period/></MPD>')).toBe('<MPD type="static"><Period/></MPD>');
  });
});
