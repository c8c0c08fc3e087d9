// What can be told of a transfer while it is under way: that it comes too slowly. Only what exists already is asked
// about: a wait for something to be born says nothing of the network.

export interface Arrival {
  asked_ms: number;
  first_ms: number | null; // of the first byte; null: none has come
  bytes: number; // that have come
  bytes_total: number; // at least an estimate
  media_s: number; // that it holds
}

const tell_ms = 120; // sooner, what came tells the size of some buffer on the way
const silent_ms = 500; // no byte of what exists: the round trip of a bad phone network, and then some
const switch_s = 0.7; // until a lower rung is as far: its playlist, its header, and what it has of the segment so far
const slower_share = 1.5; // of the time that it plays: one packet that came late is no slow network

// The rate of a transfer that had better be given up: when it is here, too little of `ahead_s` is left to change to a
// lower rung, and the next one will be no better. null: let it come.
export function crawling_bps(arrival: Arrival, ahead_s: number, now_ms: number): number | null {
  const { first_ms, bytes, bytes_total, media_s } = arrival;
  if (first_ms === null || bytes === 0) return now_ms - arrival.asked_ms > silent_ms && ahead_s < switch_s ? 0 : null;
  const took_s = (now_ms - first_ms) / 1000;
  if (1000 * took_s < tell_ms || bytes >= bytes_total) return null;
  const bps = (8 * bytes) / took_s;
  const remaining_s = (8 * (bytes_total - bytes)) / bps;
  const slower_than_played = took_s + remaining_s > slower_share * media_s;
  return slower_than_played && remaining_s > ahead_s - switch_s ? bps : null;
}

const breath_ms = 300; // between one chunk and the next, while all is well

// For how long in all nothing came, although it was asked for: then there is nothing to come. A network that is too slow
// has something to deliver all the time; what falls silent is the camera.
export class Silence {
  #heard_ms: number | null = null;
  #looked_ms = 0;
  #total_ms = 0;

  heard(now_ms: number): void {
    this.look_s(now_ms);
    this.#heard_ms = now_ms;
  }

  look_s(now_ms: number): number {
    if (this.#heard_ms !== null) this.#total_ms += Math.max(0, now_ms - Math.max(this.#looked_ms, this.#heard_ms + breath_ms));
    this.#looked_ms = now_ms;
    return this.#total_ms / 1000;
  }
}
