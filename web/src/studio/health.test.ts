import { describe, expect, it } from "vitest";

import { read_flow, read_offer, readings_of } from "./health";

const multivariant = `#EXTM3U
#EXT-X-VERSION:9
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio",DEFAULT=YES,AUTOSELECT=YES,URI="a.1/audio.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=900000,AVERAGE-BANDWIDTH=800000,CODECS="avc1.42c01f,mp4a.40.2",RESOLUTION=854x480,FRAME-RATE=30.000,AUDIO="audio"
a.1/480p.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2900000,AVERAGE-BANDWIDTH=2600000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=30.000,AUDIO="audio"
a.1/video.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=130000,AVERAGE-BANDWIDTH=128000,CODECS="mp4a.40.2",AUDIO="audio"
a.1/audio.m3u8
`;
const media = (extra = "") => `#EXTM3U
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z
#EXTINF:2.00000,
old.m4s
${extra}#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z
#EXT-X-PART:DURATION=1.00000,URI="a",INDEPENDENT=YES
#EXT-X-PART:DURATION=1.00000,URI="b"
#EXTINF:2.00000,
one.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:04.000Z
#EXT-X-PART:DURATION=1.00000,URI="c",INDEPENDENT=YES
`;
const now_ms = Date.parse("2026-01-01T00:00:05.400Z");

describe("the health of a broadcast", () => {
  it("is that of the camera's own rendition, which is the highest", () => {
    expect(read_offer(multivariant)).toEqual({
      source: "a.1/video.m3u8",
      width: 1280,
      height: 720,
      frame_rate: 30,
      bitrate_bps: 2_600_000,
      codecs: ["avc1.64001f", "mp4a.40.2"],
      rungs: 2,
    });
    expect(read_offer("#EXTM3U\n")).toBeNull();
  });
  it("knows how often key frames come and how old the newest part is", () => {
    expect(read_flow(media())).toEqual({ keyframe_s: 2, gaps: 0, breaks: 0, newest_ms: Date.parse("2026-01-01T00:00:05Z"), over: false });
  });
  it("counts breaks and gaps, and does not take a break for a missing key frame", () => {
    expect(read_flow(`${media("#EXT-X-DISCONTINUITY\n")}#EXT-X-GAP\n#EXT-X-ENDLIST\n`)).toMatchObject({ keyframe_s: 2, gaps: 1, breaks: 1, over: true });
  });
  it("is good without advice", () => {
    const readings = readings_of(read_offer(multivariant)!, read_flow(media()), now_ms);
    expect(readings.map((one) => [one.name, one.value])).toEqual([
      ["Arriving", "0.4 s old"],
      ["Bit rate", "2.6 Mbit/s"],
      ["Picture", "1280 × 720, 30 frames/s"],
      ["Key frames", "every 2.0 s"],
      ["Last minute", "no break"],
      ["Viewers may choose", "2 qualities"],
    ]);
    expect(readings.every((one) => one.verdict === "good" && one.advice === null)).toBe(true);
  });
  it("says what to change where something is wrong", () => {
    const offer = { ...read_offer(multivariant)!, codecs: ["mp4a.40.2"] };
    const stopped = readings_of(offer, { ...read_flow(media()), breaks: 1 }, now_ms + 8_000);
    expect(stopped.filter((one) => one.verdict !== "good").map((one) => one.name)).toEqual(["Arriving", "Picture", "Last minute"]);
    const seldom = readings_of(read_offer(multivariant)!, { ...read_flow(media()), keyframe_s: 10 }, now_ms);
    expect(seldom.find((one) => one.name === "Key frames")?.advice).toMatch(/1 or 2 s/);
  });
});
