// How hls.js loads what has a picture: so that it can be seen how far a part is, so that it can be given up, and so that
// a change of rungs within a segment shows no seam.
//
// The other rung has to begin with the segment's key frame, which replaces what is buffered of that segment. hls.js
// loads one part after the other, and until they have caught up the picture would stand: so the parts up to the end of
// the buffer are gathered first, and handed over in one go.

import { type FragmentLoaderContext, type LoaderCallbacks, type LoaderConfiguration, type LoaderContext, type LoaderStats, type Part, XhrLoader } from "hls.js";

import type { Arrival } from "./arrival";

interface Source {
  parts(level: number): readonly Part[]; // that the playlist lists
  buffer_end_s(): number | null;
  now(address: string): string; // of one that the playlist gave (road.ts)
  gathered(bytes: number, took_ms: number): void;
}

const gather_ms_max = 2_000; // the session skips what stands for longer

export function picture_loader(source: Source) {
  let current: { loader: PictureLoader; stats: LoaderStats; context: FragmentLoaderContext } | null = null;
  let level = -1; // of what was loaded last
  let gathered = new Map<string, ArrayBuffer>(); // by address

  async function gather(parts: readonly Part[], signal: AbortSignal): Promise<void> {
    const began_ms = performance.now();
    const all = await Promise.all(
      parts.map(async ({ url }) => {
        const answer = await fetch(source.now(url), { signal });
        if (!answer.ok) throw new Error(`${answer.status}`);
        return [url, await answer.arrayBuffer()] as const;
      }),
    );
    gathered = new Map(all);
    source.gathered(all.reduce((sum, [, bytes]) => sum + bytes.byteLength, 0), performance.now() - began_ms);
  }

  class PictureLoader extends XhrLoader {
    declare context: FragmentLoaderContext | null;
    #waiting: AbortController | null = null;

    override load(context: FragmentLoaderContext, config: LoaderConfiguration, callbacks: LoaderCallbacks<FragmentLoaderContext>): void {
      const { frag, part } = context;
      const load = () => {
        const bytes = gathered.get(context.url);
        if (bytes === undefined) super.load(context, config, callbacks as LoaderCallbacks<LoaderContext>);
        else this.#hand_over(bytes, context, callbacks);
      };
      if (frag.type !== "main" || frag.sn === "initSegment") return load();
      current = { loader: this, stats: this.stats, context };
      const changed = frag.level !== level;
      level = frag.level;
      if (changed) gathered.clear();
      const end_s = source.buffer_end_s();
      const replaced = changed && part && end_s !== null ? source.parts(level).filter((one) => replaces(one, part, end_s)) : [];
      if (replaced.length < 2) return load();

      const waiting = (this.#waiting = new AbortController());
      this.callbacks = callbacks as LoaderCallbacks<LoaderContext>;
      this.context = context;
      const timeout = setTimeout(() => waiting.abort("late"), gather_ms_max);
      gather(replaced, waiting.signal)
        .catch(() => {}) // then one after the other
        .finally(() => {
          clearTimeout(timeout);
          if (this.#waiting !== waiting) return;
          this.#waiting = null;
          this.callbacks = null;
          load();
        });
    }

    #hand_over(data: ArrayBuffer, context: FragmentLoaderContext, callbacks: LoaderCallbacks<FragmentLoaderContext>): void {
      gathered.delete(context.url);
      const now_ms = performance.now();
      const stats = this.stats;
      Object.assign(stats.loading, { start: now_ms, first: now_ms, end: now_ms });
      stats.loaded = stats.total = data.byteLength;
      this.context = context;
      queueMicrotask(() => {
        if (!stats.aborted) callbacks.onSuccess({ url: context.url, data, code: 200 }, stats, context, null);
      });
    }

    #stop_waiting(): void {
      const waiting = this.#waiting;
      this.#waiting = null;
      waiting?.abort();
    }

    override abort(): void {
      if (this.#waiting !== null) this.stats.aborted = true;
      this.#stop_waiting();
      super.abort();
    }

    override destroy(): void {
      this.#stop_waiting();
      super.destroy();
    }
  }

  return {
    PictureLoader,
    // What is being loaded, if anything.
    under_way(bitrate_bps: number): Arrival | null {
      if (current === null) return null;
      const { loading, loaded, total, aborted } = current.stats;
      if (aborted || loading.end > 0 || loading.start === 0) return null;
      const media_s = current.context.part?.duration ?? current.context.frag.duration;
      const bytes_total = total > 0 ? total : (bitrate_bps * media_s) / 8;
      return { asked_ms: loading.start, first_ms: loading.first > 0 ? loading.first : null, bytes: loaded, bytes_total, media_s };
    },
    give_up(): void {
      if (current !== null && !current.stats.aborted && current.stats.loading.end === 0) current.loader.abort();
      current = null;
    },
  };
}

// Of the segment of `first`, and beginning before the end of the buffer. Byte ranges are left to hls.js.
const replaces = (part: Part, first: Part, end_s: number) =>
  part.fragment.sn === first.fragment.sn && part.index >= first.index && part.start < end_s - 0.02 && part.byteRange.length === 0;
