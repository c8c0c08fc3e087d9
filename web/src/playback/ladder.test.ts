import { describe, expect, it } from "vitest";

import { type Rung, highest_first, rung_label, rungs_in, track_of } from "./ladder";

const rung = (id: string, width: number, height: number, bitrate_bps = 1e6): Rung => ({ id, width, height, bitrate_bps });

describe("a rung", () => {
  it("is named after its playlist", () => {
    expect(track_of("http://host/live/ada/7.1/720p.m3u8?token=a/b")).toBe("720p");
    expect(track_of("7.1/video.m3u8")).toBe("video");
    expect(track_of("720p")).toBe("720p");
  });
  it("says its size by the shorter side", () => {
    expect(rung_label(rung("720p", 1280, 720), [])).toBe("720p");
    expect(rung_label(rung("720p", 720, 1280), [])).toBe("720p");
  });
  it("says that it came from the camera, where there are others", () => {
    const source = rung("video", 1920, 1080);
    expect(rung_label(source, [source])).toBe("1080p");
    expect(rung_label(source, [source, rung("480p", 854, 480)])).toBe("1080p source");
  });
  it("tells twins apart", () => {
    const twins = [rung("720p-high", 1280, 720, 3e6), rung("720p", 1280, 720, 9e5)];
    expect(twins.map((one) => rung_label(one, twins))).toEqual(["720p 3.0 Mbit/s", "720p 900 kbit/s"]);
  });
  it("without a known size says its bitrate", () => expect(rung_label(rung("x", 0, 0, 250_000), [])).toBe("250 kbit/s"));
  it("stands above lower ones", () =>
    expect(highest_first([rung("a", 426, 240), rung("c", 1280, 720, 1), rung("b", 1280, 720, 2)]).map((one) => one.id)).toEqual([
      "b",
      "c",
      "a",
    ]));
});

describe("what a multivariant playlist offers", () => {
  const variant = (attributes: string, uri: string) => `#EXT-X-STREAM-INF:BANDWIDTH=${attributes}\n${uri}\n`;
  const low = variant('900000,AVERAGE-BANDWIDTH=700000,RESOLUTION=426x240,CODECS="avc1,mp4a",AUDIO="a"', "7.1/240p.m3u8");
  const source = variant("2600000,RESOLUTION=1280x720", "7.1/video.m3u8");
  it("is each track with a picture, once, the highest first", () => {
    expect(rungs_in(`#EXTM3U\n${low}${low}${source}`)).toEqual({
      rungs: [rung("video", 1280, 720, 2_600_000), rung("240p", 426, 240, 900_000)],
      has_audio_only: false,
    });
  });
  it("is sound alone where that has a playlist, be it a variant or a rendition", () => {
    expect(rungs_in(source + variant('64000,CODECS="mp4a"', "7.1/audio.m3u8")).has_audio_only).toBe(true);
    expect(rungs_in(`#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",URI="7.1/audio.m3u8"\n${source}`).has_audio_only).toBe(true);
    expect(rungs_in(`#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a"\n${source}`).has_audio_only).toBe(false);
    expect(rungs_in(variant('64000,CODECS="mp4a"', "7.1/audio.m3u8"))).toEqual({ rungs: [], has_audio_only: false });
  });
});
