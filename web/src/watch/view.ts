// What the page says is going on, decided from everything that is known: what the server says of the channel, whether
// the server can be reached, and what the picture does. The picture is believed first: while it moves, the page does
// not claim that anything is wrong.

import type { PlaybackState } from "../playback/playback";
import type { ChannelState } from "./feed";

export type View =
  | "connecting" // nothing is known yet
  | "missing" // there is no such channel
  | "refused" // there is a private one, and this link to it is over
  | "offline" // nobody is on air: starting soon
  | "loading" // on air, first picture awaited
  | "live"
  | "behind" // playing, but further back than live
  | "held" // paused by the viewer
  | "stalled" // the picture should move and does not
  | "paused" // the publisher is gone, and may return
  | "ended"
  | "reconnecting" // server or network are gone
  | "unsupported"; // this browser can play none of what we send

export interface Known {
  can_play: boolean;
  channel: ChannelState | "missing" | "refused" | null;
  reachable: boolean;
  playback: PlaybackState | "closed";
  delay_s: number | null;
  target_s: number | null;
}

// Within this much of the target one is live: part of it is the way from the camera to the server's clock stamp.
const live_slack_s = 2.5;
const usual_target_s = 1;

export function view_of(known: Known): View {
  if (known.channel === "refused") return "refused";
  if (known.playback === "playing") return is_behind(known) ? "behind" : "live";
  if (known.channel === "missing") return "missing";
  if (!known.reachable) return "reconnecting";
  switch (known.channel) {
    case null:
      return "connecting";
    case "offline":
      return "offline";
    case "ended":
      return known.playback === "paused" ? "held" : "ended";
    case "paused":
      return "paused";
    case "live":
      break;
  }
  if (!known.can_play) return "unsupported";
  switch (known.playback) {
    case "stalled":
      return "stalled";
    case "paused":
      return "held";
    case "failed":
      return "reconnecting";
    case "closed":
    case "loading":
    case "drained": // the server says that there is more: another player will come
      return "loading";
  }
}

function is_behind(known: Known): boolean {
  return known.delay_s !== null && known.delay_s > (known.target_s ?? usual_target_s) + live_slack_s;
}

// "1.2 s", "14 s", "3 min": as exact as it is useful.
export function delay_text(delay_s: number): string {
  if (delay_s < 9.95) return `${Math.max(0, delay_s).toFixed(1)} s`;
  return delay_s < 90 ? `${Math.round(delay_s)} s` : `${Math.round(delay_s / 60)} min`;
}

// "Live", "12 s ago", "1 min 05 s ago": of a place in the live window.
export function behind_text(behind_s: number): string {
  const seconds = Math.round(behind_s);
  if (seconds < 1) return "Live";
  if (seconds < 60) return `${seconds} s ago`;
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s ago`;
}

// "12 s", "3 min", "2 h 05 min" since the broadcast started.
export function on_air_text(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}
