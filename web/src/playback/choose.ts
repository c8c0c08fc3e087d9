// What plays here: on which tiers a viewer may be, and by which player each of them.

import type { Player } from "./playback";
import type { Manner, Tier } from "./tier";

export interface Support {
  push: boolean; // WebSocket and MediaSource
  media_source: boolean;
  managed_media_source: boolean; // iPhones have nothing else
  native_hls: boolean;
}

// What a viewer may ask for, in the address or in the settings; whatever else stands there is no wish.
export type Wish = "push" | "dash" | "hls" | "plain";
export const wish_of = (word: string | null): Wish | null =>
  word === "push" || word === "dash" || word === "hls" || word === "plain" ? word : null;

export interface Means {
  tiers: readonly [Tier, ...Tier[]]; // highest first
  manner: Manner;
  over_http: Player; // on every tier but push
}

// Low-latency HTTP is LL-DASH: a viewer of LL-HLS costs a server more than twice as much (docs/decisions/0008-*.md).
// Native HLS only where there is nothing else: Chromium says it can and then plays seconds late, without parts.
export function means_of(wish: Wish | null, support: Support): Means | null {
  if (!support.media_source) {
    const over_http = support.managed_media_source ? "hls" : support.native_hls ? "native" : null;
    return over_http && { tiers: ["low_latency"], manner: "moves", over_http };
  }
  switch (wish) {
    case "hls":
    case "dash":
      return { tiers: ["low_latency"], manner: "stays", over_http: wish };
    case "plain":
      return { tiers: ["plain"], manner: "stays", over_http: "dash" };
    case "push":
    case null:
      return {
        tiers: support.push ? ["push", "low_latency", "plain"] : ["low_latency", "plain"],
        manner: wish === "push" ? "stays" : "moves",
        over_http: "dash",
      };
  }
}

export function support_here(): Support {
  return {
    push: "WebSocket" in window && "MediaSource" in window,
    media_source: "MediaSource" in window,
    managed_media_source: "ManagedMediaSource" in window,
    native_hls: document.createElement("video").canPlayType("application/vnd.apple.mpegurl") !== "",
  };
}
