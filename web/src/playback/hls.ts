// Low-latency HLS by hls.js.

import Hls, { ErrorTypes, Events, type LoadPolicy } from "hls.js";

import { pace } from "./pace";
import { Picture, ahead_s, picture_stats } from "./picture";
import { type Opening, type Playback, type Quality, hls_address } from "./playback";

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
const pace_wait_ms = 200;
const spare_s = 0.3; // left ahead after a jump to the end of the buffer: seeking to its very end starves
// Further behind than this hls.js has loaded whole segments, and takes seconds to find back to parts.
const far_s = 4;

export function open({ video, channel, server_now_ms }: Opening): Playback {
  const hls = new Hls({
    lowLatencyMode: true, // the live sync is PART-HOLD-BACK of the playlist
    maxLiveSyncPlaybackRate: 1, // pace() below decides
    liveSyncOnStallIncrease: 0.2, // one part more in hand after each stall, at most a target duration
    backBufferLength: 8,
    maxBufferLength: 12,
    maxMaxBufferLength: 60,
    enableInterstitialPlayback: false,
    playlistLoadPolicy: load_policy,
    fragLoadPolicy: load_policy,
  });

  const picture = new Picture();
  let failure: string | null = null;
  let recovered_at_ms = -Infinity;
  hls.on(Events.ERROR, (_event, error) => {
    if (!error.fatal) return;
    const now_ms = performance.now();
    if (error.type === ErrorTypes.MEDIA_ERROR && now_ms - recovered_at_ms > media_recovery_wait_ms) {
      recovered_at_ms = now_ms;
      hls.recoverMediaError();
    } else {
      failure = error.details;
    }
  });

  const pacing = setInterval(() => {
    if (video.paused || hls.targetLatency === null) return;
    const rate = pace({
      behind_s: hls.latency,
      target_s: hls.targetLatency,
      ahead_s: ahead_s(video),
      rate: video.playbackRate,
    });
    if (rate !== video.playbackRate) video.playbackRate = rate;
  }, pace_wait_ms);

  hls.loadSource(hls_address(channel));
  hls.attachMedia(video);

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
    target_s: () => hls.targetLatency,
    jump_to_live() {
      const live_s = hls.liveSyncPosition;
      if (live_s === null || live_s - video.currentTime > far_s) return "make_anew";
      video.currentTime = Math.min(live_s, video.currentTime + ahead_s(video) - spare_s);
      return "jumped";
    },
    qualities: () => (hls.levels.length > 1 ? hls.levels.map((level, i): Quality => label_level(i, level)).reverse() : []),
    quality: () => (hls.autoLevelEnabled ? "auto" : String(hls.nextLevel)),
    choose_quality(id) {
      hls.nextLevel = id === "auto" ? -1 : Number(id);
    },
    stats: () => ({
      player: "hls",
      delay_s: delay_s(),
      target_s: hls.targetLatency,
      bandwidth_bps: Number.isFinite(hls.bandwidthEstimate) ? hls.bandwidthEstimate : null,
      bitrate_bps: hls.levels[hls.currentLevel]?.bitrate ?? null,
      ...picture_stats(video),
    }),
    destroy() {
      clearInterval(pacing);
      hls.destroy();
      video.playbackRate = 1;
    },
  };
}

function label_level(index: number, level: { height: number; bitrate: number }): Quality {
  return { id: String(index), label: level.height > 0 ? `${level.height}p` : `${Math.round(level.bitrate / 1000)} kbit/s` };
}
