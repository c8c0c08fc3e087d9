// One viewer watching one channel: joins the status feed, the server's clock and a playback session, and offers what
// the page shows as reactive state. Lives from the page's mount to its destroy().

import { type Means, type Wish, means_of, support_here } from "../playback/choose";
import { RungChooser } from "../playback/chooser";
import { type Choice, type Rung, audio_only, automatic } from "../playback/ladder";
import type { Playback, Player, Span, Stats } from "../playback/playback";
import { load_player, prefetch_player } from "../playback/players";
import { PushLine } from "../playback/push_line";
import type { Road } from "../playback/road";
import { PlaybackSession } from "../playback/session";
import { type Tier, TierChooser } from "../playback/tier";
import { type News, type Status, follow_channel } from "./feed";
import { remember_choice, remembered_choice } from "./preferences";
import { ServerClock, measure } from "./server_clock";
import { type Storyboard, parse_storyboard, tile_at } from "./storyboard";
import { type View, view_of } from "./view";

const tick_ms = 250;
// A number that changes more often than this cannot be read.
const shown_ms = 950;
const storyboard_wait_ms = 5_000; // between thumbnails
const poster_wait_ms = 5_000; // between posters
const poster_asked_max = 3; // of a broadcast that has shown none yet: one without a ladder never will
// What leaves the window soon may be gone when it is asked for.
const departing_s = 2;
const clock_round_ms = 5 * 60_000;
const settled_ms = 5_000; // of push: time to fetch what plays should it fail
const tier_news_ms = 5_000;

export class Watching {
  view: View = $state("connecting");
  status: Status | null = $state.raw(null);
  player: Player | null = $state(null); // null: nothing can play
  tier: Tier = $state("low_latency");
  tier_is_news = $state(false); // it has just become another
  wish: Wish | null = $state(null);
  delay_s: number | null = $state(null);
  on_air_s: number | null = $state(null);
  paused = $state(false);
  muted = $state(true);
  volume = $state(1);
  has_still = $state(false);
  ratio = $state(16 / 9); // of the last picture
  needs_tap = $state(false); // the browser refuses to play without one
  rungs: Rung[] = $state.raw([]); // highest first
  has_audio_only = $state(false);
  choice: Choice = $state(remembered_choice());
  shown: string | null = $state(null); // the rung on the screen
  listening = $state(false); // to the sound alone
  span: Span | null = $state.raw(null); // that can be sought in, in the video's time
  position_s = $state(0); // in it
  poster: string | null = $state(null); // address of a picture of this broadcast, there when it is named
  stats: Stats | null = $state.raw(null);
  stalls = $state(0);
  restarts = $state(0);

  readonly video: HTMLVideoElement;
  readonly road: Road;
  #means: Means | null = null;
  #tiers: TierChooser | null = null;
  #line: PushLine | null = null; // admitted, and about to be played
  #asking_higher = false;
  #tier_since_ms = 0;
  #failures = 0; // of the session, that the tiers know of
  #still: HTMLCanvasElement;
  #clock = new ServerClock();
  #session: PlaybackSession;
  #chooser = new RungChooser();
  #storyboard: Storyboard | null = $state.raw(null);
  #storyboard_at_ms = -Infinity;
  #poster_at_ms = -Infinity;
  #posters_missed = 0;
  #stop = new AbortController();
  #reachable = true;
  #absent: "missing" | "dark" | "refused" | null = null;
  #shown_at_ms = -Infinity;

  // `still` lies over the video and keeps its last picture while one player gives way to another.
  constructor(road: Road, video: HTMLVideoElement, still: HTMLCanvasElement, wish: Wish | null) {
    this.video = video;
    this.#still = still;
    this.road = road;
    this.#session = new PlaybackSession(
      (wanted) => this.#open(wanted),
      () => this.#keep_picture(),
    );
    this.#take(wish);
    if (this.player !== null) prefetch_player(this.player);

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
    void road.keep(signal);
    void follow_channel(road, (news) => this.#hear(news), signal);
  }

  destroy(): void {
    this.#stop.abort();
    this.#line?.close();
    this.#session.close(performance.now());
  }

  toggle_play(): void {
    if (this.video.paused) {
      this.#play();
      this.#tick(); // what plays may have to be another player by now
    } else {
      this.#session.intent = "behind"; // what follows from here is wanted
      this.#session.held = true;
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

  choose_wish(wish: Wish | null): void {
    if (wish === this.wish) return;
    this.#take(wish);
    this.#session.reopen(performance.now());
  }

  latency_s(): number | null {
    return this.#session.playback?.delay_s() ?? null;
  }

  // The server's time that the picture on the screen is stamped with.
  screen_wall_ms(): number | null {
    const now_ms = this.#server_now_ms();
    const delay_s = this.latency_s();
    return now_ms === null || delay_s === null ? null : now_ms - 1000 * delay_s;
  }

  // Of the picture, where the player knows it.
  media_ms(): number | null {
    return this.#session.playback?.media_ms() ?? null;
  }

  current_stats(): Stats | null {
    return this.#session.playback?.stats() ?? null;
  }

  choose(choice: Choice): void {
    this.choice = choice;
    remember_choice(choice);
    const chosen = this.#session.playback?.choose(choice) === "chosen";
    if (!chosen || this.#tier_for_choice() !== this.tier) this.#session.reopen(performance.now());
    this.#tick();
  }

  // Back to so many seconds before the end of the span, which is live.
  seek_behind(behind_s: number): void {
    if (this.span === null) return;
    if (behind_s < 1) return this.jump_to_live();
    this.#session.intent = "behind";
    this.video.currentTime = Math.max(this.span.end_s - behind_s, this.span.start_s + departing_s);
    this.position_s = this.video.currentTime;
  }

  // The address of a thumbnail of what was seen then; null: there is none.
  thumbnail_behind(behind_s: number): string | null {
    void this.#read_storyboard();
    const now_ms = this.#server_now_ms();
    const delay_s = this.#session.playback?.delay_s() ?? null;
    if (this.#storyboard === null || this.span === null || now_ms === null || delay_s === null) return null;
    const ago_s = delay_s + this.video.currentTime - (this.span.end_s - behind_s);
    return tile_at(this.#storyboard, now_ms - 1000 * ago_s)?.address ?? null;
  }

  async #read_storyboard(): Promise<void> {
    const broadcast = this.status?.broadcast ?? null;
    if (broadcast === null || performance.now() - this.#storyboard_at_ms < storyboard_wait_ms) return;
    this.#storyboard_at_ms = performance.now();
    const address = new URL(this.road.address(`${broadcast}/storyboard.vtt`), location.href).href;
    try {
      const response = await fetch(address, { signal: this.#stop.signal });
      this.#storyboard = response.ok ? parse_storyboard(await response.text(), address) : null;
    } catch {
      this.#storyboard = null; // looking back goes without pictures
    }
  }

  #take(wish: Wish | null): void {
    this.wish = wish;
    this.#means = means_of(wish, support_here());
    this.#tiers = this.#means && new TierChooser(this.#means.tiers, this.#means.manner, Math.random());
    this.#say_what_plays();
  }

  // One rendition is pushed: who chose another, or the sound alone, is served over HTTP.
  #tier_for_choice(): Tier {
    const tier = this.#tiers?.tier ?? "low_latency";
    return tier === "push" && this.choice !== automatic ? "low_latency" : tier;
  }

  #say_what_plays(): void {
    const tier = this.#tier_for_choice();
    if (tier !== this.tier) {
      this.tier_is_news = this.#session.playback !== null || this.has_still;
      this.#tier_since_ms = performance.now();
    }
    this.tier = tier;
    this.player = this.#means && (tier === "push" ? "push" : this.#means.over_http);
  }

  async #open(wanted: () => boolean): Promise<Playback> {
    let line = this.#line;
    this.#line = null;
    if (this.#tier_for_choice() === "push") {
      line ??= await PushLine.connect(this.road.socket_address("push", location.href));
      if (line === null && wanted()) this.#tiers?.unavailable(performance.now());
    }
    this.#say_what_plays();
    const open = await load_player(this.player ?? "hls");
    if (!wanted()) {
      line?.close();
      throw new Error("something else is played by now");
    }
    const playback = open({
      video: this.video,
      road: this.road,
      server_now_ms: () => this.#server_now_ms(),
      choice: this.choice,
      chooser: this.#chooser,
      lines_shown: () => this.video.clientHeight * window.devicePixelRatio,
      tier: this.tier,
      line,
      push_gives_way: (why) => {
        console.info(`push gives way: ${why}`);
        this.#change_tier((tiers, now_ms) => tiers.unavailable(now_ms));
      },
      stood: () => this.#note_trouble((tiers, now_ms) => tiers.stalled(now_ms)),
      not_carried: () => this.#note_trouble((tiers, now_ms) => tiers.not_carried(now_ms)),
    });
    if (!this.#session.held) this.#play();
    return playback;
  }

  // A player that says so may be in the middle of anything: it is replaced once it has come to an end with it.
  #change_tier(change: (tiers: TierChooser, now_ms: number) => boolean): void {
    const tiers = this.#tiers;
    setTimeout(() => {
      const now_ms = performance.now();
      if (tiers !== null && tiers === this.#tiers && change(tiers, now_ms)) this.#session.reopen(now_ms);
    });
  }

  // Where the camera or the server is gone, or nobody looks, a picture that stands says nothing of it.
  #network_is_to_blame(): boolean {
    return this.status?.state === "live" && this.#reachable && !document.hidden && this.#session.intent === "live";
  }

  #note_trouble(change: (tiers: TierChooser, now_ms: number) => boolean): void {
    if (this.#network_is_to_blame()) this.#change_tier(change);
  }

  // What plays is given up only once the higher tier is there.
  async #look_higher(now_ms: number): Promise<void> {
    const tiers = this.#tiers;
    if (tiers === null || this.#asking_higher || this.#session.intent !== "live" || this.#session.state !== "playing") return;
    if (document.hidden || this.choice !== automatic || !this.#chooser.is_at_top) return;
    const higher = tiers.higher(now_ms);
    if (higher === null) return;
    if (higher === "push") {
      this.#asking_higher = true;
      const line = await PushLine.connect(this.road.socket_address("push", location.href));
      this.#asking_higher = false;
      if (line === null) return tiers.refused(performance.now());
      if (tiers !== this.#tiers || this.#stop.signal.aborted) return line.close();
      this.#line = line;
    }
    tiers.rise(performance.now());
    this.#session.reopen(performance.now());
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
    this.#session.held = false;
    this.video.play().catch((refusal: unknown) => {
      if (refusal instanceof DOMException && refusal.name === "NotAllowedError") this.needs_tap = true;
    });
  }

  #hear(news: News): void {
    this.#reachable = news.kind !== "unreachable";
    if (news.kind !== "unreachable") this.#absent = news.kind === "status" ? null : news.kind;
    if (news.kind === "status") this.status = news.status;
    if (this.#absent !== null) this.status = null;
    if (this.player !== null && news.kind !== "unreachable")
      this.#session.follow(this.status ?? { state: "offline", broadcast: null }, performance.now());
    this.#tick();
  }

  #tick(): void {
    const now_ms = performance.now();
    this.#session.tick(now_ms);
    if (this.#session.failures > this.#failures) {
      if (this.#network_is_to_blame()) this.#chooser.lost(now_ms);
      this.#note_trouble((tiers, at_ms) => tiers.stalled(at_ms));
    }
    this.#failures = this.#session.failures;
    void this.#look_higher(now_ms);
    if (now_ms - this.#tier_since_ms > tier_news_ms) this.tier_is_news = false;
    if (this.player === "push" && this.view === "live" && now_ms - this.#tier_since_ms > settled_ms) prefetch_player("dash");
    const playback = this.#session.playback;
    const delay_s = playback?.delay_s() ?? null;
    this.view = view_of({
      can_play: this.player !== null,
      channel: this.#absent === "dark" ? "offline" : (this.#absent ?? this.status?.state ?? null),
      reachable: this.#reachable,
      playback: this.#session.state,
      delay_s,
      target_s: playback?.target_s() ?? null,
    });
    if (now_ms - this.#shown_at_ms > shown_ms) {
      this.#shown_at_ms = now_ms;
      this.delay_s = delay_s;
    }
    const state = this.#session.state;
    if (state === "playing" || state === "closed") this.has_still = false;
    this.on_air_s = this.#on_air_s();
    this.stats = playback?.stats() ?? null;
    if (this.stats !== null && this.stats.height > 0) this.ratio = this.stats.width / this.stats.height;
    this.#read_ladder(playback);
    void this.#read_poster();
    this.stalls = this.#session.stalls;
    this.restarts = this.#session.restarts;
    this.#read_element();
  }

  // While there is no picture of its own the element shows the poster, once it is there: one that is not must not take
  // the place of what the page says. Sound alone has it renewed.
  async #read_poster(): Promise<void> {
    const now_ms = performance.now();
    const state = this.status?.state;
    if (state !== "live" && state !== "paused") {
      this.poster = null;
      this.#posters_missed = 0;
      return;
    }
    if (this.#posters_missed >= poster_asked_max) return;
    const wanted = this.listening || (this.stats?.frames ?? 0) === 0;
    if (!wanted || document.hidden || now_ms - this.#poster_at_ms < poster_wait_ms) return;
    this.#poster_at_ms = now_ms;
    const image = new Image();
    image.src = this.road.address(`poster.jpg?at=${Math.round(Date.now() / poster_wait_ms)}`);
    try {
      await image.decode();
      this.poster = image.src;
      this.#posters_missed = 0;
    } catch {
      this.poster = null; // there is none
      this.#posters_missed += 1;
    }
  }

  // What a player says of the ladder is kept while another is being made.
  #read_ladder(playback: Playback | null): void {
    if (this.#session.state === "closed") this.rungs = [];
    if (playback === null) return;
    const rungs = playback.rungs();
    if (rungs.length > 0) this.rungs = rungs;
    this.has_audio_only = playback.has_audio_only();
    this.shown = playback.shown();
    this.listening = this.shown === audio_only;
    this.span = playback.span();
    this.position_s = this.video.currentTime;
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
