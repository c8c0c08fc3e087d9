import { describe, expect, it } from "vitest";

import { parse_storyboard, tile_at } from "./storyboard";

const address = "http://host/live/ada/7.1/storyboard.vtt";
const text = "WEBVTT\r\n\r\n1\r\n00:00.000 --> 00:05.000\r\nthumb-0.jpg\r\n\r\n01:00:05.000 --> 01:00:10.500\r\nthumb-721.jpg\r\n";

describe("a storyboard", () => {
  const tiles = parse_storyboard(text, address);
  it("names a picture for each span, relative to itself", () =>
    expect(tiles).toEqual([
      { start_s: 0, end_s: 5, address: "http://host/live/ada/7.1/thumb-0.jpg" },
      { start_s: 3605, end_s: 3610.5, address: "http://host/live/ada/7.1/thumb-721.jpg" },
    ]));
  it("gives the last picture before a time, or the first there is", () => {
    expect(tile_at(tiles, 4)?.start_s).toBe(0);
    expect(tile_at(tiles, 3700)?.start_s).toBe(3605);
    expect(tile_at(tiles, -1)?.start_s).toBe(0);
    expect(tile_at([], 4)).toBeNull();
  });
  it("passes over what it does not understand", () =>
    expect(parse_storyboard("WEBVTT\n\nNOTE x\n\n00:00.000 --> soon\nx\n\n00:00.000 --> 00:01.000\n\nhttp://[", address)).toEqual([]));
});
