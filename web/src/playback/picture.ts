// Whether the picture moves, told from what a <video> says when it is looked at. Events are not enough: an element
// whose decoder starves may stand still without a word.

import type { PlaybackState } from "./playback";

export interface ElementView {
  currentTime: number;
  paused: boolean;
  ended: boolean;
  seeking: boolean;
}

// A picture that has not moved for this long stands. Looked at four times a second, a moving one moves every time.
const still_ms = 600;

const noticed_ms = 250; // of the same picture
const frozen_ms = 400; // no picture for this long, four frames of a slow camera...
const frozen_moved_s = 0.3; // ...though the sound went on
const thaw_ahead_s = 0.1; // with less in hand there is nothing to show after a seek
const thaw_wait_ms = 1_000;
const paint_s = 0.05; // until the element says the size of a picture that is due
const seam_s = 0.1; // so near to the next key frame a seek takes as long as waiting for it

export class Picture {
  #time_s: number | null = null;
  #moved_at_ms: number | null = null;

  look(video: ElementView, now_ms: number): Exclude<PlaybackState, "failed"> {
    if (video.ended) return "drained";
    const moved = this.#time_s !== null && video.currentTime !== this.#time_s && !video.seeking;
    this.#time_s = video.currentTime;
    if (video.paused) {
      if (this.#moved_at_ms === null) return "loading";
      this.#moved_at_ms = now_ms; // the time spent paused is no stall
      return "paused";
    }
    if (moved) this.#moved_at_ms = now_ms;
    if (this.#moved_at_ms === null) return "loading";
    return now_ms - this.#moved_at_ms < still_ms ? "playing" : "stalled";
  }
}

// Each time the picture stands for as long as a viewer notices: told once, while it stands.
export class Standing {
  #time_s = -1;
  #since_ms = 0;
  #told = false;

  look(video: ElementView, now_ms: number): boolean {
    if (video.currentTime !== this.#time_s || video.paused || video.seeking || video.ended) {
      this.#time_s = video.currentTime;
      this.#since_ms = now_ms;
      this.#told = false;
      return false;
    }
    if (this.#told || now_ms - this.#since_ms < noticed_ms) return false;
    this.#told = true;
    return true;
  }
}

export interface Range {
  start_s: number;
  end_s: number;
}

// An element stops with a twentieth of a second in hand, which it never shows, and is looked at ten times a second.
const starved_s = 0.15;

// Where the hole ends that the element is about to stop at; null: there is none, or it is some way off. What comes in
// order never fills a hole that it has gone past.
export function hole_end_s(buffered: readonly Range[], time_s: number): number | null {
  const next = buffered.find(({ start_s }) => start_s > time_s);
  const here = buffered.find(({ start_s, end_s }) => start_s <= time_s && time_s <= end_s);
  if (next === undefined || (here !== undefined && here.end_s - time_s > starved_s)) return null;
  return next.start_s;
}

// Where one rung gives way to another. Chromium reads a little ahead of what it shows, and what it has read of the old
// rung it shows to the end, until it comes to a key frame of the new one: if that of the segment lies behind, there is no
// picture for the rest of the segment, though all of them are there. A seek to where the element is makes it begin again
// at the key frame before. It costs a tenth of a second: so only if the new rung does not show by itself.
export class Seam {
  #rung: string | null = null;
  #lines = 0; // of the picture before
  #open: { from_s: number; end_s: number; next_s: number } | null = null;

  // There are pictures of `rung` from a segment's begin at `from_s` to `end_s` now.
  appended(rung: string | null, from_s: number, end_s: number): void {
    if (this.#rung !== null && rung !== this.#rung) this.#open = { from_s, end_s, next_s: Infinity };
    this.#rung = rung;
    if (this.#open === null) return;
    this.#open.end_s = end_s;
    if (from_s > this.#open.from_s) this.#open.next_s = Math.min(from_s, this.#open.next_s);
  }

  // Whether to seek now. `lines`: height of the picture that is shown.
  look(lines: number, time_s: number): boolean {
    const open = this.#open;
    if (open === null || lines !== this.#lines || time_s > open.next_s - seam_s) {
      this.#lines = lines;
      this.#open = null;
      return false;
    }
    if (time_s < open.from_s + paint_s || open.end_s < time_s + thaw_ahead_s) return false;
    this.#open = null;
    return true;
  }
}

// Pictures of another rung that replace what is being shown may leave the decoder without any until a later key frame,
// while the sound goes on. A seek to where the element is makes it begin again at the key frame before.
export class Thaw {
  #frames = -1;
  #frozen_since_ms = 0;
  #from_s = 0;

  // Whether to seek now. `frames`: decoded so far.
  look(frames: number, time_s: number, ahead_s: number, now_ms: number): boolean {
    if (frames !== this.#frames || time_s < this.#from_s || ahead_s < thaw_ahead_s) {
      this.#frames = frames;
      this.#frozen_since_ms = now_ms;
      this.#from_s = time_s;
      return false;
    }
    if (now_ms - this.#frozen_since_ms < frozen_ms || time_s - this.#from_s < frozen_moved_s) return false;
    this.#frozen_since_ms = now_ms + thaw_wait_ms;
    return true;
  }
}

export function ahead_s(video: HTMLVideoElement): number {
  for (let i = 0; i < video.buffered.length; ++i)
    if (video.buffered.start(i) <= video.currentTime + 0.1 && video.currentTime < video.buffered.end(i))
      return video.buffered.end(i) - video.currentTime;
  return 0;
}

// Where the buffer ends that is shown, or was: Chromium lets the sound go on for some seconds past the last picture.
export function buffer_end_s(video: HTMLVideoElement): number | null {
  for (let i = video.buffered.length - 1; i >= 0; --i)
    if (video.buffered.start(i) <= video.currentTime + 0.1) return video.buffered.end(i);
  return null;
}

export function picture_stats(video: HTMLVideoElement) {
  const quality = video.getVideoPlaybackQuality();
  return {
    ahead_s: ahead_s(video),
    width: video.videoWidth,
    height: video.videoHeight,
    frames: quality.totalVideoFrames,
    dropped_frames: quality.droppedVideoFrames,
    rate: video.playbackRate,
  };
}
