// Taps of one viewer on their way to hearts: gathered for `gather_ms`, said as how many there were and the mean of what
// the screen showed when they fell (src/audience/hearts.h says why that is exact enough).

import { hearts_in_message_max } from "./message";

export const gather_ms = 250;

export class Taps {
  #count = 0;
  #sum_ms = 0; // of moments of media

  // False: more than a hand can do, and left out.
  tap(at_ms: number): boolean {
    if (this.#count >= hearts_in_message_max) return false;
    this.#count += 1;
    this.#sum_ms += at_ms;
    return true;
  }

  // To be called gather_ms after the first tap.
  take(): { count: number; at_ms: number } | null {
    if (this.#count === 0) return null;
    const taken = { count: this.#count, at_ms: Math.round(this.#sum_ms / this.#count) };
    this.#count = this.#sum_ms = 0;
    return taken;
  }
}
