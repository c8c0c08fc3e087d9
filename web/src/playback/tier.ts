// Which tier a viewer is on, by what the network and the server have shown that they carry.
//
//   push ──refused, lost, too much, stalls──► low latency ──stalls──► plain
//     ▲                                        │   ▲                   │
//     └──────────── calm, admitted ────────────┘   └────── calm ───────┘
//
// Down as soon as the tier is not carried; up after a calm, and a tier that fails soon after it was tried is left alone
// twice as long each time: a change costs the viewer something, so there are few of them.

export type Tier = "push" | "low_latency" | "plain";

// Who wished for a tier keeps it, stalls or not, while it can be had.
export type Manner = "moves" | "stays";

export const tier_names: Record<Tier, string> = {
  push: "push",
  low_latency: "low-latency HTTP",
  plain: "plain HTTP",
};

const stalls_max = 3; // within the time below: this network does not carry it
const stalls_within_ms = 30_000;
const calm_ms = 60_000; // without a stall, before a higher tier is tried
const trial_ms = 60_000; // a tier that fails within this was tried in vain
const wait_ms_max = 16 * 60_000;
const spread_share = 0.5; // of a wait: whom one server's death threw off push must not all come back in one second

interface Wait {
  until_ms: number;
  wait_ms: number;
}

export class TierChooser {
  readonly #tiers: readonly Tier[]; // highest first
  readonly #manner: Manner;
  readonly #chance: number;
  #place = 0;
  #entered_ms = -Infinity;
  #troubled_ms = -Infinity;
  #stalls_ms: number[] = [];
  #waits = new Map<Tier, Wait>();

  // `chance`: of this viewer, from 0 to 1.
  constructor(tiers: readonly [Tier, ...Tier[]], manner: Manner, chance: number) {
    this.#tiers = tiers;
    this.#manner = manner;
    this.#chance = chance;
  }

  get tier(): Tier {
    return this.#tiers[this.#place]!;
  }

  // The picture stood, or the player had to be made anew. Whether the tier was left for it.
  stalled(now_ms: number): boolean {
    this.#troubled_ms = now_ms;
    this.#stalls_ms = this.#stalls_ms.filter((at_ms) => now_ms - at_ms < stalls_within_ms);
    this.#stalls_ms.push(now_ms);
    return this.#stalls_ms.length >= stalls_max && this.not_carried(now_ms);
  }

  // Whether the tier was left for it.
  not_carried(now_ms: number): boolean {
    return this.#manner === "moves" && this.unavailable(now_ms);
  }

  // The tier cannot be had: refused, lost, or this browser does not play it. Whether there is another.
  unavailable(now_ms: number): boolean {
    if (this.#place === this.#tiers.length - 1) return false;
    this.#leave_alone(this.tier, now_ms, now_ms - this.#entered_ms < trial_ms);
    this.#place += 1;
    this.#enter(now_ms);
    this.#troubled_ms = now_ms;
    return true;
  }

  // The tier to try now; null: stay.
  higher(now_ms: number): Tier | null {
    const next = this.#tiers[this.#place - 1];
    if (next === undefined || now_ms - this.#troubled_ms < calm_ms) return null;
    return now_ms < (this.#waits.get(next)?.until_ms ?? -Infinity) ? null : next;
  }

  // Higher it is...
  rise(now_ms: number): void {
    if (this.#place === 0) return;
    this.#place -= 1;
    this.#enter(now_ms);
  }
  // ...or was refused before anything was given up for it.
  refused(now_ms: number): void {
    const next = this.#tiers[this.#place - 1];
    if (next !== undefined) this.#leave_alone(next, now_ms, true);
  }

  #enter(now_ms: number): void {
    this.#entered_ms = now_ms;
    this.#stalls_ms = [];
  }

  #leave_alone(tier: Tier, now_ms: number, in_vain: boolean): void {
    const before = this.#waits.get(tier);
    const wait_ms = before !== undefined && in_vain ? Math.min(2 * before.wait_ms, wait_ms_max) : calm_ms;
    this.#waits.set(tier, { until_ms: now_ms + wait_ms * (1 + spread_share * this.#chance), wait_ms });
  }
}
