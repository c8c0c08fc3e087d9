// Low-latency DASH by dash.js.

import { MediaPlayer, type QualityChangeRenderedEvent, type Representation } from "dashjs";

import { Silence } from "./arrival";
import { type Choice, type Rung, audio_only, highest_first } from "./ladder";
import { Picture, ahead_s, buffer_end_s, picture_stats } from "./picture";
import { type Opening, type Playback, dash_address } from "./playback";

// Errors after which dash.js goes on by itself: a segment it could not get, or a clock it could not read.
const survivable: ReadonlySet<number | undefined> = new Set([
  MediaPlayer.errors.DOWNLOAD_ERROR_ID_CONTENT_CODE,
  MediaPlayer.errors.DOWNLOAD_ERROR_ID_INITIALIZATION_CODE,
  MediaPlayer.errors.TIME_SYNC_FAILED_ERROR_CODE,
  MediaPlayer.errors.TIMED_TEXT_ERROR_ID_PARSE_CODE,
]);

const initial_kbps = 1500; // neither top nor bottom, until the chooser says
const look_wait_ms = 200;
const manifest_age_ms_max = 2_500; // the manifest says every second or two
const step_s = 0.2; // chunks are shorter, but come in pairs and threes

interface Failure {
  code?: number;
  message?: string;
  data?: { request?: { mediaType?: string } };
}

export function open({ video, channel, choice: first_choice, chooser, lines_shown }: Opening): Playback {
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
      abr: {
        autoSwitchBitrate: { video: false, audio: false }, // the chooser says what to load
        initialBitrate: { video: initial_kbps, audio: first_choice === audio_only ? 1 : -1 },
        rules: { abandonRequestsRule: { active: false } }, // a segment that grows looks slow to it
      },
      lastBitrateCachingInfo: { enabled: false },
      lastMediaSettingsCachingInfo: { enabled: false },
      text: { defaultEnabled: false },
    },
  });

  const picture = new Picture();
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
  player.initialize(video, dash_address(channel), !video.paused || video.autoplay);

  function delay_s(): number | null {
    const delay = player.isReady() ? player.getCurrentLiveLatency() : NaN;
    return Number.isFinite(delay) && delay > 0 ? delay : null;
  }
  function target_s(): number | null {
    const target = player.isReady() ? player.getTargetLiveDelay() : NaN;
    return Number.isFinite(target) ? target : null;
  }
  // dash.js goes on asking for a representation that the manifest no longer has.
  let present: ReadonlySet<string> = new Set(); // ids
  player.on(MediaPlayer.events.MANIFEST_LOADED, (event) => {
    const ids = representation_ids((event as { data?: unknown }).data);
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
        step_s,
        crawling_bps: null, // what grows as it is born is no faster than that; and dash.js has more in hand
        throughput_bps: null, // dash.js tells that of a growing segment by guesswork: down to its own bitrate
        lines_shown: lines_shown(),
      });
    if (id !== current_id) player.setRepresentationForTypeById("video", id);
    loading = id;
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
    target_s,
    jump_to_live() {
      player.seekToOriginalLive();
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
      return window?.start === undefined ? null : { start_s: window.start, end_s: window.end - (target_s() ?? 0) };
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
      clearInterval(looking);
      player.destroy();
      video.playbackRate = 1;
    },
  };
}

const rung_of = ({ id, width, height, bandwidth }: Representation): Rung => ({ id, width, height, bitrate_bps: bandwidth });

// Of a manifest as dash.js parsed it: MPD > Period > AdaptationSet > Representation, each a list.
function representation_ids(manifest: unknown): Set<string> {
  const ids = new Set<string>();
  const children = (parent: unknown, name: string): unknown[] => {
    const found = (parent as Record<string, unknown> | null | undefined)?.[name];
    return Array.isArray(found) ? found : [];
  };
  for (const period of children(manifest, "Period").slice(-1))
    for (const set of children(period, "AdaptationSet"))
      for (const one of children(set, "Representation")) ids.add(String((one as { id?: unknown }).id));
  return ids;
}
