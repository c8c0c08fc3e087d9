// One viewer in the room of a channel: joins the conversation to its line, to what the screen shows and to a clock, and
// offers what the page shows as reactive state. Lives from when the channel has a broadcast to its destroy().

import { sentence_of } from "../base/sentence";
import { type Identity, nobody } from "../people/ticket";
import type { Road } from "../playback/road";
import { Conversation, type ShownPoll } from "./conversation";
import { Entry } from "./entry";
import type { Command, Comment, Heard, Person, Rules } from "./message";
import { RoomLine } from "./room_line";
import { Taps, gather_ms } from "./taps";
import { type Period, Timeline, read_periods } from "./timeline";

const look_ms = 100; // as exact as hearts are
const periods_wait_ms = 2_000; // between two questions for the periods, while there are none
const periods_asked_max = 5;

const nobody_known: Person = { account: 0, name: "You", standing: "stranger" };

export interface Screen {
  media_ms(): number | null; // the moment of media, where the player knows it
  screen_wall_ms(): number | null; // the server's time that the picture is stamped with; null: unknown
}

export class Room {
  open = $state(false);
  was_open = $state(false); // since the page is here: there is a room, be it away
  comments: Comment[] = $state.raw([]);
  fresh: Comment[] = $state.raw([]);
  held: Comment[] = $state.raw([]);
  pinned: Comment | null = $state.raw(null);
  poll: ShownPoll | null = $state.raw(null);
  votes: Record<number, number> = $state({}); // own ones: option by poll
  viewers: number | null = $state(null);
  hearts = $state(0);
  joined: string | null = $state(null);
  rules: Rules | null = $state.raw(null);
  me: Person | null = $state.raw(null); // null: the node does not say
  nameless = $state(false); // a word was refused since nobody is signed in
  draft = $state(""); // of a comment: kept until it is safe in the room
  sending = $state(false);
  trouble: string | null = $state(null); // why the last word was not taken, in a sentence
  news: string | null = $state(null); // what became of it otherwise

  readonly #conversation = new Conversation();
  readonly #timeline = new Timeline();
  readonly #taps = new Taps();
  readonly #screen: Screen;
  readonly #line: RoomLine;
  readonly #entry: Entry;
  readonly #looking: ReturnType<typeof setInterval>;
  readonly #rise: (count: number) => void;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #told_periods = false; // by the node: then nobody else is asked
  #asking_periods: ReturnType<typeof setTimeout> | undefined;
  readonly #road: Road;
  #destroyed = false;
  #last_ref = 0;
  #unsure: string | null = null; // a comment that was on its way when the line was lost
  #held_own: number | null = null; // the latest comment of ours that waits for a moderator
  #asked = new Map<number, { kind: "comment"; text: string; at_ms: number } | { kind: "vote"; poll: number } | { kind: "command" }>();

  // `rise`: so many hearts of others rise now.
  constructor(road: Road, screen: Screen, rise: (count: number) => void, identity: Identity = nobody) {
    this.#road = road;
    this.#screen = screen;
    this.#rise = rise;
    this.#looking = setInterval(() => this.#look(), look_ms);
    this.#entry = new Entry(identity, { settled: (me) => (this.me = me), again: () => this.#line.again() });
    this.#line = new RoomLine(() => this.#entry.address(road.socket_address("room", location.href)), {
      heard: (heard) => this.#hear(heard),
      opened: () => (this.open = this.was_open = true),
      lost: () => this.#lose(),
    });
  }

  destroy(): void {
    clearInterval(this.#looking);
    clearTimeout(this.#gathering);
    clearTimeout(this.#asking_periods);
    this.#destroyed = true;
    this.#give_hearts();
    this.#entry.close();
    this.#line.close();
  }

  // The moment of media on the screen.
  at_ms(): number | null {
    const wall_ms = this.#screen.screen_wall_ms();
    const media_ms = this.#screen.media_ms() ?? (wall_ms === null ? null : this.#timeline.media_ms(wall_ms));
    return media_ms === null ? null : Math.max(0, Math.round(media_ms));
  }

  // In the manifest; whenever the camera is back.
  look_for_periods(left = periods_asked_max): void {
    clearTimeout(this.#asking_periods);
    if (!this.#told_periods && left > 0 && !this.#destroyed) void this.#ask_for_periods(left);
  }

  // False: a heart cannot be given now.
  heart(): boolean {
    const at_ms = this.at_ms();
    if (!this.open || at_ms === null || !this.#taps.tap(at_ms)) return false;
    this.#gathering ??= setTimeout(() => this.#give_hearts(), gather_ms);
    return true;
  }

  // The draft.
  comment(): void {
    const text = this.draft.trim();
    if (text === "" || this.sending) return;
    const at_ms = this.at_ms() ?? 0;
    const ref = ++this.#last_ref;
    this.trouble = this.news = this.#unsure = null;
    if (!this.#line.say({ type: "comment", ref, at: at_ms, text })) return;
    this.sending = true;
    this.#asked.set(ref, { kind: "comment", text, at_ms });
  }

  vote(poll: number, option: number): void {
    const at_ms = this.at_ms();
    const ref = ++this.#last_ref;
    this.trouble = null;
    if (at_ms === null || !this.#line.say({ type: "vote", ref, at: at_ms, poll, option })) return;
    this.votes[poll] = option;
    this.#asked.set(ref, { kind: "vote", poll });
  }

  get moderates(): boolean {
    return this.me?.standing === "moderator" || this.me?.standing === "broadcaster";
  }

  // Somebody, as far as is known: nobody may look and give hearts, and no more.
  get named(): boolean {
    return this.me === null ? !this.nameless : this.me.account > 0;
  }

  get may_comment(): boolean {
    return this.named && (this.rules?.who !== "nobody" || this.moderates);
  }

  // There is nothing to read: no comment, no poll, no desk of a moderator.
  get bare(): boolean {
    return this.comments.length === 0 && this.pinned === null && this.poll === null && !this.moderates;
  }

  // Why there is no word from this viewer.
  get off_words(): string {
    return this.named ? "Comments are closed." : "Comments are off here.";
  }

  command(command: Command): void {
    const ref = ++this.#last_ref;
    this.trouble = this.news = null;
    if (this.#line.say({ ...command, ref, at: this.at_ms() ?? 0 })) this.#asked.set(ref, { kind: "command" });
    else this.trouble = "The connection is lost. Nothing was done.";
  }

  #give_hearts(): void {
    this.#gathering = undefined;
    const given = this.#taps.take();
    if (given === null || !this.#line.say({ type: "hearts", count: given.count, at: given.at_ms })) return;
    this.#conversation.gave_hearts(given.count, given.at_ms);
  }

  #hear(list: readonly Heard[]): void {
    for (const heard of list) {
      if (heard.type === "done") this.#done(heard.ref, heard.id, heard.text, heard.held);
      else if (heard.type === "refused") this.#refused(heard.ref, heard.why, heard.words);
      else if (heard.type === "you") void this.#entry.taken_for(heard.person);
      else if (heard.type === "clock") this.#take_periods(heard.periods);
      else {
        this.#conversation.hear(heard);
        if (heard.type === "comment") this.#recognize(heard.comment);
      }
    }
    this.#look();
  }

  #take_periods(periods: Period[]): void {
    this.#told_periods = periods.length > 0;
    if (this.#told_periods) this.#timeline.set(periods);
  }

  async #ask_for_periods(left: number): Promise<void> {
    let periods: Period[] = [];
    try {
      const answer = await fetch(this.#road.address("manifest.mpd"), { signal: AbortSignal.timeout(10_000) });
      if (answer.ok) periods = read_periods(await answer.text());
    } catch {
      // asked again
    }
    if (this.#told_periods || this.#destroyed) return;
    if (periods.length > 0) this.#timeline.set(periods);
    else this.#asking_periods = setTimeout(() => this.look_for_periods(left - 1), periods_wait_ms);
  }

  #done(ref: number, id: number | null, text: string | null, held: boolean): void {
    const asked = this.#asked.get(ref);
    this.#asked.delete(ref);
    if (asked?.kind !== "comment") return;
    this.sending = false;
    this.draft = "";
    if (held) {
      this.#held_own = id;
      this.news = "A moderator will look at your comment first.";
    } else if (id !== null)
      this.#conversation.show_own({ id, by: this.me ?? nobody_known, at_ms: asked.at_ms, said_ms: Date.now(), text: text ?? asked.text });
  }

  #refused(ref: number, why: string, words: string): void {
    const asked = this.#asked.get(ref);
    this.#asked.delete(ref);
    if (asked?.kind === "comment") this.sending = false;
    if (asked?.kind === "vote" && why !== "voted") delete this.votes[asked.poll];
    if (why === "nameless") this.nameless = true;
    this.trouble = sentence_of(words);
  }

  // What was on its way when the line was lost may have been taken: then the room says so when it is back.
  #lose(): void {
    this.open = this.sending = false;
    for (const asked of this.#asked.values()) {
      if (asked.kind === "vote") delete this.votes[asked.poll];
      if (asked.kind !== "comment") continue;
      this.#unsure = asked.text;
      this.trouble = "The connection was lost. Your comment may not have arrived.";
    }
    this.#asked.clear();
  }

  #recognize(comment: Comment): void {
    if (comment.id === this.#held_own) {
      this.#held_own = null;
      this.news = "A moderator has let your comment through.";
    }
    if (this.#unsure === null || comment.text !== this.#unsure || comment.by.account !== this.me?.account) return;
    this.draft = "";
    this.trouble = this.#unsure = null;
    this.news = "Your comment has arrived.";
  }

  #look(): void {
    const rising = this.#conversation.look(this.at_ms(), performance.now());
    if (rising > 0) this.#rise(rising);
    this.comments = this.#conversation.comments;
    this.fresh = this.#conversation.fresh;
    this.held = this.#conversation.held;
    this.pinned = this.#conversation.pinned;
    this.poll = this.#conversation.poll;
    this.viewers = this.#conversation.viewers;
    this.hearts = this.#conversation.hearts;
    this.joined = this.#conversation.joined;
    this.rules = this.#conversation.rules;
  }
}
