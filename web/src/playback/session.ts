// Keeps one Playback alive for one broadcast after the other: opens it when the channel is live, makes it anew when it
// fails or stands still, gives it up when the broadcast is over. Owns no timer: tick() is called a few times a second.
//
//   closed --live--> opening --> open --failed, stuck--> waiting --back-off--> opening
//     ^                           |  ^                      |
//     |                           |  +------ paused: the publisher may return, what is open stays open
//     +-- another broadcast, ended and drained, offline ----+

import { type Backoff, backoff } from "../base/backoff";
import type { ChannelState } from "../watch/feed";
import type { Playback, PlaybackState } from "./playback";

// A picture that stands this long while the channel is live is behind for good: what stopped it is being skipped...
export const skip_ms = 2_000;
// ...and if it stands even so, the player is made anew.
export const stuck_ms = 5_000;
// A player that never shows a first picture; longer, since its chunk must be downloaded as well.
export const never_started_ms = 12_000;
// Playing for this long, the trouble is over.
const well_again_ms = 10_000;
// A viewer who did not ask to be behind is brought back to live when further behind than the target by this much.
const lost_s = 2;
// A jump takes its time, and may not help at all.
const jump_wait_ms = 8_000;

export interface Followed {
  state: ChannelState;
  broadcast: string | null;
}

export type Intent = "live" | "behind"; // behind: the viewer paused or went back, and wants to see what follows

export class PlaybackSession {
  #open: (wanted: () => boolean) => Promise<Playback>;
  #leave: () => void;
  #waits: Backoff;
  #followed: Followed = { state: "offline", broadcast: null };
  #playback: Playback | null = null;
  #opened: string | null = null; // the broadcast that is open, opening or waited for
  #opening = 0; // counts openings: one that was given up must not come to life later
  #retry_at_ms: number | null = null;
  #state: PlaybackState | "closed" = "closed";
  #since_ms = 0; // of #state
  #jumped_at_ms = -Infinity;
  #stale = false; // another player is wanted, once the viewer goes on
  intent: Intent = "live";
  held = false; // by the viewer, who paused: no player is opened, since one that is plays by itself
  restarts = 0;
  failures = 0; // of them those that were none's wish
  stalls = 0;

  // `open` rejects once it is no longer `wanted`: another playback may have the element by then. `leave` is called
  // before a playback is destroyed, while its last picture can still be had.
  constructor(open: (wanted: () => boolean) => Promise<Playback>, leave: () => void = () => {}, waits: Backoff = backoff(500, 10_000)) {
    this.#open = open;
    this.#leave = leave;
    this.#waits = waits;
  }

  get playback(): Playback | null {
    return this.#playback;
  }
  get state(): PlaybackState | "closed" {
    return this.#state;
  }

  follow(followed: Followed, now_ms: number): void {
    const returned = this.#followed.state === "paused" && followed.state === "live";
    this.#followed = followed;
    if (followed.state === "offline" || (this.#opened !== null && this.#opened !== followed.broadcast)) this.close(now_ms);
    if (followed.state === "live" && this.#opened === null) this.#reopen(now_ms);
    if (returned) this.#welcome_back(now_ms);
    if (followed.state === "ended" && !this.#has_more_to_show()) this.close(now_ms);
  }

  tick(now_ms: number): void {
    if (this.#retry_at_ms !== null) {
      if (this.#followed.state === "live" && now_ms >= this.#retry_at_ms) this.#reopen(now_ms);
      return;
    }
    if (this.#playback === null) return;
    const seen = this.#playback.state(now_ms);
    this.#enter(seen === "failed" && this.held ? "paused" : seen, now_ms); // its picture is still there
    const for_ms = now_ms - this.#since_ms;
    const trouble =
      this.#state === "failed" ||
      (this.#state === "stalled" && for_ms > stuck_ms) ||
      (this.#state === "drained" && for_ms > stuck_ms) || // its player believes that it is over
      (this.#state === "loading" && for_ms > never_started_ms);
    switch (this.#followed.state) {
      case "live":
        if (this.held) break;
        if (this.#stale) this.#reopen(now_ms);
        else if (trouble) this.#restart_later(now_ms);
        else if (this.#state === "playing" || (this.#state === "stalled" && for_ms > skip_ms)) this.#stay_live(now_ms);
        if (this.#state === "playing" && for_ms > well_again_ms) this.#waits.reset();
        break;
      case "ended":
        if (trouble || this.#state === "drained" || this.#state === "loading") this.close(now_ms);
        break;
      case "paused": // wait for the publisher, with the last picture on the screen
      case "offline":
        break;
    }
  }

  jump_to_live(now_ms: number): void {
    this.intent = "live";
    this.held = false;
    if (this.#playback?.jump_to_live() === "make_anew") this.#reopen(now_ms);
  }

  // Another player for the same broadcast.
  reopen(now_ms: number): void {
    if (this.#opened === null) return;
    if (this.held) this.#stale = true;
    else this.#reopen(now_ms);
  }

  close(now_ms: number): void {
    this.#discard();
    this.#opened = null;
    this.intent = "live";
    this.held = false;
    this.#enter("closed", now_ms);
  }

  // The publisher has returned to the same broadcast. A player that waited goes on by itself, given the usual time.
  #welcome_back(now_ms: number): void {
    this.#waits.reset();
    if (this.#state === "failed" && !this.held) this.#reopen(now_ms);
    else this.#since_ms = now_ms;
  }

  #has_more_to_show(): boolean {
    return this.#state === "playing" || this.#state === "paused" || this.#state === "stalled";
  }

  #stay_live(now_ms: number): void {
    const delay_s = this.#playback?.delay_s() ?? null;
    const target_s = this.#playback?.target_s() ?? null;
    if (this.intent !== "live" || delay_s === null || target_s === null || delay_s < target_s + lost_s) return;
    if (now_ms - this.#jumped_at_ms < jump_wait_ms) return;
    this.#jumped_at_ms = now_ms;
    const restarts = this.restarts;
    this.jump_to_live(now_ms);
    this.failures += this.restarts - restarts;
  }

  #restart_later(now_ms: number): void {
    this.#discard();
    this.failures += 1;
    this.#enter("failed", now_ms);
    this.#retry_at_ms = now_ms + this.#waits.next_ms();
  }

  #reopen(now_ms: number): void {
    if (this.#playback !== null || this.#retry_at_ms !== null) this.restarts += 1;
    this.#discard();
    this.#opened = this.#followed.broadcast;
    this.#state = "loading";
    this.#since_ms = now_ms;
    const opening = this.#opening;
    this.#open(() => opening === this.#opening).then(
      (playback) => {
        if (opening === this.#opening) this.#playback = playback;
        else playback.destroy();
      },
      () => {
        if (opening === this.#opening) this.#restart_later(now_ms); // its chunk did not come
      },
    );
  }

  #discard(): void {
    this.#opening += 1;
    this.#stale = false;
    this.#retry_at_ms = null;
    if (this.#playback !== null) this.#leave();
    this.#playback?.destroy();
    this.#playback = null;
  }

  #enter(state: PlaybackState | "closed", now_ms: number): void {
    if (state === this.#state) return;
    if (state === "stalled") this.stalls += 1;
    this.#state = state;
    this.#since_ms = now_ms;
  }
}
