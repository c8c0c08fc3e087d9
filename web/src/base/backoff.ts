// How long to wait before trying again: doubling from `first_ms` to `most_ms`, each wait shortened by up to half at
// random, so that the viewers of a server that comes back do not all return in the same instant.

export interface Backoff {
  next_ms(): number; // the wait before the next attempt
  reset(): void; // something worked
}

export function backoff(first_ms: number, most_ms: number, random: () => number = Math.random): Backoff {
  let full_ms = first_ms;
  return {
    next_ms() {
      const wait_ms = full_ms * (1 - random() / 2);
      full_ms = Math.min(full_ms * 2, most_ms);
      return wait_ms;
    },
    reset() {
      full_ms = first_ms;
    },
  };
}
