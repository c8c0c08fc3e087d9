// What the bell of a page shows, as reactive state. Of all pages of a browser the one that holds the lock asks, and tells
// the others.

import type { Api } from "./api";
import { type Notice, type Notices, follow_notices, merged, unseen } from "./notices";

const held_max_ms = 40_000; // the server holds a question for 25 s
const told_for_ms = 12_000;
const name = "klieg-notices";

export class Bell {
  notices: Notice[] = $state.raw([]);
  fresh: Notice | null = $state.raw(null); // who went live a moment ago
  readonly unseen = $derived(unseen(this.notices));

  readonly #api: Api;
  readonly #stop = new AbortController();
  readonly #others = new BroadcastChannel(name);
  #fading: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Api) {
    this.#api = api;
    this.#others.onmessage = ({ data }: MessageEvent<Told>) => {
      if (data.kind === "news") this.#take(data.items);
      else this.#mark_seen();
    };
    void this.#first();
    void this.#ask_for_all();
  }

  async mark_seen(): Promise<void> {
    if (this.unseen === 0) return;
    this.#mark_seen();
    const told: Told = { kind: "seen" };
    this.#others.postMessage(told);
    await this.#api.ask("POST", "/notices/seen");
  }

  put_away(): void {
    this.fresh = null;
  }

  destroy(): void {
    this.#stop.abort();
    this.#others.close();
    clearTimeout(this.#fading);
  }

  #mark_seen(): void {
    this.notices = this.notices.map((one) => ({ ...one, seen: true }));
  }

  #take(items: Notice[]): void {
    this.notices = merged(this.notices, items);
    const newest = items.find((one) => one.live && !one.seen);
    if (newest === undefined) return;
    this.fresh = newest;
    clearTimeout(this.#fading);
    this.#fading = setTimeout(() => (this.fresh = null), told_for_ms);
  }

  async #first(): Promise<void> {
    const answer = await this.#api.ask<Notices>("GET", "/notices");
    if (answer.kind === "done" && !this.#stop.signal.aborted) this.notices = merged(this.notices, answer.value.items);
  }

  async #ask_for_all(): Promise<void> {
    const ask = () =>
      follow_notices(
        (after, stop) =>
          this.#api.ask<Notices>("GET", after === null ? "/notices" : `/notices?after=${encodeURIComponent(after)}`, undefined, {
            time_max_ms: held_max_ms,
            stop,
          }),
        (items, what) => {
          if (what === "first") return void (this.notices = merged(this.notices, items));
          const told: Told = { kind: "news", items };
          this.#others.postMessage(told);
          this.#take(items);
        },
        this.#stop.signal,
      );
    try {
      await navigator.locks.request(name, { signal: this.#stop.signal }, ask);
    } catch {
      // stopped while another page had it
    }
  }
}

type Told = { kind: "news"; items: Notice[] } | { kind: "seen" };
