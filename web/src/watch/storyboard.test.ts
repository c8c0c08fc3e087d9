import { describe, expect, it } from "vitest";

import { parse_storyboard, tile_at } from "./storyboard";

const address = "http://host/live/ada/7.1/storyboard.vtt";
const zero_ms = Date.parse("2026-11-20T12:00:00.000Z");
const note = "NOTE PROGRAM-DATE-TIME=2026-11-20T12:00:00.000Z is 00:00:00.000";
const cues = "1\r\n00:00.000 --> 00:05.000\r\nthumb-0.jpg\r\n\r\n01:00:05.000 --> 01:00:10.500\r\nthumb-721.jpg\r\n";
const text = `WEBVTT\r\n\r\n${note}\r\n\r\n${cues}`;

describe("a storyboard", () => {
  const storyboard = parse_storyboard(text, address)!;
  it("names a picture for each span, relative to itself", () =>
    expect(storyboard.tiles).toEqual([
      { start_s: 0, end_s: 5, address: "http://host/live/ada/7.1/thumb-0.jpg" },
      { start_s: 3605, end_s: 3610.5, address: "http://host/live/ada/7.1/thumb-721.jpg" },
    ]));
  it("gives the last picture before a wall-clock time, or the first there is", () => {
    expect(tile_at(storyboard, zero_ms + 4_000)?.start_s).toBe(0);
    expect(tile_at(storyboard, zero_ms + 3_700_000)?.start_s).toBe(3605);
    expect(tile_at(storyboard, zero_ms - 1_000)?.start_s).toBe(0);
    expect(tile_at({ zero_ms, tiles: [] }, zero_ms)).toBeNull();
  });
  it("passes over what it does not understand", () =>
    expect(
      parse_storyboard(`WEBVTT\n\n${note}\n\n00:00.000 --> soon\nx\n\n00:00.000 --> 00:01.000\n\nhttp://[`, address)?.tiles,
    ).toEqual([]));
  it("that does not say when it begins is none", () => expect(parse_storyboard(`WEBVTT\n\n${cues}`, address)).toBeNull());
});
