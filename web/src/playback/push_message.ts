// What a node says over /live/NAME/push, the subprotocol klieg.push.1 (src/wire/push_message.h).

export interface PushTrack {
  id: number;
  kind: "video" | "audio";
  name: string; // "video", "720p"
  mime: string; // with its codecs, for a SourceBuffer
  timescale: number; // ticks per second
}

export type PushWords = { type: "tracks"; tracks: PushTrack[] } | { type: "over"; why: string };

export interface PushChunk {
  track: number;
  key: boolean;
  discontinuity: boolean;
  initialization: boolean; // the track's header, not a chunk
  content: Uint8Array<ArrayBuffer>;
}

const header_size = 8;

// null: words of a later version.
export function read_words(text: string): PushWords | null {
  const said = JSON.parse(text) as Partial<PushWords>;
  return said.type === "tracks" || said.type === "over" ? (said as PushWords) : null;
}

// Whether nothing follows, from anybody: where a node only lost the broadcast, another may have it.
export const is_the_end = (words: PushWords) => words.type === "over" && words.why === "ended";

// null: it is none.
export function read_chunk(message: ArrayBuffer): PushChunk | null {
  if (message.byteLength < header_size) return null;
  const view = new DataView(message);
  if (view.getUint32(4) !== message.byteLength - header_size) return null;
  const flags = view.getUint8(1);
  return {
    track: view.getUint8(0),
    key: (flags & 1) !== 0,
    discontinuity: (flags & 2) !== 0,
    initialization: (flags & 4) !== 0,
    content: new Uint8Array(message, header_size),
  };
}

// The decode time of a chunk, in ticks (tfdt, ISO/IEC 14496-12 8.8.12); null: it has none.
export function decode_time(chunk: Uint8Array): number | null {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  let end = chunk.byteLength;
  for (let at = 0; at + 8 <= end; ) {
    const size = view.getUint32(at);
    if (size < 8 || at + size > end) return null;
    switch (view.getUint32(at + 4)) {
      case 0x6d6f6f66 /* moof */:
      case 0x74726166 /* traf */:
        end = at + size;
        at += 8;
        continue;
      case 0x74666474 /* tfdt */: {
        const long = view.getUint8(at + 8) === 1;
        if (size < (long ? 20 : 16)) return null;
        return long ? Number(view.getBigUint64(at + 12)) : view.getUint32(at + 12);
      }
    }
    at += size;
  }
  return null;
}

// The wall-clock time of media time zero, by the producer reference time of a chunk (ISO/IEC 14496-12 8.16.5), in ms;
// null: it has none.
export function media_zero_ms(chunk: Uint8Array, timescale: number): number | null {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const seconds_1900_to_1970 = 2_208_988_800;
  for (let at = 0; at + 8 <= chunk.byteLength; ) {
    const size = view.getUint32(at);
    const type = view.getUint32(at + 4);
    if (size < 8 || type === 0x6d6f6f66 /* moof */) return null;
    if (type === 0x70726674 /* prft */ && size >= 28 && at + size <= chunk.byteLength) {
      const long = view.getUint8(at + 8) === 1;
      if (long && size < 32) return null;
      const wall_ms = 1000 * (view.getUint32(at + 16) - seconds_1900_to_1970 + view.getUint32(at + 20) / 2 ** 32);
      const ticks = long ? Number(view.getBigUint64(at + 24)) : view.getUint32(at + 24);
      return wall_ms - (1000 * ticks) / timescale;
    }
    at += size;
  }
  return null;
}
