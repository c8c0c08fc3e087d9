import { describe, expect, it } from "vitest";

import { decode_time, is_the_end, media_zero_ms, read_chunk, read_words } from "./push_message";

function message(track: number, flags: number, content: number[], size = content.length): ArrayBuffer {
  return new Uint8Array([track, flags, 0, 0, 0, 0, size >> 8, size & 255, ...content]).buffer;
}

describe("a message", () => {
  it("is a chunk with its track and what it is", () => {
    const chunk = read_chunk(message(1, 3, [7, 8]))!;
    expect(chunk).toMatchObject({ track: 1, key: true, discontinuity: true, initialization: false });
    expect([...chunk.content]).toEqual([7, 8]);
    expect(read_chunk(message(2, 4, []))).toMatchObject({ track: 2, key: false, initialization: true });
  });
  it("is nothing if its size is wrong", () => {
    expect(read_chunk(message(1, 0, [7, 8], 3))).toBeNull();
    expect(read_chunk(new ArrayBuffer(7))).toBeNull();
  });
  it("in words is understood, or of a later version", () => {
    expect(read_words('{"type":"over","why":"ended"}')).toEqual({ type: "over", why: "ended" });
    expect(read_words('{"type":"hearts"}')).toBeNull();
  });
});

describe("the end of the broadcast", () => {
  it("is the end only if the broadcast has ended, not if a node lost it", () => {
    for (const why of ["ended", "lost", "unreadable"]) {
      expect(is_the_end(read_words(`{"type":"over","why":"${why}"}`)!)).toBe(why === "ended");
    }
  });
});

describe("the clock in a chunk", () => {
  const styp = [0, 0, 0, 8, 0x73, 0x74, 0x79, 0x70];
  // 2020-09-13T12:26:40.5Z, at 3 s of 90 kHz
  const prft = (version: number, ticks: number[]) => {
    const body = [version, 0, 0, 0, 0, 0, 0, 1, 0xe3, 0x08, 0x8d, 0x80, 0x80, 0, 0, 0, ...ticks];
    return [0, 0, 0, body.length + 8, 0x70, 0x72, 0x66, 0x74, ...body];
  };
  it("tells when media time zero was", () => {
    const zero_ms = 1000 * (0xe3088d80 - 2_208_988_800) + 500 - 3000;
    const three_s = [0, 0x04, 0x1e, 0xb0];
    expect(media_zero_ms(new Uint8Array([...styp, ...prft(1, [0, 0, 0, 0, ...three_s])]), 90_000)).toBe(zero_ms);
    expect(media_zero_ms(new Uint8Array(prft(0, three_s)), 90_000)).toBe(zero_ms);
  });
  it("is not looked for in the media, nor beyond the end", () => {
    const moof = [0, 0, 0, 8, 0x6d, 0x6f, 0x6f, 0x66];
    expect(media_zero_ms(new Uint8Array([...moof, ...prft(0, [0, 0, 0, 0])]), 90_000)).toBeNull();
    expect(media_zero_ms(new Uint8Array(prft(0, [0, 0, 0, 0]).slice(0, 20)), 90_000)).toBeNull();
    expect(media_zero_ms(new Uint8Array([0, 0, 0, 0, 1, 2, 3, 4]), 90_000)).toBeNull();
  });
});

describe("the decode time of a chunk", () => {
  const box = (type: string, content: number[]) => [0, 0, 0, content.length + 8, ...[...type].map((letter) => letter.charCodeAt(0)), ...content];
  const chunk = (tfdt: number[]) => new Uint8Array([...box("styp", []), ...box("moof", [...box("mfhd", [0]), ...box("traf", [...box("tfhd", [0]), ...tfdt])])]);
  it("is read, long or short", () => {
    expect(decode_time(chunk(box("tfdt", [0, 0, 0, 0, 0, 0, 1, 2])))).toBe(258);
    expect(decode_time(chunk(box("tfdt", [1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2])))).toBe(2 ** 32 + 2);
  });
  it("is none where there is none, or where it would be cut off", () => {
    expect(decode_time(chunk([]))).toBeNull();
    expect(decode_time(chunk(box("tfdt", [1, 0, 0, 0, 0, 0, 0, 1])))).toBeNull();
    expect(decode_time(chunk(box("tfdt", [0, 0, 0, 0, 0, 0, 1, 2])).slice(0, -3))).toBeNull();
  });
});
