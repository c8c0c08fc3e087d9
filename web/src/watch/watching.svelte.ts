// One viewer watching one channel: joins the status feed, the server's clock and a playback session, and offers what
// the page shows as reactive state. Lives from the page's mount to its destroy().

import { choose_player, support_here } from "../playback/choose";
import { type Player, type Quality, type Stats, open_playback, prefetch_player } from "../playback/playback";
import { PlaybackSession } from "../playback/session";
import { type News, type Status, follow_channel } from "./feed";
import { ServerClock, measure } from "./server_clock";
import { type View, view_of } from "./view";

const tick_ms = 250;
// A number that changes more often than this cannot be read.
const shown_ms = 950;
const clock_round_ms = 5 * 60_000;

export class Watching {
  view: View = $state("connecting");
  status: Status | null = $state.raw(null);
  player: Player | null = $state(null);
  delay_s: number | null = $state(null);
  on_air_s: number | null = $state(null);
  paused = $state(false);
  muted = $state(true);
  volume = $state(1);
  has_still = $state(false);
  ratio = $state(16 / 9); // of the last picture
  needs_tap = $state(false); // the browser refuses to play without one
  qualities: Quality[] = $state.raw([]);
  quality = $state("auto");
  stats: Stats | null = $state.raw(null);
  stalls = $state(0);
  restarts = $state(0);

  readonly video: HTMLVideoElement;
  #channel: string;
  #still: HTMLCanvasElement;
  #clock = new ServerClock();
  #session: PlaybackSession;
  #stop = new AbortController();
  #reachable = true;
  #missing = false;
  #shown_at_ms = -Infinity;

  // `still` lies over the video and keeps its last picture while one player gives way to another.
  constructor(channel: string, video: HTMLVideoElement, still: HTMLCanvasElement, wish: string | null) {
    this.video = video;
    this.#still = still;
    this.#channel = channel;
    this.player = choose_player(wish, support_here());
    if (this.player !== null) prefetch_player(this.player);
    this.#session = new PlaybackSession(
      () => this.#open(),
      () => this.#keep_picture(),
    );

    const signal = this.#stop.signal;
    video.addEventListener("volumechange", () => this.#read_element(), { signal });
    video.addEventListener("play", () => this.#read_element(), { signal });
    video.addEventListener("pause", () => this.#read_element(), { signal });
    const ticking = setInterval(() => this.#tick(), tick_ms);
    const measuring = setInterval(() => void measure(this.#clock), clock_round_ms);
    signal.addEventListener("abort", () => {
      clearInterval(ticking);
      clearInterval(measuring);
    });
    void measure(this.#clock);
    void follow_channel(channel, (news) => this.#hear(news), signal);
  }

  destroy(): void {
    this.#stop.abort();
    this.#session.close(performance.now());
  }

  toggle_play(): void {
    if (this.video.paused) {
      this.#play();
    } else {
      this.#session.intent = "behind"; // what follows from here is wanted
      this.video.pause();
    }
  }

  jump_to_live(): void {
    if (this.view !== "live") this.#session.jump_to_live(performance.now());
    if (this.video.paused) this.#play();
  }

  toggle_mute(): void {
    this.video.muted = !this.video.muted;
    if (!this.video.muted && this.video.volume === 0) this.video.volume = 1;
  }

  set_volume(volume: number): void {
    this.video.volume = volume;
    this.video.muted = volume === 0;
  }

  choose_player(player: Player): void {
    if (player === this.player) return;
    this.player = player;
    this.#session.reopen(performance.now());
  }

  latency_s(): number | null {
    return this.#session.playback?.delay_s() ?? null;
  }

  current_stats(): Stats | null {
    return this.#session.playback?.stats() ?? null;
  }

  choose_quality(id: string): void {
    this.#session.playback?.choose_quality(id);
    this.#tick();
  }

  async #open() {
    const playback = await open_playback(this.player ?? "hls", {
      video: this.video,
      channel: this.#channel,
      server_now_ms: () => this.#server_now_ms(),
    });
    this.#play();
    return playback;
  }

  #keep_picture(): void {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (width === 0) return; // no picture yet: the one kept before is as good
    this.#still.width = width;
    this.#still.height = height;
    this.#still.getContext("2d")?.drawImage(this.video, 0, 0);
    this.has_still = true;
  }

  #play(): void {
    this.needs_tap = false;
    this.video.play().catch((refusal: unknown) => {
      if (refusal instanceof DOMException && refusal.name === "NotAllowedError") this.needs_tap = true;
    });
  }

  #hear(news: News): void {
    this.#reachable = news.kind !== "unreachable";
    if (news.kind !== "unreachable") this.#missing = news.kind === "missing";
    if (news.kind === "status") this.status = news.status;
    if (news.kind === "missing") this.status = null;
    if (this.player !== null && news.kind !== "unreachable")
      this.#session.follow(this.status ?? { state: "offline", broadcast: null }, performance.now());
    this.#tick();
  }

  #tick(): void {
    this.#session.tick(performance.now());
    const playback = this.#session.playback;
    const delay_s = playback?.delay_s() ?? null;
    this.view = view_of({
      can_play: this.player !== null,
      channel: this.#missing ? "missing" : (this.status?.state ?? null),
      reachable: this.#reachable,
      playback: this.#session.state,
      delay_s,
      target_s: playback?.target_s() ?? null,
    });
    if (performance.now() - this.#shown_at_ms > shown_ms) {
      this.#shown_at_ms = performance.now();
      this.delay_s = delay_s;
    }
    const state = this.#session.state;
    if (state === "playing" || state === "closed") this.has_still = false;
    this.on_air_s = this.#on_air_s();
    this.stats = playback?.stats() ?? null;
    if (this.stats !== null && this.stats.height > 0) this.ratio = this.stats.width / this.stats.height;
    this.qualities = playback?.qualities() ?? [];
    this.quality = playback?.quality() ?? "auto";
    this.stalls = this.#session.stalls;
    this.restarts = this.#session.restarts;
    this.#read_element();
  }

  #server_now_ms(): number | null {
    return this.#clock.now_ms(Date.now());
  }

  #on_air_s(): number | null {
    const now_ms = this.#server_now_ms();
    const start_ms = Date.parse(this.status?.started_at ?? "");
    return now_ms === null || Number.isNaN(start_ms) ? null : (now_ms - start_ms) / 1000;
  }

  #read_element(): void {
    this.paused = this.video.paused;
    this.muted = this.video.muted;
    this.volume = this.video.volume;
  }
}
