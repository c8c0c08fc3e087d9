// Which player plays here.

import type { Player } from "./playback";

export interface Support {
  push: boolean; // WebSocket and MediaSource
  media_source: boolean; // MediaSource, or ManagedMediaSource on iPhones
  native_hls: boolean;
}

// Native HLS only where there is nothing else: Chromium says it can and then plays seconds late, without parts.
export function choose_player(wish: string | null, support: Support): Player | null {
  if (wish === "push" && support.push) return "push";
  if (support.media_source) return wish === "dash" ? "dash" : "hls";
  return support.native_hls ? "native" : null;
}

// Push is for as long as it is carried: a broadcast for which it gave way is played by low-latency HTTP, the next one is
// tried again.
export class Tier {
  wish: Player | null;
  #gave_way_for: string | null = null;

  constructor(wish: Player | null) {
    this.wish = wish;
  }
  gave_way(broadcast: string | null): void {
    this.#gave_way_for = broadcast ?? "";
  }
  choose(wish: Player): void {
    this.wish = wish;
    this.#gave_way_for = null;
  }
  player(broadcast: string | null): Player | null {
    return this.wish === "push" && this.#gave_way_for === (broadcast ?? "") ? "hls" : this.wish;
  }
}

// What a player's tier is called on the page.
export const tier_names: Record<Player, string> = {
  push: "push",
  hls: "low-latency HTTP",
  dash: "low-latency HTTP",
  native: "HTTP",
};

export function support_here(): Support {
  return {
    push: "WebSocket" in window && "MediaSource" in window,
    media_source: "ManagedMediaSource" in window || "MediaSource" in window,
    native_hls: document.createElement("video").canPlayType("application/vnd.apple.mpegurl") !== "",
  };
}
