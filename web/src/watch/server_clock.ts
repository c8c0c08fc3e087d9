// What time it is on the server. Delay is measured against the clock that stamped the video, never against the
// viewer's own, which may be minutes wrong.

export interface ClockSample {
  sent_ms: number; // our clock
  received_ms: number; // our clock
  server_ms: number; // the server's, somewhere between the two
}

// Keeps the sample with the shortest round trip: the offset is wrong by at most half of it.
export class ServerClock {
  #offset_ms: number | null = null;
  #round_trip_ms = Infinity;

  add(sample: ClockSample): void {
    const round_trip_ms = sample.received_ms - sample.sent_ms;
    if (!Number.isFinite(sample.server_ms) || round_trip_ms < 0 || round_trip_ms > this.#round_trip_ms) return;
    this.#round_trip_ms = round_trip_ms;
    this.#offset_ms = sample.server_ms - (sample.sent_ms + sample.received_ms) / 2;
  }

  // Clocks drift apart, and a laptop that slept jumps: before measuring again, forget.
  forget_quality(): void {
    this.#round_trip_ms = Infinity;
  }

  // null until the first sample: an unknown delay is not shown rather than guessed.
  now_ms(own_now_ms: number): number | null {
    return this.#offset_ms === null ? null : own_now_ms + this.#offset_ms;
  }
}

const samples_per_round = 4;

// Asks /time, which answers the ISO 8601 date and time as text.
export async function measure(clock: ServerClock, fetch_time: typeof fetch = fetch): Promise<void> {
  clock.forget_quality();
  for (let i = 0; i < samples_per_round; ++i) {
    try {
      const sent_ms = Date.now();
      const response = await fetch_time("/time", { cache: "no-store" });
      const received_ms = Date.now();
      if (response.ok) clock.add({ sent_ms, received_ms, server_ms: Date.parse((await response.text()).trim()) });
    } catch {
      return; // the server is away; the next round will tell
    }
  }
}
