// The push tier: CMAF chunks of a frame or two, sent over one WebSocket as they are born, into Media Source Extensions.
//
//   connecting --tracks--> filling --cushion full--> playing --over--> drained
//       |                     |                         |
//       +---- refused, lost, not carried ---------------+--> failed: low-latency HTTP is next
//
// There is nothing to ask for and nothing to choose: what the camera sends is what comes. So a network that does not
// carry it is no place for push: after a few stalls it gives way to a player with a ladder.

import { Cushion } from "./cushion";
import { of_chunks, pace } from "./pace";
import { Picture, ahead_s, buffer_end_s, picture_stats } from "./picture";
import { type Opening, type Playback, push_address } from "./playback";
import { type PushChunk, type PushTrack, media_zero_ms, read_chunk, read_words } from "./push_message";

const look_wait_ms = 100;
const waiting_bytes_max = 32 << 20; // what a node keeps for a viewer who lags: more than that it skips
const kept_behind_s = 20; // for who goes back
const trim_wait_ms = 5_000;
const stalls_max = 4; // within the time below: this network does not carry it
const stalls_within_ms = 20_000;
const still_ms = 250; // the picture stands this long with too little in hand: a stall
const hole_s_max = 0.5; // larger is a skip: what is behind the hole comes at once

// One track's way into the element. Appends one at a time; what comes meanwhile waits, and goes in at once.
class Feeder {
  #buffer: SourceBuffer;
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #waiting_bytes = 0;
  #mime: string;
  #next_mime: string | null = null;

  constructor(source: MediaSource, track: PushTrack, grew: () => void) {
    this.#mime = track.mime;
    this.#buffer = source.addSourceBuffer(track.mime);
    this.#buffer.addEventListener("updateend", () => {
      grew();
      this.#pump();
    });
  }

  change(mime: string): void {
    if (mime !== this.#mime) this.#next_mime = mime;
  }

  // False: more waits than there may.
  feed(chunk: PushChunk): boolean {
    this.#waiting.push(chunk.content);
    this.#waiting_bytes += chunk.content.byteLength;
    this.#pump();
    return this.#waiting_bytes <= waiting_bytes_max;
  }

  trim(before_s: number): void {
    const { buffered, updating } = this.#buffer;
    if (!updating && buffered.length > 0 && buffered.start(0) < before_s) this.#buffer.remove(0, before_s);
  }

  #pump(): void {
    if (this.#buffer.updating || this.#waiting.length === 0) return;
    // What was of the codec before has gone in: a header of another begins what waits now.
    if (this.#next_mime !== null) {
      this.#buffer.changeType(this.#next_mime);
      this.#mime = this.#next_mime;
      this.#next_mime = null;
    }
    const content = new Uint8Array(this.#waiting_bytes);
    let at = 0;
    for (const one of this.#waiting.splice(0)) {
      content.set(one, at);
      at += one.byteLength;
    }
    this.#waiting_bytes = 0;
    this.#buffer.appendBuffer(content);
  }
}

export function open({ video, channel, server_now_ms, push_gives_way }: Opening): Playback {
  const picture = new Picture();
  const cushion = new Cushion();
  const source = new MediaSource();
  const source_address = URL.createObjectURL(source);
  const socket = new WebSocket(push_address(channel, location.href), "klieg.push.1");
  socket.binaryType = "arraybuffer";

  let failure: string | null = null;
  let over = false;
  let destroyed = false;
  let tracks: PushTrack[] = [];
  const feeders = new Map<number, Feeder>();
  let early: PushChunk[] = []; // before the element is ready for them
  let zero_ms: number | null = null; // wall-clock time of media time zero
  let started = false;
  let bytes_at: { ms: number; bytes: number }[] = []; // of the last seconds
  const stalls_ms: number[] = [];
  let standing: { time_s: number; since_ms: number; told: boolean } = { time_s: -1, since_ms: 0, told: false };
  let trimmed_ms = 0;

  function give_way(why: string): void {
    if (failure !== null || destroyed) return;
    failure = why;
    socket.close();
    push_gives_way(why);
  }

  function begin(): void {
    if (source.readyState !== "open" || tracks.length === 0) return;
    try {
      if (feeders.size === 0) {
        source.duration = Infinity;
        for (const track of tracks) feeders.set(track.id, new Feeder(source, track, grew));
      } else {
        for (const track of tracks) feeders.get(track.id)?.change(track.mime);
      }
      for (const chunk of early.splice(0)) take(chunk);
    } catch (error) {
      give_way(`this browser does not play it: ${String(error)}`);
    }
  }

  function take(chunk: PushChunk): void {
    const feeder = feeders.get(chunk.track);
    if (feeder === undefined) {
      if (feeders.size === 0) early.push(chunk);
      return; // of a track that was not there at the beginning
    }
    const track = tracks.find((one) => one.id === chunk.track);
    if (track?.kind === "video" || tracks.length === 1) zero_ms = media_zero_ms(chunk.content, track?.timescale ?? 1) ?? zero_ms;
    if (!feeder.feed(chunk)) give_way("more came than the browser takes");
  }

  function grew(): void {
    const now_ms = performance.now();
    const end_s = last_end_s(video);
    if (end_s !== null) cushion.grew(end_s, now_ms);
    look();
  }

  socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    try {
      if (typeof data === "string") {
        const words = read_words(data);
        if (words?.type === "tracks") {
          tracks = words.tracks;
          begin();
        } else if (words?.type === "over") over = true;
        return;
      }
      const now_ms = performance.now();
      bytes_at.push({ ms: now_ms, bytes: data.byteLength });
      const chunk = read_chunk(data);
      if (chunk !== null) take(chunk);
    } catch (error) {
      give_way(String(error));
    }
  };
  socket.onclose = ({ code }) => {
    if (over && source.readyState === "open") end_when_fed();
    else give_way(code === 1006 && tracks.length === 0 ? "push was refused" : "the connection was lost");
  };
  source.addEventListener("sourceopen", begin);
  const broken = () => give_way(video.error?.message ?? "the browser could not play this");
  video.addEventListener("error", broken);
  video.src = source_address;

  // All that was sent is to be shown first; endOfStream() waits for no append.
  function end_when_fed(): void {
    const trying = setInterval(() => {
      if (destroyed || source.readyState !== "open") clearInterval(trying);
      else if ([...source.sourceBuffers].every((buffer) => !buffer.updating)) {
        clearInterval(trying);
        source.endOfStream();
      }
    }, look_wait_ms);
  }

  function seek_to_live(): void {
    const end_s = last_end_s(video);
    const start_s = video.buffered.length > 0 ? video.buffered.start(video.buffered.length - 1) : 0;
    if (end_s !== null) video.currentTime = Math.max(start_s, end_s - cushion.size_s(performance.now()));
  }

  function look(): void {
    if (failure !== null || destroyed || video.buffered.length === 0) return;
    const now_ms = performance.now();
    if (!started) {
      // What comes first is a burst from the latest key frame on: its end is live.
      const last = video.buffered.length - 1;
      if (video.buffered.end(last) - video.buffered.start(last) < cushion.size_s(now_ms)) return;
      started = true;
      cushion.forget();
      return seek_to_live();
    }
    skip_hole();
    note_stall(now_ms);
    if (now_ms - trimmed_ms > trim_wait_ms) {
      trimmed_ms = now_ms;
      for (const feeder of feeders.values()) feeder.trim(video.currentTime - kept_behind_s);
    }
    const behind_s = cushion.behind_s(video.currentTime, now_ms);
    if (video.paused || behind_s === null) return;
    const rate = pace({ behind_s, target_s: cushion.size_s(now_ms), ahead_s: ahead_s(video), rate: video.playbackRate }, of_chunks);
    if (rate !== video.playbackRate) video.playbackRate = rate;
  }

  // A node that skipped this viewer goes on at a key frame; nothing will ever fill the hole before it.
  function skip_hole(): void {
    for (let i = 0; i < video.buffered.length; ++i) {
      const start_s = video.buffered.start(i);
      if (start_s <= video.currentTime || ahead_s(video) > 0.02) continue;
      if (start_s - video.currentTime < hole_s_max) video.currentTime = start_s + 0.001;
      else {
        cushion.forget();
        seek_to_live();
      }
      return;
    }
  }

  function note_stall(now_ms: number): void {
    if (video.currentTime !== standing.time_s || video.paused || video.seeking) {
      standing = { time_s: video.currentTime, since_ms: now_ms, told: false };
      return;
    }
    if (standing.told || now_ms - standing.since_ms < still_ms || over) return;
    standing.told = true;
    cushion.stalled(now_ms);
    stalls_ms.push(now_ms);
    if (stalls_ms.filter((at_ms) => now_ms - at_ms < stalls_within_ms).length >= stalls_max) give_way("the network does not carry it");
  }

  const looking = setInterval(look, look_wait_ms);

  function delay_s(): number | null {
    const now_ms = server_now_ms();
    return now_ms === null || zero_ms === null || !started ? null : (now_ms - zero_ms) / 1000 - video.currentTime;
  }
  function target_s(): number | null {
    const now_ms = performance.now();
    const delay = delay_s();
    const behind_s = cushion.behind_s(video.currentTime, now_ms);
    return delay === null || behind_s === null ? null : delay - behind_s + cushion.size_s(now_ms);
  }
  function bitrate_bps(): number | null {
    const now_ms = performance.now();
    const span_ms = 3_000;
    bytes_at = bytes_at.filter((one) => now_ms - one.ms < span_ms);
    return bytes_at.length === 0 ? null : (8_000 * bytes_at.reduce((sum, one) => sum + one.bytes, 0)) / span_ms;
  }

  return {
    player: "push",
    state: (now_ms) => (failure === null ? picture.look(video, now_ms) : "failed"),
    failure: () => failure,
    delay_s,
    target_s,
    jump_to_live() {
      seek_to_live();
      return "jumped";
    },
    // One rendition is pushed: that of the camera.
    rungs: () => [],
    has_audio_only: () => false,
    shown: () => tracks.find((track) => track.kind === "video")?.name ?? null,
    choose: () => "chosen",
    span() {
      const end_s = buffer_end_s(video);
      return end_s === null ? null : { start_s: video.buffered.start(0), end_s: end_s - cushion.size_s(performance.now()) };
    },
    stats: () => ({
      player: "push",
      delay_s: delay_s(),
      target_s: target_s(),
      bandwidth_bps: null, // what comes as it is born comes no faster than that
      bitrate_bps: bitrate_bps(),
      ...picture_stats(video),
    }),
    destroy() {
      destroyed = true;
      clearInterval(looking);
      socket.close();
      video.removeEventListener("error", broken);
      URL.revokeObjectURL(source_address);
      video.removeAttribute("src");
      video.load();
      video.playbackRate = 1;
    },
  };
}

function last_end_s(video: HTMLVideoElement): number | null {
  return video.buffered.length === 0 ? null : video.buffered.end(video.buffered.length - 1);
}
