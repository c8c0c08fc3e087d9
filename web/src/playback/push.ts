// The push tier: CMAF chunks of a frame or two, sent over one WebSocket as they are born, into Media Source Extensions.
//
//   filling --cushion full--> playing --over--> drained
//       |                         |
//       +---- lost, too slow -----+--> failed: it gives way
//
// There is nothing to ask for and nothing to choose: what the camera sends is what comes. A network that does not carry
// it is no place for push; whether it does is the tier chooser's to say (tier.ts).
//
// A line that is lost is followed by another, if there is one, while what is in hand is shown, slowly. It goes on where
// the one before ended; where its node cannot, it begins with the latest key frame, and what is here already is left out.

import { Cushion } from "./cushion";
import { Feeder } from "./feeder";
import { of_chunks, pace } from "./pace";
import { type Rung, automatic, rungs_in } from "./ladder";
import { Picture, Standing, ahead_s, buffer_end_s, hole_end_s, picture_stats } from "./picture";
import type { Opening, Playback } from "./playback";
import { PushLine } from "./push_line";
import { type PushChunk, type PushTrack, is_the_end, media_zero_ms, read_chunk, read_words } from "./push_message";

const look_wait_ms = 100;
const kept_behind_s = 20; // for who goes back
const trim_wait_ms = 5_000;
const cushion_s_max = 2; // beyond, low-latency HTTP is no worse
const falling_behind_ms_max = 1_500;
const start_ms_max = 4_000; // a network that does not bring half a second in this time
const lost_within_ms = 10_000; // a line that is lost so soon after the one before has no better one to follow it
// The next line takes two or three round trips, and what is in hand may be less. For so short a time a slower picture is
// overlooked, one that stands is not. (Viewers without a screen, src/player/, follow no line by another.)
const rate_without_line = 0.6;
const hole_s_max = 0.5; // larger is a skip: what is behind the hole comes at once

export function open({ video, road, server_now_ms, line: first_line, push_gives_way, stood, not_carried }: Opening): Playback {
  const picture = new Picture();
  const standing = new Standing();
  const cushion = new Cushion(cushion_s_max);
  const source = new MediaSource();
  const source_address = URL.createObjectURL(source);
  const opened_ms = performance.now();

  let line = first_line;
  let lost_ms = -Infinity; // the line before
  let lost_end_s: number | null = null; // of what was here when it was lost; null: a line has brought more since
  let failure: string | null = null;
  let fell_behind = false;
  let over = false;
  let destroyed = false;
  let tracks: PushTrack[] = [];
  const feeders = new Map<PushTrack["kind"], Feeder>();
  let ladder: { rungs: Rung[]; has_audio_only: boolean } = { rungs: [], has_audio_only: false };
  let early: PushChunk[] = []; // before the element is ready for them
  let zero_ms: number | null = null; // wall-clock time of media time zero
  let started = false;
  let bytes_at: { ms: number; bytes: number }[] = []; // of the last seconds
  let trimmed_ms = 0;

  function give_way(why: string): void {
    if (failure !== null || destroyed) return;
    give_up(why);
    push_gives_way(why);
  }

  // Another player of this tier follows.
  function give_up(why: string): void {
    failure = why;
    line?.close();
  }

  const not_taken = (error: unknown) => give_way(`this browser does not play it: ${String(error)}`);

  function begin(): void {
    if (source.readyState !== "open" || tracks.length === 0) return;
    try {
      if (feeders.size === 0) {
        source.duration = Infinity;
        for (const track of tracks) feeders.set(track.kind, new Feeder(source, track, grew, not_taken));
      } else if (tracks.some((track) => !feeders.has(track.kind))) {
        return give_up("a track has joined"); // an element that plays takes no other
      } else {
        for (const track of tracks) feeders.get(track.kind)?.change(track.mime);
      }
      for (const chunk of early.splice(0)) take(chunk);
    } catch (error) {
      not_taken(error);
    }
  }

  function take(chunk: PushChunk): void {
    const track = tracks.find((one) => one.id === chunk.track);
    const feeder = track && feeders.get(track.kind);
    if (feeder === undefined) {
      if (feeders.size === 0) early.push(chunk);
      return;
    }
    if (track?.kind === "video" || tracks.length === 1) zero_ms = media_zero_ms(chunk.content, track?.timescale ?? 1) ?? zero_ms;
    if (!feeder.feed(chunk)) give_way("more came than the browser takes");
  }

  function grew(): void {
    const now_ms = performance.now();
    const end_s = last_end_s(video);
    if (end_s !== null) cushion.grew(end_s, now_ms);
    if (end_s !== null && lost_end_s !== null && end_s > lost_end_s) lost_end_s = null;
    if (started && !fell_behind && cushion.falling_behind_ms(now_ms) > falling_behind_ms_max) {
      fell_behind = true;
      not_carried();
    }
    look();
  }

  function hear(data: string | ArrayBuffer): void {
    try {
      if (typeof data === "string") {
        const words = read_words(data);
        if (words?.type === "tracks") {
          tracks = words.tracks;
          begin();
        } else if (words !== null) over = is_the_end(words);
        return;
      }
      const now_ms = performance.now();
      bytes_at.push({ ms: now_ms, bytes: data.byteLength });
      const chunk = read_chunk(data);
      if (chunk !== null) take(chunk);
    } catch (error) {
      give_way(String(error));
    }
  }
  // What the next line need not bring.
  function going_on(): string {
    const fed_ms = tracks.map(({ kind, timescale }) => (1000 * (feeders.get(kind)?.fed_ticks ?? -Infinity)) / timescale);
    const after_ms = Math.floor(Math.min(...fed_ms));
    return Number.isFinite(after_ms) ? `?after_ms=${after_ms}` : "";
  }

  async function follow(lost: boolean): Promise<void> {
    if (lost) {
      const now_ms = performance.now();
      const soon = now_ms - lost_ms < lost_within_ms;
      lost_ms = now_ms;
      lost_end_s = last_end_s(video) ?? 0;
      look();
      line = soon ? null : await PushLine.connect(road.socket_address("push", location.href) + going_on());
    }
    if (line === null) return give_way("the connection was lost");
    if (destroyed || failure !== null) return line.close();
    line.take({
      message: hear,
      closed() {
        if (over && source.readyState === "open") end_when_fed();
        else void follow(true);
      },
    });
  }
  void follow(false);

  // What there is beside what is pushed: whoever wants that is given another player.
  fetch(road.address("index.m3u8"))
    .then(async (answer) => (ladder = answer.ok ? rungs_in(await answer.text()) : ladder))
    .catch(() => {}); // then there is nothing to choose from

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
    if (end_s === null) return;
    const to_s = Math.max(start_s, end_s - cushion.size_s(performance.now()));
    if (to_s > video.currentTime) video.currentTime = to_s; // who is nearer than the cushion wishes is not sent back
  }

  function look(): void {
    const now_ms = performance.now();
    if (!started && now_ms - opened_ms > start_ms_max) give_way("it came too slowly");
    if (failure !== null || destroyed || video.buffered.length === 0) return;
    if (!started) {
      // What comes first is a burst from the latest key frame on: its end is live.
      const last = video.buffered.length - 1;
      if (video.buffered.end(last) - video.buffered.start(last) < cushion.size_s(now_ms)) return;
      started = true;
      cushion.forget();
      return seek_to_live();
    }
    skip_hole();
    if (!over && standing.look(video, now_ms)) {
      cushion.stalled(now_ms);
      stood();
    }
    if (now_ms - trimmed_ms > trim_wait_ms) {
      trimmed_ms = now_ms;
      for (const feeder of feeders.values()) feeder.trim(video.currentTime - kept_behind_s);
    }
    const behind_s = cushion.behind_s(video.currentTime, now_ms);
    if (video.paused || behind_s === null) return;
    const rate = lost_end_s !== null ? rate_without_line : pace({ behind_s, target_s: cushion.size_s(now_ms), ahead_s: ahead_s(video), rate: video.playbackRate }, of_chunks);
    if (rate !== video.playbackRate) video.playbackRate = rate;
  }

  // A node that skipped this viewer goes on at a key frame, and so does a line that follows another.
  function skip_hole(): void {
    const ranges = Array.from({ length: video.buffered.length }, (_, i) => ({ start_s: video.buffered.start(i), end_s: video.buffered.end(i) }));
    const to_s = hole_end_s(ranges, video.currentTime);
    if (to_s === null) return;
    if (to_s - video.currentTime < hole_s_max) video.currentTime = to_s + 0.001;
    else {
      cushion.forget();
      seek_to_live();
    }
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
    media_ms: () => (started ? 1000 * video.currentTime : null),
    target_s,
    jump_to_live() {
      seek_to_live();
      return "jumped";
    },
    // One rendition is pushed: that of the camera.
    rungs: () => ladder.rungs,
    has_audio_only: () => ladder.has_audio_only,
    shown: () => tracks.find((track) => track.kind === "video")?.name ?? null,
    choose: (choice) => (choice === automatic ? "chosen" : "make_anew"),
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
      line?.close();
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
