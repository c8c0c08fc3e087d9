// DASH by dash.js: with low latency, as segments grow, or plain, once they are whole.
//
// How far behind to play is not dash.js's to say: it would be the manifest's word whatever the network does. The cushion
// says it, and pace() plays faster or slower; the manifest's word is the least.

import { MediaPlayer, type QualityChangeRenderedEvent, type Representation } from "dashjs";

import { Silence } from "./arrival";
import { Cushion } from "./cushion";
import { type Choice, type Rung, audio_only, highest_first } from "./ladder";
import { pace } from "./pace";
import { Picture, Standing, ahead_s, buffer_end_s, picture_stats } from "./picture";
import { plain_manifest } from "./plain_manifest";
import type { Opening, Playback } from "./playback";

// Errors after which dash.js goes on by itself: a segment it could not get, or a clock it could not read.
const survivable: ReadonlySet<number | undefined> = new Set([
  MediaPlayer.errors.DOWNLOAD_ERROR_ID_CONTENT_CODE,
  MediaPlayer.errors.DOWNLOAD_ERROR_ID_INITIALIZATION_CODE,
  MediaPlayer.errors.TIME_SYNC_FAILED_ERROR_CODE,
  MediaPlayer.errors.TIMED_TEXT_ERROR_ID_PARSE_CODE,
]);

const look_wait_ms = 100;
const manifest_age_ms_max = 2_500; // the manifest says every second or two
const step_s = 0.2; // chunks are shorter, but come in pairs and threes
const whole_step_s = 1; // a segment
const plain_delay_s = 3; // three segments, as players of HLS have it
const usual = { target_s: 1, least_s: 0.5 }; // where the manifest says nothing
const delay_s_max = 3; // with low latency: who needs more has a tier for it, where it costs less
const cushion_s_max = 10;
const near_live_s = 6; // with more in hand the viewer watches the past, and what comes says nothing of the network

interface Failure {
  code?: number;
  message?: string;
  data?: { request?: { mediaType?: string } };
}

export function open({ video, road, choice: first_choice, chooser, lines_shown, tier, stood }: Opening): Playback {
  const plain = tier === "plain";
  const player = MediaPlayer().create();
  player.updateSettings({
    debug: { logLevel: 0 },
    streaming: {
      // To begin with, behind the clock: as the manifest says (ServiceDescription/Latency).
      applyServiceDescription: true,
      delay: { liveDelay: plain ? plain_delay_s : NaN },
      buffer: { bufferToKeep: 8, bufferTimeDefault: 12, bufferTimeAtTopQuality: 12, fastSwitchEnabled: true },
      liveCatchup: { enabled: false },
      gaps: { jumpGaps: true, jumpLargeGaps: true, smallGapLimit: 0.5, threshold: 0.1 },
      retryIntervals: { MediaSegment: 250, InitializationSegment: 250, MPD: 500 },
      // Only should a manifest come without UTCTiming: the default is a clock of somebody else.
      utcSynchronization: {
        defaultTimingSource: {
          scheme: "urn:mpeg:dash:utc:http-iso:2014",
          value: new URL("/time", location.href).href,
        },
      },
      abr: {
        autoSwitchBitrate: { video: false, audio: false }, // the chooser says what to load
        initialBitrate: { video: chooser.first_bps / 1000, audio: first_choice === audio_only ? 1 : -1 },
        rules: { abandonRequestsRule: { active: false } }, // a segment that grows looks slow to it
      },
      lastBitrateCachingInfo: { enabled: false },
      lastMediaSettingsCachingInfo: { enabled: false },
      text: { defaultEnabled: false },
    },
  });

  player.addRequestInterceptor((request) => Promise.resolve({ ...request, url: road.now(request.url) }));
  if (plain) {
    player.addResponseInterceptor((response) => {
      const is_manifest = typeof response.data === "string" && response.data.includes("<MPD");
      return Promise.resolve(is_manifest ? { ...response, data: plain_manifest(response.data as string) } : response);
    });
  }

  const picture = new Picture();
  const standing = new Standing();
  const cushion = new Cushion(cushion_s_max);
  const seeking = () => cushion.forget();
  video.addEventListener("seeking", seeking);
  let failure: string | null = null;
  player.on(MediaPlayer.events.ERROR, (event) => {
    const error = (event as { error: Failure | string }).error;
    if (typeof error === "object" && error.code === MediaPlayer.errors.DOWNLOAD_ERROR_ID_CONTENT_CODE && error.data?.request?.mediaType === "video")
      chooser.leave_absent(loading, performance.now()); // of a rung that is shed there are no more segments
    if (typeof error === "object" && survivable.has(error.code)) return;
    failure = typeof error === "object" ? (error.message ?? `error ${error.code}`) : error;
  });

  // Every representation of a manifest passes here before dash.js takes it: without those that have a picture it plays
  // what is left, and asks for nothing else.
  let choice: Choice = first_choice;
  const listening = choice === audio_only;
  const rungs = new Map<string, Rung>(); // all there ever were
  let has_sound = false;
  player.registerCustomCapabilitiesFilter((representation) => {
    const has_picture = representation.mimeType?.startsWith("video/") ?? false;
    if (has_picture) rungs.set(representation.id, rung_of(representation));
    else has_sound = true;
    return !listening || !has_picture;
  });

  // dash.js refreshes the manifest only once it has heard playing begin, and listens for that only when the manifest is
  // there. A video that was told to play before says so again, or no later period is ever found.
  player.on(MediaPlayer.events.STREAM_INITIALIZED, () => {
    if (!video.paused) video.dispatchEvent(new Event("play"));
  });
  player.initialize(video, road.address("manifest.mpd"), !video.paused || video.autoplay);

  function delay_s(): number | null {
    const delay = player.isReady() ? player.getCurrentLiveLatency() : NaN;
    return Number.isFinite(delay) && delay > 0 ? delay : null;
  }
  // A rung is changed within what is in hand: where there are rungs, there is not less than the manifest says.
  let stated: { target_s: number; least_s: number } | null = null;
  function wanted_s(): number {
    const now_ms = performance.now();
    const delay = delay_s();
    const behind_s = cushion.behind_s(video.currentTime, now_ms);
    const { target_s, least_s } = stated ?? usual;
    const floor_s = plain ? plain_delay_s : rungs.size > 1 ? target_s : least_s;
    const needed_s = delay === null || behind_s === null ? 0 : delay - behind_s + cushion.size_s(now_ms);
    return Math.max(floor_s, plain ? needed_s : Math.min(needed_s, delay_s_max)) + chooser.caution_s(now_ms);
  }
  // dash.js goes on asking for a representation that the manifest no longer has.
  let present: ReadonlySet<string> = new Set(); // ids
  player.on(MediaPlayer.events.MANIFEST_LOADED, (event) => {
    const manifest = (event as { data?: unknown }).data;
    stated = latency_in(manifest) ?? stated;
    const ids = representation_ids(manifest);
    if (ids.size > 0) present = ids;
    manifest_at_ms = performance.now();
  });
  let manifest_at_ms = Infinity;

  const silence = new Silence();
  player.on(MediaPlayer.events.FRAGMENT_LOADING_PROGRESS, (event) => {
    if ((event as { mediaType?: string }).mediaType === "video") silence.heard(performance.now());
  });

  let loading = ""; // the rung that was asked for
  let shown: string | null = null;
  function look(): void {
    if (!player.isReady()) return;
    const now_ms = performance.now();
    keep_distance(now_ms);
    // dash.js begins to ask again when it sees the element start, and an element that is reused started long ago.
    if (!video.paused && now_ms - manifest_at_ms > manifest_age_ms_max) {
      manifest_at_ms = now_ms;
      player.refreshManifest(() => {});
    }
    if (listening) return;
    const all = [...rungs.values()].filter((rung) => present.has(rung.id));
    const current_id = player.getCurrentRepresentationForType("video")?.id;
    if (loading === "" && current_id !== undefined) loading = current_id;
    if (all.length === 0 || (all.length === 1 && all[0]!.id === loading)) return;
    const end_s = buffer_end_s(video);
    const wanted = all.find((rung) => rung.id === choice && !chooser.is_absent(choice, now_ms));
    const id =
      wanted?.id ??
      chooser.choose({
        now_ms,
        rungs: all,
        loading,
        ahead_s: ahead_s(video),
        lag_s: end_s === null ? null : now_ms / 1000 - silence.look_s(now_ms) - end_s,
        step_s: plain ? whole_step_s : step_s,
        crawling_bps: null, // what grows as it is born is no faster than that; and dash.js has more in hand
        throughput_bps: plain ? bandwidth_bps() : null, // of a growing segment dash.js guesses: down to its own bitrate
        lines_shown: lines_shown(),
      });
    if (id !== current_id) player.setRepresentationForTypeById("video", id);
    if (id !== loading) cushion.forget(); // how late the one came says nothing of the other
    loading = id;
  }
  function bandwidth_bps(): number | null {
    const kbps = player.isReady() ? player.getAverageThroughput("video") : NaN;
    return Number.isFinite(kbps) && kbps > 0 ? kbps * 1000 : null;
  }
  function keep_distance(now_ms: number): void {
    const end_s = buffer_end_s(video);
    if (end_s === null || ahead_s(video) > near_live_s) cushion.forget();
    else cushion.grew(end_s, now_ms);
    if (standing.look(video, now_ms)) {
      cushion.stalled(now_ms);
      stood();
    }
    const behind_s = delay_s();
    if (video.paused || behind_s === null) return;
    const rate = pace({ behind_s, target_s: wanted_s(), ahead_s: ahead_s(video), rate: video.playbackRate });
    if (rate !== video.playbackRate) video.playbackRate = rate;
  }
  player.on(MediaPlayer.events.QUALITY_CHANGE_RENDERED, (event) => {
    const { mediaType, newRepresentation } = event as QualityChangeRenderedEvent;
    if (mediaType === "video") shown = newRepresentation.id;
  });
  const looking = setInterval(look, look_wait_ms);

  return {
    player: "dash",
    state: (now_ms) => (failure === null ? picture.look(video, now_ms) : "failed"),
    failure: () => failure,
    delay_s,
    media_ms: () => null,
    target_s: wanted_s,
    jump_to_live() {
      const now_s = delay_s();
      if (now_s !== null) video.currentTime += Math.max(0, now_s - wanted_s());
      else player.seekToOriginalLive();
      return "jumped";
    },
    rungs: () => highest_first([...rungs.values()]),
    has_audio_only: () => has_sound && rungs.size > 0,
    shown: () => (listening ? audio_only : (shown ?? (loading || null))),
    choose(wish) {
      if (listening !== (wish === audio_only)) return "make_anew";
      choice = wish;
      look();
      return "chosen";
    },
    span() {
      const window = player.isReady() ? player.getDvrWindow() : null;
      return window?.start === undefined ? null : { start_s: window.start, end_s: window.end - wanted_s() };
    },
    stats: () => ({
      player: "dash",
      delay_s: delay_s(),
      target_s: wanted_s(),
      bandwidth_bps: bandwidth_bps(),
      bitrate_bps: (player.isReady() && player.getCurrentRepresentationForType("video")?.bandwidth) || null,
      ...picture_stats(video),
    }),
    destroy() {
      clearInterval(looking);
      video.removeEventListener("seeking", seeking);
      player.destroy();
      video.playbackRate = 1;
    },
  };
}

const rung_of = ({ id, width, height, bandwidth }: Representation): Rung => ({ id, width, height, bitrate_bps: bandwidth });

// Of a manifest as dash.js parsed it: MPD > Period > AdaptationSet > Representation, each a list.
const children = (parent: unknown, name: string): unknown[] => {
  const found = (parent as Record<string, unknown> | null | undefined)?.[name];
  return Array.isArray(found) ? found : [];
};

function latency_in(manifest: unknown): { target_s: number; least_s: number } | null {
  const [description] = children(manifest, "ServiceDescription") as { Latency?: { target?: unknown; min?: unknown } }[]; // that is no list
  const { target, min = target } = description?.Latency ?? {};
  return target === undefined ? null : { target_s: Number(target) / 1000, least_s: Number(min) / 1000 };
}

function representation_ids(manifest: unknown): Set<string> {
  const ids = new Set<string>();
  for (const period of children(manifest, "Period").slice(-1))
    for (const set of children(period, "AdaptationSet"))
      for (const one of children(set, "Representation")) ids.add(String((one as { id?: unknown }).id));
  return ids;
}
