// How fast bytes come once they come, told from transfers that are tiny and far apart. A part of 200 ms takes a few
// milliseconds: an average weighted by time spent loading would remember a slow minute for many fast ones, so this one
// counts what came lately by the clock.

interface Transfer {
  at_ms: number;
  bits: number;
  took_ms: number;
}

const remembered_ms = 6_000;
const lately_ms = 1_500; // seven parts: one that was unlucky is not a slow network
// What came faster than this tells the size of some buffer on the way, not the speed of the network.
const took_ms_min = 2;
const bits_min = 40_000; // fewer than a few packets say nothing

export class Throughput {
  #transfers: Transfer[] = [];

  // `took_ms`: from the first byte to the last. The time before the first is the server's, waiting for the part to be born.
  add(bytes: number, took_ms: number, now_ms: number): void {
    if (!(bytes > 0) || !(took_ms >= 0)) return;
    this.#transfers = this.#transfers.filter((one) => now_ms - one.at_ms < remembered_ms);
    this.#transfers.push({ at_ms: now_ms, bits: 8 * bytes, took_ms: Math.max(took_ms, took_ms_min) });
  }

  forget(): void {
    this.#transfers = [];
  }

  // The slower of what was seen lately and for a while: down at once, up when it lasts. null: nothing was seen.
  estimate_bps(now_ms: number): number | null {
    const rates = [lately_ms, remembered_ms].map((within_ms) => this.#rate_bps(now_ms - within_ms)).filter((one) => one !== null);
    return rates.length > 0 ? Math.min(...rates) : null;
  }

  #rate_bps(since_ms: number): number | null {
    let bits = 0;
    let took_ms = 0;
    for (const one of this.#transfers) {
      if (one.at_ms <= since_ms) continue;
      bits += one.bits;
      took_ms += one.took_ms;
    }
    return bits >= bits_min ? (1000 * bits) / took_ms : null;
  }
}
