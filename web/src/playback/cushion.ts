// How much media to keep in hand: as little as the jitter of the last two minutes allows. The law of
// src/player/cushion.h, with its constants and its reasons, so that what is measured there is what people see here: a
// change of one is a change of both.
//
// A piece of media is late by the clock less where it begins; only differences of that mean something. Who plays at the
// worst of them shows everything in time; the reserve is for what is worse than all that was seen. What is said here is
// said from the line of the stream: the clock less the end of what has come, at its best.

interface Lag {
  at_ms: number;
  lag_s: number;
}

const memory_ms = 120_000;
const reserve_s_min = 0.06; // two frames
const reserve_spacings = 6;
const reserve_pieces = 3;
const falls_per_s = 0.05;
const decoder_s = 0.05; // that a decoder wants beyond the picture it shows; viewers without a screen have none
const stalls_max = 4;
const late_s = 0.7;
const late_pieces_min = 10;

export class Cushion {
  readonly #size_s_max: number;
  #worst: Lag[] = []; // of where pieces begin; falling, so that the first is the worst there is
  #best: Lag[] = []; // of where they end; rising
  #pieces_ms: number[] = [];
  #piece_s = 0;
  #end_s: number | null = null;
  #late_pieces = 0; // one after the other
  #late_since_ms = 0;
  #stalls_ms: number[] = [];
  #size: { at_ms: number; size_s: number } | null = null;

  // More than `size_s_max` is never asked for.
  constructor(size_s_max: number) {
    this.#size_s_max = size_s_max;
  }

  // For how long what has come was late by more than a cushion is for: not a pause that a burst follows, but piece after
  // piece, because less comes than is born.
  falling_behind_ms(now_ms: number): number {
    return this.#late_pieces < late_pieces_min ? 0 : now_ms - this.#late_since_ms;
  }

  // The buffer ends there now; to be told when it has grown.
  grew(end_s: number, now_ms: number): void {
    const before_s = this.#end_s;
    this.#end_s = end_s;
    if (before_s === null || end_s <= before_s) return;
    this.#forget_old(now_ms);
    const worst_s = now_ms / 1000 - before_s;
    const best_s = now_ms / 1000 - end_s;
    if (this.#best.length === 0 || best_s - this.#best[0]!.lag_s < late_s) this.#late_pieces = 0;
    else if (++this.#late_pieces === 1) this.#late_since_ms = now_ms;
    while (this.#worst.length > 0 && this.#worst.at(-1)!.lag_s <= worst_s) this.#worst.pop();
    while (this.#best.length > 0 && this.#best.at(-1)!.lag_s >= best_s) this.#best.pop();
    this.#worst.push({ at_ms: now_ms, lag_s: worst_s });
    this.#best.push({ at_ms: now_ms, lag_s: best_s });
    this.#pieces_ms.push(now_ms);
    this.#piece_s = end_s - before_s;
  }

  // What came before says nothing of what follows: a skip, or the burst that a viewer begins with.
  forget(): void {
    this.#worst = [];
    this.#best = [];
    this.#pieces_ms = [];
    this.#end_s = null;
    this.#size = null;
    this.#late_pieces = 0;
  }

  stalled(now_ms: number): void {
    this.#stalls_ms.push(now_ms);
    if (this.#stalls_ms.length > stalls_max) this.#stalls_ms.shift();
  }

  // How far behind the line this time of the media is; null: nothing has come yet.
  behind_s(time_s: number, now_ms: number): number | null {
    return this.#best.length === 0 ? null : now_ms / 1000 - this.#best[0]!.lag_s - time_s;
  }

  // How far behind it to be. Upwards at once, downwards no faster than pace.ts can follow.
  size_s(now_ms: number): number {
    if (this.#best.length === 0) return reserve_s_min + decoder_s;
    this.#forget_old(now_ms);
    const jitter_s = this.#worst[0]!.lag_s - this.#best[0]!.lag_s;
    // The spread of where pieces begin: their length is no jitter, but there is none smaller.
    const spread_s = Math.max(jitter_s - this.#piece_s, this.#piece_s);
    const share = Math.min(1, reserve_spacings / (this.#pieces_ms.length + 1));
    const reserve_s = Math.max(reserve_s_min, this.#piece_s / reserve_pieces, spread_s * share);
    let size_s = Math.min(jitter_s + reserve_s * (1 + this.#stalls_ms.length) + decoder_s, this.#size_s_max);
    if (this.#size !== null) size_s = Math.max(size_s, this.#size.size_s - (falls_per_s * (now_ms - this.#size.at_ms)) / 1000);
    this.#size = { at_ms: now_ms, size_s };
    return size_s;
  }

  // The last piece is always remembered: where nothing comes for two minutes, nothing new was learnt.
  #forget_old(now_ms: number): void {
    const since_ms = now_ms - memory_ms;
    while (this.#pieces_ms.length > 1 && this.#pieces_ms[0]! < since_ms) this.#pieces_ms.shift();
    while (this.#worst.length > 1 && this.#worst[0]!.at_ms < since_ms) this.#worst.shift();
    while (this.#best.length > 1 && this.#best[0]!.at_ms < since_ms) this.#best.shift();
    while (this.#stalls_ms.length > 0 && this.#stalls_ms[0]! < since_ms) this.#stalls_ms.shift();
  }
}
