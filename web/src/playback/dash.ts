// Low-latency DASH by dash.js.

import { MediaPlayer } from "dashjs";

import { Picture, picture_stats } from "./picture";
import { type Opening, type Playback, dash_address } from "./playback";

// Errors after which dash.js goes on by itself: a segment it could not get, or a clock it could not read.
const survivable: ReadonlySet<number | undefined> = new Set([
  MediaPlayer.errors.DOWNLOAD_ERROR_ID_CONTENT_CODE,
  MediaPlayer.errors.DOWNLOAD_ERROR_ID_INITIALIZATION_CODE,
  MediaPlayer.errors.TIME_SYNC_FAILED_ERROR_CODE,
  MediaPlayer.errors.TIMED_TEXT_ERROR_ID_PARSE_CODE,
]);

export function open({ video, channel }: Opening): Playback {
  const player = MediaPlayer().create();
  player.updateSettings({
    debug: { logLevel: 0 },
    streaming: {
      // How far behind to play is the manifest's to say (ServiceDescription/Latency).
      applyServiceDescription: true,
      buffer: { bufferToKeep: 8, bufferTimeDefault: 12, bufferTimeAtTopQuality: 12, fastSwitchEnabled: true },
      // Further behind than liveThreshold the viewer watches the past; bringing back who is lost is the session's.
      liveCatchup: { enabled: true, maxDrift: 0, liveThreshold: 5, playbackRate: { min: -0.03, max: 0.1 } },
      gaps: { jumpGaps: true, jumpLargeGaps: true, smallGapLimit: 0.5, threshold: 0.1 },
      retryIntervals: { MediaSegment: 250, InitializationSegment: 250, MPD: 500 },
      // Only should a manifest come without UTCTiming: the default is a clock of somebody else.
      utcSynchronization: {
        defaultTimingSource: {
          scheme: "urn:mpeg:dash:utc:http-iso:2014",
          value: new URL("/time", location.href).href,
        },
      },
      lastBitrateCachingInfo: { enabled: false },
      lastMediaSettingsCachingInfo: { enabled: false },
      text: { defaultEnabled: false },
    },
  });

  const picture = new Picture();
  let failure: string | null = null;
  player.on(MediaPlayer.events.ERROR, (event) => {
    const error = (event as { error: { code?: number; message?: string } | string }).error;
    if (typeof error === "object" && survivable.has(error.code)) return;
    failure = typeof error === "object" ? (error.message ?? `error ${error.code}`) : error;
  });
  player.initialize(video, dash_address(channel), !video.paused || video.autoplay);

  function delay_s(): number | null {
    const delay = player.isReady() ? player.getCurrentLiveLatency() : NaN;
    return Number.isFinite(delay) && delay > 0 ? delay : null;
  }
  function target_s(): number | null {
    const target = player.isReady() ? player.getTargetLiveDelay() : NaN;
    return Number.isFinite(target) ? target : null;
  }
  const representations = () => (player.isReady() ? player.getRepresentationsByType("video") : []);
  let chosen = "auto";

  return {
    player: "dash",
    state: (now_ms) => (failure === null ? picture.look(video, now_ms) : "failed"),
    failure: () => failure,
    delay_s,
    target_s,
    jump_to_live() {
      player.seekToOriginalLive();
      return "jumped";
    },
    qualities() {
      const all = representations();
      return all.length > 1 ? all.map((one) => ({ id: one.id, label: `${one.height}p` })).reverse() : [];
    },
    quality: () => chosen,
    choose_quality(id) {
      chosen = id;
      player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: id === "auto" } } } });
      if (id !== "auto") player.setRepresentationForTypeById("video", id);
    },
    stats() {
      const bandwidth_kbps = player.isReady() ? player.getAverageThroughput("video") : NaN;
      return {
        player: "dash",
        delay_s: delay_s(),
        target_s: target_s(),
        bandwidth_bps: Number.isFinite(bandwidth_kbps) && bandwidth_kbps > 0 ? bandwidth_kbps * 1000 : null,
        bitrate_bps: (player.isReady() && player.getCurrentRepresentationForType("video")?.bandwidth) || null,
        ...picture_stats(video),
      };
    },
    destroy() {
      player.destroy();
      video.playbackRate = 1;
    },
  };
}
