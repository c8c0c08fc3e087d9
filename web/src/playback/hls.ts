// Low-latency HLS by hls.js.

import Hls, { ErrorDetails, ErrorTypes, Events, type Level, type LevelParsed, type LoadPolicy } from "hls.js";

import { crawling_bps } from "./arrival";
import { type Choice, type Rung, audio_only, highest_first, track_of } from "./ladder";
import { pace } from "./pace";
import { picture_loader } from "./hls_loader";
import { Picture, Seam, Thaw, ahead_s, buffer_end_s, picture_stats } from "./picture";
import type { Opening, Playback } from "./playback";
import { Throughput } from "./throughput";

// Blocking reloads are held by the server until the next part is born, during a pause of the publisher until it gives
// up holding: a long wait for the first byte is no failure. What fails at once is asked for again soon, since a part
// is only worth having for a second; ten times make 15 s, after which the player is made anew.
const load_policy: LoadPolicy = {
  default: {
    maxTimeToFirstByteMs: 10_000,
    maxLoadTimeMs: 20_000,
    timeoutRetry: { maxNumRetry: 2, retryDelayMs: 0, maxRetryDelayMs: 0 },
    errorRetry: { maxNumRetry: 10, retryDelayMs: 250, maxRetryDelayMs: 2_000, backoff: "exponential" },
  },
};

const media_recovery_wait_ms = 5_000; // a second media error sooner than this is not cured by the same means
const look_wait_ms = 100; // half a part
const usual_part_s = 0.2;
const thaw_ms = 6_000; // after a change of rungs in which pictures may be missing
const hiccup_s = 0.5; // for which a camera may be silent without blame on the network, beyond...
const breath_s = 0.3; // ...the time from one part to the next
const spare_s = 0.3; // left ahead after a jump to the end of the buffer: seeking to its very end starves
// Further behind than this hls.js has loaded whole segments, and takes seconds to find back to parts.
const far_s = 4;

export function open({ video, road, server_now_ms, choice: first_choice, chooser, lines_shown }: Opening): Playback {
  const throughput = new Throughput();
  const { PictureLoader, under_way, give_up } = picture_loader({
    parts: (level) => hls.levels[level]?.details?.partList ?? [],
    buffer_end_s: () => buffer_end_s(video),
    now: (address) => road.now(address),
    gathered: (bytes, took_ms) => throughput.add(bytes, took_ms, performance.now()),
  });
  const hls: Hls = new Hls({
    fLoader: PictureLoader,
    xhrSetup: (xhr, address) => xhr.open("GET", road.now(address)),
    lowLatencyMode: true, // the live sync is PART-HOLD-BACK of the playlist
    maxLiveSyncPlaybackRate: 1, // pace() below decides
    liveSyncOnStallIncrease: 0.2, // one part more in hand after each stall, at most a target duration
    // Trimming makes hls.js forget which parts of the segment it is at have come, and now and then it then waits two seconds
    // for that segment to leave the playlist. Browsers let go of the oldest by themselves.
    backBufferLength: Infinity,
    maxBufferLength: 12,
    maxMaxBufferLength: 60,
    enableInterstitialPlayback: false,
    playlistLoadPolicy: load_policy,
    fragLoadPolicy: load_policy,
    autoStartLoad: false, // once it is known which playlist
    preserveManualLevelOnError: true, // the chooser leaves a rung, not hls.js, which would never come back to it
  });

  let choice: Choice = first_choice;
  let rungs: Rung[] = [];
  let sound_address: string | null = null; // of the playlist that has no picture
  let listening = false; // to that one
  let destroyed = false;
  const picture = new Picture();
  const seam = new Seam();
  const thaw = new Thaw();
  let changed_at_ms = -Infinity; // the rung
  let edge = { at_s: 0, since_ms: 0 }; // the end of the playlist
  let failure: string | null = null;
  let recovered_at_ms = -Infinity;

  hls.on(Events.MANIFEST_LOADED, (_event, { levels, audioTracks }) => {
    if (listening) return;
    const by_bitrate = [...levels].sort((a, b) => a.bitrate - b.bitrate);
    sound_address = by_bitrate.find(has_no_picture)?.url ?? audioTracks.find((track) => track.url)?.url ?? null;
    listening = choice === audio_only && sound_address !== null && !levels.every(has_no_picture);
    if (listening) rungs = highest_first(levels.filter((level) => !has_no_picture(level)).map(rung_of));
  });
  // hls.js parses before it tells us of what it loaded: what follows from both comes after both.
  hls.on(Events.MANIFEST_PARSED, () => queueMicrotask(begin));
  function begin(): void {
    if (destroyed) return;
    if (!listening) {
      rungs = highest_first(hls.levels.map(rung_of));
      const first = pinned() ?? chooser.first(rungs, lines_shown());
      if (first !== undefined && hls.levels.length > 1) load(first.id);
    } else if (hls.url !== sound_address) {
      // hls.js leaves out variants without a picture when there are others: it is given the playlist itself.
      return hls.loadSource(sound_address!);
    }
    hls.startLoad();
  }
  hls.on(Events.FRAG_BUFFERED, (_event, { frag, part }) => {
    const { loading, loaded } = part?.stats.loaded ? part.stats : frag.stats;
    if (frag.type === "main" && loading.end > loading.first) throughput.add(loaded, loading.end - loading.first, performance.now());
  });
  hls.on(Events.BUFFER_APPENDED, (_event, { type, frag, part }) => {
    if (type === "audio" || !part || frag.type !== "main") return;
    seam.appended(id_of(frag.level), frag.start, part.end);
    close_seam();
  });
  function close_seam(): void {
    if (!document.hidden && seam.look(video.videoHeight, video.currentTime)) video.currentTime += 0;
  }
  // A rung that has no media now is left before hls.js comes upon the gap, and again if it does.
  hls.on(Events.LEVEL_LOADED, (_event, { level, details }) => {
    if (details.fragments.at(-1)?.gap && !details.partList?.length) leave(level);
  });
  hls.on(Events.ERROR, (_event, error) => {
    if (error.details === ErrorDetails.FRAG_GAP && error.frag?.type === "main") leave(error.frag.level);
    if (!error.fatal) return;
    const now_ms = performance.now();
    if (error.type === ErrorTypes.MEDIA_ERROR && now_ms - recovered_at_ms > media_recovery_wait_ms) {
      recovered_at_ms = now_ms;
      hls.recoverMediaError();
    } else {
      failure = error.details;
    }
  });

  const bitrate_of = (id: string) => rungs.find((rung) => rung.id === id)?.bitrate_bps ?? 0;
  const pinned = () => rungs.find((rung) => rung.id === choice);
  const id_of = (level: number) => (hls.levels[level] === undefined ? null : track_of(hls.levels[level].uri));
  function load(id: string): void {
    const level = hls.levels.findIndex((one) => track_of(one.uri) === id);
    if (level < 0 || level === hls.loadLevel) return;
    changed_at_ms = performance.now();
    hls.loadLevel = level; // what is buffered is shown first
  }
  function leave(level: number): void {
    const id = id_of(level);
    if (id === null || hls.levels.length < 2) return;
    chooser.leave_absent(id, performance.now());
    look();
  }

  function look(): void {
    const loading = id_of(hls.loadLevel);
    if (listening || loading === null || rungs.length < 2) return;
    const now_ms = performance.now();
    const wanted = pinned();
    if (wanted !== undefined && !chooser.is_absent(wanted.id, now_ms)) return load(wanted.id);
    const end_s = buffer_end_s(video);
    const edge_s = hls.latestLevelDetails?.edge ?? 0;
    if (edge_s !== edge.at_s) edge = { at_s: edge_s, since_ms: now_ms };
    const silent_s = (now_ms - edge.since_ms) / 1000 - breath_s; // a rung that was shed is silent for longer
    const arrival = under_way(bitrate_of(loading));
    const crawling = arrival && crawling_bps(arrival, ahead_s(video), now_ms);
    const id = chooser.choose({
      now_ms,
      rungs,
      loading,
      ahead_s: ahead_s(video),
      lag_s: end_s === null ? null : now_ms / 1000 - Math.min(Math.max(silent_s, 0), hiccup_s) - end_s,
      crawling_bps: crawling,
      step_s: hls.levels[hls.loadLevel]?.details?.partTarget || usual_part_s,
      throughput_bps: throughput.estimate_bps(now_ms),
      lines_shown: lines_shown(),
    });
    load(id);
    if (crawling === null || arrival === null || bitrate_of(id) >= bitrate_of(loading)) return;
    // hls.js would have all of a segment's parts first, and the new playlist beside them.
    if (arrival.first_ms !== null) throughput.add(arrival.bytes, now_ms - arrival.first_ms, now_ms);
    give_up();
  }

  const looking = setInterval(() => {
    look();
    close_seam();
    if (video.paused || hls.targetLatency === null) return;
    const rate = pace({
      behind_s: hls.latency,
      target_s: target_s()!,
      ahead_s: ahead_s(video),
      rate: video.playbackRate,
    });
    if (rate !== video.playbackRate) video.playbackRate = rate;
    const now_ms = performance.now();
    const frozen = thaw.look(video.getVideoPlaybackQuality().totalVideoFrames, video.currentTime, ahead_s(video), now_ms);
    if (frozen && !listening && !document.hidden && now_ms - changed_at_ms < thaw_ms) video.currentTime += 0;
  }, look_wait_ms);

  hls.loadSource(road.address("index.m3u8"));
  hls.attachMedia(video);

  function target_s(): number | null {
    return hls.targetLatency === null ? null : hls.targetLatency + chooser.caution_s(performance.now());
  }
  function delay_s(): number | null {
    const now_ms = server_now_ms();
    const shown = hls.playingDate; // EXT-X-PROGRAM-DATE-TIME of the picture
    return now_ms === null || shown === null ? null : (now_ms - shown.getTime()) / 1000;
  }

  return {
    player: "hls",
    state: (now_ms) => (failure === null ? picture.look(video, now_ms) : "failed"),
    failure: () => failure,
    delay_s,
    media_ms: () => null,
    target_s,
    jump_to_live() {
      const live_s = hls.liveSyncPosition;
      if (live_s === null || live_s - video.currentTime > far_s) return "make_anew";
      video.currentTime = Math.min(live_s, video.currentTime + ahead_s(video) - spare_s);
      return "jumped";
    },
    rungs: () => rungs,
    has_audio_only: () => sound_address !== null,
    shown: () => (listening ? audio_only : id_of(hls.currentLevel)),
    choose(wish) {
      if (listening !== (wish === audio_only && sound_address !== null)) return "make_anew";
      choice = wish;
      look();
      return "chosen";
    },
    span() {
      const details = hls.latestLevelDetails;
      return details === null || details.fragments.length === 0
        ? null
        : { start_s: details.fragmentStart, end_s: hls.liveSyncPosition ?? details.edge };
    },
    stats: () => ({
      player: "hls",
      delay_s: delay_s(),
      target_s: target_s(),
      bandwidth_bps: throughput.estimate_bps(performance.now()),
      bitrate_bps: hls.levels[hls.currentLevel]?.bitrate ?? null,
      ...picture_stats(video),
    }),
    destroy() {
      destroyed = true;
      clearInterval(looking);
      hls.destroy();
      video.playbackRate = 1;
    },
  };
}

const has_no_picture = (level: LevelParsed) => !level.videoCodec && !level.width && !!level.audioCodec;

function rung_of(level: Level | LevelParsed): Rung {
  const address = "uri" in level ? level.uri : level.url;
  return { id: track_of(address), width: level.width ?? 0, height: level.height ?? 0, bitrate_bps: level.bitrate };
}
