// The one face of every player. A Playback feeds media of one broadcast into a <video> that the page owns: the page
// plays, pauses and mutes the element itself, and destroys the Playback before it gives the element to another.

import type { RungChooser } from "./chooser";
import type { Choice, Rung } from "./ladder";
import type { PushLine } from "./push_line";
import type { Road } from "./road";
import type { Tier } from "./tier";

export type Player = "push" | "hls" | "dash" | "native";

//   loading -> playing <-> stalled        the picture moves, or does not though it should
//                 ^ \
//                 v  -> drained            everything there was has been shown: the broadcast is over
//              paused                      by the viewer
//   any -> failed                          it needs to be made anew
export type PlaybackState = "loading" | "playing" | "stalled" | "paused" | "drained" | "failed";

// Some players find back to live sooner when made anew.
export type Jump = "jumped" | "make_anew";
// Between picture and audio only there is no other way.
export type Chosen = "chosen" | "make_anew";

// What can be sought to, in the element's time.
export interface Span {
  start_s: number;
  end_s: number;
}

export interface Stats {
  player: Player;
  delay_s: number | null; // behind the clock that stamped the video
  target_s: number | null; // what the player aims at
  ahead_s: number; // buffered beyond what is shown
  bandwidth_bps: number | null; // as the player estimates it
  bitrate_bps: number | null; // of the chosen quality
  width: number;
  height: number;
  frames: number;
  dropped_frames: number;
  rate: number; // of playback: not 1 while catching up
}

export interface Playback {
  readonly player: Player;
  // Looks at the element; to be called a few times a second.
  state(now_ms: number): PlaybackState;
  // Why the state is `failed`, in the player's words.
  failure(): string | null;
  delay_s(): number | null;
  // Of the picture, as the broadcast counts it; null: this player knows the picture's stamp alone.
  media_ms(): number | null;
  target_s(): number | null;
  jump_to_live(): Jump;
  rungs(): Rung[]; // highest first; empty: not known yet, or nothing to choose from
  has_audio_only(): boolean;
  shown(): string | null; // the id of the rung on the screen
  choose(choice: Choice): Chosen;
  span(): Span | null; // null: nothing can be sought to
  stats(): Stats;
  destroy(): void;
}

export interface Opening {
  video: HTMLVideoElement;
  road: Road;
  server_now_ms(): number | null;
  choice: Choice; // to begin with; one that this broadcast does not have means automatic
  chooser: RungChooser; // outlives the Playback: what one has learned of the network the next need not
  lines_shown(): number; // height of the picture on the screen, in device pixels
  tier: Tier; // dash.js plays more than one
  line: PushLine | null; // for push alone
  push_gives_way(why: string): void; // it cannot be had any longer
  stood(): void; // a stall; each is told once
  not_carried(): void; // less comes than is born; told once
}
