// Which rung to load next when the viewer leaves it to the page: one rule for every player. The players' own rules
// divide bytes by time, and a live edge breaks them: what comes as it is born comes at the speed of its birth on any
// network, and what is a few packets long tells the size of a buffer on the way. So this looks at how far the end of
// the buffer lags behind the clock: that keeps still while the network carries the rung and grows while it does not, by
// as much as is missing, whatever the playback rate. Throughput only forbids, where a player can tell it.
//
// Down as soon as the rung is not carried, to what is; up one rung at a time after a calm, and a rung that failed soon
// after it was tried is left alone longer each time: a trial may cost the viewer something, so there are few of them.

import type { Rung } from "./ladder";

export interface Look {
  now_ms: number;
  rungs: readonly Rung[]; // what there is now
  loading: string; // the rung of what is being loaded
  ahead_s: number; // buffered beyond what is shown
  lag_s: number | null; // clock, less what the camera was silent, minus end of the buffer; only its growth matters. null: nothing was buffered yet
  step_s: number; // of media that the buffer grows by at once: a part, a chunk
  throughput_bps: number | null; // at most; null: unknown
  crawling_bps: number | null; // what is under way comes this slowly and had better be given up (arrival.ts)
  lines_shown: number; // height of the picture on the screen, in device pixels; 0: unknown
}

const start_bps = 1_500_000; // any network that carries live video at all, as a rule; neither top nor bottom
const carried_share = 0.8; // of the throughput, that a rung to go down to may need
const lost_share = 0.9; // a playlist and a manifest do not say quite the same of one rung
const risen_share = 0.65; // of the throughput, that a rung to go up to may need
const settle_ms = 1_500; // until a switch can be felt: a segment and a bit
const given_up_ms = 500; // a rung that comes too slowly may be given up this soon
const calm_ms = 4_000; // of calm before going up
const lag_memory_ms = 4_000;
const late_s = 0.2; // of growth, beyond the step that the buffer grows by
const burst_ms = 200;
const live_ahead_s = 2; // with more in hand the viewer watches the past, and the player loads in leaps
const caution_s = 0.4; // two parts
const cautious_ms = 60_000;
const trial_ms = 20_000; // a rung that fails within this was tried in vain
const bar_ms = 8_000;
const bar_ms_max = 120_000;
const absent_ms = 5_000;
const absent_ms_max = 40_000;

interface Wait {
  until_ms: number;
  wait_ms: number;
}

export class RungChooser {
  #lags: { at_ms: number; lag_s: number }[] = [];
  #loading = "";
  #bitrate_bps = Infinity; // of it
  #entered_ms = -Infinity; // when #loading became what is loaded
  #lost = false; // with that
  #rose = false; // and whether that was a step up
  #fell_at_ms = -Infinity;
  #is_at_top = true;
  #barred = new Map<string, Wait>();
  #absent = new Map<string, Wait>();

  // The rung to begin with: that which was left off, or the one below if it was lost.
  first(rungs: readonly Rung[], lines_shown: number): Rung | undefined {
    const usable = fitting([...rungs].sort(by_bitrate), lines_shown);
    const before = this.#lost ? undefined : usable.findLast((rung) => rung.id === this.#loading);
    return before ?? usable.findLast((rung) => rung.bitrate_bps <= this.first_bps) ?? usable[0];
  }
  // What it may need at most.
  get first_bps(): number {
    if (this.#bitrate_bps === Infinity) return start_bps;
    return this.#lost ? lost_share * this.#bitrate_bps : this.#bitrate_bps;
  }

  // A player stood, or fell so far behind that it was made anew. The next one must not begin with what brought that about.
  lost(now_ms: number): void {
    if (this.#bitrate_bps === Infinity) return;
    this.#bar(this.#loading, now_ms, this.#rose && now_ms - this.#entered_ms < trial_ms);
    this.#fell_at_ms = now_ms;
    this.#lost = true;
  }

  // The rung has no media at present (EXT-X-GAP). It is asked for again later.
  leave_absent(id: string, now_ms: number): void {
    const before = this.#absent.get(id);
    if (before !== undefined && now_ms < before.until_ms) return;
    const wait_ms = before === undefined ? absent_ms : Math.min(2 * before.wait_ms, absent_ms_max);
    this.#absent.set(id, { until_ms: now_ms + wait_ms, wait_ms });
  }

  is_absent(id: string, now_ms: number): boolean {
    return now_ms < (this.#absent.get(id)?.until_ms ?? -Infinity);
  }

  // Whether what is loaded is the best that the screen takes: the network carries what there is, as far as was tried.
  get is_at_top(): boolean {
    return this.#is_at_top;
  }

  // How much more delay than usual to take for some time after a fall: the next one then costs nothing.
  caution_s(now_ms: number): number {
    return now_ms - this.#fell_at_ms < cautious_ms ? caution_s : 0;
  }

  // What was buffered is gone, or of another place: nothing can be said of the lag before.
  forget_lag(): void {
    this.#lags = [];
  }

  // The id of the rung to load; that of `look.loading` when nothing is to change.
  choose(look: Look): string {
    const all = [...look.rungs].sort(by_bitrate);
    const present = all.filter((rung) => !this.is_absent(rung.id, look.now_ms));
    const usable = fitting(present, look.lines_shown);
    this.#note(look);
    const now = all.find((rung) => rung.id === look.loading);
    if (now !== undefined) this.#bitrate_bps = now.bitrate_bps;
    if (usable.length === 0) return look.loading;
    if (now === undefined) return this.#take((usable.findLast((rung) => rung.bitrate_bps <= this.#bitrate_bps) ?? usable[0])!, null, look);
    const place = usable.indexOf(now);
    this.#is_at_top = place === usable.length - 1;
    if (place < 0) return this.#take(usable.findLast((rung) => rung.bitrate_bps <= now.bitrate_bps) ?? usable[0]!, now, look);

    const in_ms = look.now_ms - this.#entered_ms;
    const carried_bps = look.crawling_bps ?? this.#carried_bps(now, look);
    if (carried_bps !== null && in_ms >= (look.crawling_bps === null ? settle_ms : given_up_ms)) {
      this.#fell_at_ms = look.now_ms;
      if (place === 0) return now.id;
      const lower = usable.slice(0, place);
      const to = lower.findLast((rung) => rung.bitrate_bps <= carried_share * carried_bps) ?? lower[0]!;
      for (const rung of usable.slice(usable.indexOf(to) + 1, place + 1))
        this.#bar(rung.id, look.now_ms, rung === now && this.#rose && in_ms < trial_ms);
      return this.#take(to, now, look);
    }
    if (carried_bps !== null || in_ms < calm_ms || look.now_ms - this.#fell_at_ms < calm_ms) return now.id;
    if (in_ms > trial_ms) this.#barred.delete(now.id);
    if (in_ms > trial_ms) this.#absent.delete(now.id);

    const next = usable[place + 1];
    if (next === undefined || look.now_ms < (this.#barred.get(next.id)?.until_ms ?? -Infinity)) return now.id;
    const forbidden = look.throughput_bps !== null && next.bitrate_bps > risen_share * look.throughput_bps;
    return forbidden ? now.id : this.#take(next, now, look);
  }

  #take(rung: Rung, from: Rung | null, look: Look): string {
    this.#loading = rung.id;
    this.#lost = false;
    this.#entered_ms = look.now_ms;
    this.#rose = from !== null && rung.bitrate_bps > from.bitrate_bps;
    this.#bitrate_bps = rung.bitrate_bps;
    this.#lags = [];
    return rung.id;
  }

  #note(look: Look): void {
    if (look.loading !== this.#loading) {
      this.#loading = look.loading;
      this.#lost = false;
      this.#entered_ms = look.now_ms;
      this.#rose = false;
      this.#lags = [];
    }
    const last = this.#lags.at(-1);
    if (look.lag_s === null || look.ahead_s > live_ahead_s) this.#lags = [];
    else {
      // Faster than the clock is a seek.
      if (last !== undefined && look.lag_s - last.lag_s > (look.now_ms - last.at_ms) / 1000 + 0.1) this.#lags = [];
      this.#lags = this.#lags.filter((one) => look.now_ms - one.at_ms < lag_memory_ms);
      this.#lags.push({ at_ms: look.now_ms, lag_s: look.lag_s });
    }
  }

  // What the network carries, if that is less than the rung needs; null: the rung is carried, as far as can be told.
  #carried_bps(rung: Rung, look: Look): number | null {
    const measured_bps = look.throughput_bps !== null && look.throughput_bps < rung.bitrate_bps ? look.throughput_bps : null;
    const last = this.#lags.at(-1);
    if (last === undefined) return measured_bps;
    const least = this.#lags.reduce((a, b) => (b.lag_s <= a.lag_s ? b : a));
    // What was born late comes in a burst, and is loaded in an instant.
    const lasting_s = Math.min(...this.#lags.filter((one) => last.at_ms - one.at_ms <= burst_ms).map((one) => one.lag_s));
    const growth_s = lasting_s - least.lag_s;
    if (growth_s <= look.step_s + late_s) return measured_bps;
    const missing_share = Math.min(1, (1000 * growth_s) / (last.at_ms - least.at_ms));
    return Math.min(measured_bps ?? Infinity, rung.bitrate_bps * (1 - missing_share));
  }

  #bar(id: string, now_ms: number, in_vain: boolean): void {
    const before = this.#barred.get(id);
    const wait_ms = before !== undefined && in_vain ? Math.min(2 * before.wait_ms, bar_ms_max) : bar_ms;
    this.#barred.set(id, { until_ms: now_ms + wait_ms, wait_ms });
  }
}

// From the bottom up to the first that fills the screen: more lines than those would be loaded only to be thrown away.
function fitting(sorted: readonly Rung[], lines_shown: number): Rung[] {
  const enough = lines_shown > 0 ? sorted.findIndex((rung) => rung.height >= lines_shown) : -1;
  const most = enough < 0 ? Infinity : sorted[enough]!.height;
  return sorted.filter((rung) => rung.height <= most);
}

const by_bitrate = (a: Rung, b: Rung) => a.bitrate_bps - b.bitrate_bps;
