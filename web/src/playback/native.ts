// The browser's own HLS, where Media Source Extensions are missing (iPhones before iOS 17.1).

import { Picture, picture_stats } from "./picture";
import type { Opening, Playback } from "./playback";

// Safari tells the wall-clock time of media time zero.
type StartDated = HTMLVideoElement & { getStartDate?(): Date };

export function open({ video, road, server_now_ms }: Opening): Playback {
  const picture = new Picture();
  let failure: string | null = null;
  const fail = () => (failure = video.error?.message ?? "the browser could not play this");
  video.addEventListener("error", fail);
  video.src = road.address("index.m3u8");

  function delay_s(): number | null {
    const now_ms = server_now_ms();
    const start_ms = (video as StartDated).getStartDate?.().getTime() ?? NaN;
    return now_ms === null || Number.isNaN(start_ms) ? null : (now_ms - start_ms) / 1000 - video.currentTime;
  }

  return {
    player: "native",
    state: (now_ms) => (failure === null ? picture.look(video, now_ms) : "failed"),
    failure: () => failure,
    delay_s,
    media_ms: () => null,
    target_s: () => null,
    jump_to_live() {
      if (video.seekable.length > 0) video.currentTime = video.seekable.end(video.seekable.length - 1);
      return "jumped";
    },
    // Safari chooses by itself and is not to be told.
    rungs: () => [],
    has_audio_only: () => false,
    shown: () => null,
    choose: () => "chosen",
    span() {
      const last = video.seekable.length - 1;
      return last < 0 ? null : { start_s: video.seekable.start(last), end_s: video.seekable.end(last) };
    },
    stats: () => ({
      player: "native",
      delay_s: delay_s(),
      target_s: null,
      bandwidth_bps: null,
      bitrate_bps: null,
      ...picture_stats(video),
    }),
    destroy() {
      video.removeEventListener("error", fail);
      video.removeAttribute("src");
      video.load();
    },
  };
}
