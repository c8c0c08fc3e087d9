// How much media to keep in hand where every chunk is sent as it is born: as little as the network's jitter allows.
//
// The steady line of a stream is the clock less the end of what has come, at its best of late: a chunk that came at
// once lies on it. What is in hand just before the next chunk is what matters, and how far that falls short of the line
// is seen at each arrival. So the cushion is the worst of these lately, a margin for the decoder, and what stalls taught.

interface Arrived {
  at_ms: number;
  best_lag_s: number; // clock less the end of the buffer, with what has come now
  worst_lag_s: number; // and just before
}

const memory_ms = 10_000;
const margin_s = 0.08; // two frames and a bit: decoders want the next picture before they show this one
const cushion_s_max = 2; // beyond, low-latency HTTP is no worse
const lesson_s = 0.15; // of a stall
const lessons_s_max = 1;
const calm_ms = 20_000; // after a stall, until its lesson begins to fade
const fading_s_per_s = 0.01;

export class Cushion {
  #arrived: Arrived[] = [];
  #end_s: number | null = null;
  #lessons_s = 0;
  #taught_ms = -Infinity;

  // The buffer ends there now; to be told when it has grown.
  grew(end_s: number, now_ms: number): void {
    const before_s = this.#end_s;
    this.#end_s = end_s;
    if (before_s === null || end_s <= before_s) return;
    this.#arrived = this.#arrived.filter((one) => now_ms - one.at_ms < memory_ms);
    this.#arrived.push({ at_ms: now_ms, best_lag_s: now_ms / 1000 - end_s, worst_lag_s: now_ms / 1000 - before_s });
  }

  // What came before says nothing of what follows: a skip, or the burst that a viewer begins with.
  forget(): void {
    this.#arrived = [];
    this.#end_s = null;
  }

  stalled(now_ms: number): void {
    this.#lessons_s = Math.min(this.#lesson_s(now_ms) + lesson_s, lessons_s_max);
    this.#taught_ms = now_ms;
  }

  // How far behind the line this time of the media is; null: nothing has come yet.
  behind_s(time_s: number, now_ms: number): number | null {
    return this.#arrived.length === 0 ? null : now_ms / 1000 - this.#best_s() - time_s;
  }

  // How far behind it to be.
  size_s(now_ms: number): number {
    const jitter_s = this.#arrived.length === 0 ? 0 : Math.max(...this.#arrived.map((one) => one.worst_lag_s)) - this.#best_s();
    return Math.min(jitter_s + margin_s + this.#lesson_s(now_ms), cushion_s_max);
  }

  #best_s(): number {
    return Math.min(...this.#arrived.map((one) => one.best_lag_s));
  }

  #lesson_s(now_ms: number): number {
    const faded_s = (fading_s_per_s * Math.max(0, now_ms - this.#taught_ms - calm_ms)) / 1000;
    return Math.max(0, this.#lessons_s - faded_s);
  }
}
