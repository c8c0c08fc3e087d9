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

const frozen_ms = 400; // no picture for this long, four frames of a slow camera...
const frozen_moved_s = 0.3; // ...though the sound went on
const thaw_ahead_s = 0.1; // with less in hand there is nothing to show after a seek
const thaw_wait_ms = 1_000;

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
