// One track's way into the element: what is pushed waits here while the element is busy, and then goes in at once.

import { type PushChunk, type PushTrack, decode_time } from "./push_message";

const waiting_bytes_max = 32 << 20; // what a node keeps for a viewer who lags: more than that it skips

export class Feeder {
  #buffer: SourceBuffer;
  #waiting: { mime: string; content: Uint8Array<ArrayBuffer> }[] = [];
  #waiting_bytes = 0;
  #mime: string; // that the element expects
  #next_mime: string; // of what is fed now
  #failed: (error: unknown) => void;
  #header: Uint8Array | null = null; // that was fed last
  #fed_ticks = -Infinity; // decode time of the last chunk

  // `failed`: the element took nothing though it had nothing else to do: it is full, or does not play this.
  constructor(source: Pick<MediaSource, "addSourceBuffer">, track: Pick<PushTrack, "mime">, grew: () => void, failed: (error: unknown) => void) {
    this.#mime = this.#next_mime = track.mime;
    this.#failed = failed;
    this.#buffer = source.addSourceBuffer(track.mime);
    this.#buffer.addEventListener("updateend", () => {
      grew();
      this.#pump();
    });
  }

  // What is fed from now on is of this kind; what waits is of the one before.
  change(mime: string): void {
    this.#next_mime = mime;
  }

  // Decode time of the last chunk.
  get fed_ticks(): number {
    return this.#fed_ticks;
  }

  // False: more waits than there may.
  feed(chunk: PushChunk): boolean {
    if (this.#has(chunk)) return true;
    this.#waiting.push({ mime: this.#next_mime, content: chunk.content });
    this.#waiting_bytes += chunk.content.byteLength;
    this.#pump();
    return this.#waiting_bytes <= waiting_bytes_max;
  }

  trim(before_s: number): void {
    const { buffered, updating } = this.#buffer;
    if (!updating && buffered.length > 0 && buffered.start(0) < before_s) this.#buffer.remove(0, before_s);
  }

  // After a header an element takes no chunk before the next key frame: one that it knows must not be fed again.
  #has({ initialization, content }: PushChunk): boolean {
    if (initialization) {
      const header = this.#header;
      if (header?.length === content.length && header.every((byte, i) => byte === content[i])) return true;
      this.#header = content;
      return false;
    }
    const ticks = decode_time(content);
    if (ticks !== null && ticks <= this.#fed_ticks) return true;
    this.#fed_ticks = ticks ?? this.#fed_ticks;
    return false;
  }

  #pump(): void {
    const first = this.#waiting[0];
    if (this.#buffer.updating || first === undefined) return;
    try {
      if (first.mime !== this.#mime) this.#buffer.changeType((this.#mime = first.mime));
      const others = this.#waiting.findIndex((one) => one.mime !== first.mime);
      this.#append(this.#waiting.splice(0, others < 0 ? this.#waiting.length : others));
    } catch (error) {
      this.#failed(error);
    }
  }

  #append(some: { content: Uint8Array<ArrayBuffer> }[]): void {
    const all = new Uint8Array(some.reduce((sum, { content }) => sum + content.byteLength, 0));
    let at = 0;
    for (const { content } of some) {
      all.set(content, at);
      at += content.byteLength;
    }
    this.#waiting_bytes -= all.byteLength;
    this.#buffer.appendBuffer(all);
  }
}
