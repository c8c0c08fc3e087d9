// Which player plays here.

import type { Player } from "./playback";

export interface Support {
  media_source: boolean; // MediaSource, or ManagedMediaSource on iPhones
  native_hls: boolean;
}

// Native HLS only where there is nothing else: Chromium says it can and then plays seconds late, without parts.
export function choose_player(wish: string | null, support: Support): Player | null {
  if (support.media_source) return wish === "dash" ? "dash" : "hls";
  return support.native_hls ? "native" : null;
}

export function support_here(): Support {
  return {
    media_source: "ManagedMediaSource" in window || "MediaSource" in window,
    native_hls: document.createElement("video").canPlayType("application/vnd.apple.mpegurl") !== "",
  };
}
