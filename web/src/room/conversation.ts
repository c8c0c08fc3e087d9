// What a viewer is shown of a room, decided from what the node says and what his screen shows.
//
//   node ──hear()──► waiting for its moment ──look()──► shown
//
// Comments, hearts and polls belong to a moment of media and are shown when the screen reaches it. What moderators took
// away, the count of viewers and answers are news of now. After a reconnect the node says again how things are: a
// comment that is here already is passed over.
//
// Owns no clock: look() is given the moment of media on the screen and a monotonic time. Limit: comments_max shown,
// waiting_max of a kind waiting, polls_max polls.

import { Aligned } from "./aligned";
import type { Comment, Heard, Poll, Rules } from "./message";

export const comments_max = 150; // some screens to scroll back
const waiting_max = 500; // a readable rate for as long as anybody lags
const known_max = 2 * (comments_max + waiting_max); // ids
const polls_max = 4;
export const heart_bucket_ms = 100;
// Hearts for something that was seen this long ago rise no more; they count.
export const hearts_late_ms = 3_000;
const joined_shown_ms = 6_000;
export const fresh_ms = 9_000;
const fresh_max = 5;
const result_shown_ms = 45_000; // of media after a poll closed

export type PollPhase = "open" | "counting" | "final";
export interface ShownPoll {
  poll: Poll;
  phase: PollPhase;
  left_ms: number; // of media until it closes
  votes: number[]; // by option
}

interface Ballot {
  poll: Poll;
  votes: number[];
  final: boolean;
}
interface HeartBurst {
  bucket: number;
  count: number;
}

export class Conversation {
  comments: Comment[] = []; // shown, oldest first; another list whenever it changes
  fresh: Comment[] = []; // of them those that have just been shown; likewise
  held: Comment[] = []; // for a moderator to look at; likewise
  rules: Rules | null = null;
  viewers: number | null = null;
  hearts = 0; // that were heard of since the page is here
  over = false;
  #pinned: Comment | null = null;
  #joined: { text: string; until_ms: number } | null = null;
  #joined_next: string | null = null;
  #fresh_until_ms: number[] = []; // as `fresh`
  #comments = new Aligned<Comment>(waiting_max);
  #hearts = new Aligned<HeartBurst>(waiting_max);
  #known = new Set<number>(); // comments, by id, in the order of their coming
  #own_hearts = new Map<number, number>(); // by bucket: shown when they were given
  #ballots = new Map<number, Ballot>();
  #screen_ms: number | null = null;
  #now_ms = 0;

  hear(heard: Heard): void {
    switch (heard.type) {
      case "comment":
        this.#let_go(heard.comment.id);
        if (this.#know(heard.comment.id)) this.#comments.add(heard.comment, heard.comment.at_ms);
        return;
      case "held":
        this.#let_go(heard.comment.id);
        this.held = [...this.held, heard.comment].slice(-comments_max);
        return;
      case "gone":
        this.#let_go(heard.id);
        this.#know(heard.id); // should it come yet
        this.#comments.drop((one) => one.id === heard.id);
        this.comments = this.comments.filter((one) => one.id !== heard.id);
        this.#keep_fresh((one) => one.id !== heard.id);
        if (this.#pinned?.id === heard.id) this.#pinned = null;
        return;
      case "pinned":
        this.#pinned = heard.comment;
        return;
      case "hearts":
        for (const [bucket, count] of heard.hearts) this.#hear_hearts(bucket, count);
        return;
      case "poll":
        if (!this.#ballots.has(heard.poll.id)) {
          this.#ballots.set(heard.poll.id, { poll: heard.poll, votes: heard.poll.options.map(() => 0), final: false });
          if (this.#ballots.size > polls_max) this.#ballots.delete(Math.min(...this.#ballots.keys()));
        }
        return;
      case "poll_closes": {
        const ballot = this.#ballots.get(heard.id);
        if (ballot !== undefined) ballot.poll = { ...ballot.poll, closes_ms: heard.closes_ms };
        return;
      }
      case "votes": {
        const ballot = this.#ballots.get(heard.poll);
        if (ballot !== undefined && heard.votes.length === ballot.votes.length)
          Object.assign(ballot, { votes: heard.votes, final: heard.final });
        return;
      }
      case "rules":
        this.rules = heard.rules;
        return;
      case "viewers":
        this.viewers = heard.count;
        return;
      case "joined":
        this.#joined_next = joined_text(heard.names, heard.others);
        return;
      case "over":
        this.over = true;
        return;
    }
  }

  // A few times a second. Returns how many hearts of others rise now.
  look(screen_ms: number | null, now_ms: number): number {
    this.#screen_ms = screen_ms;
    this.#now_ms = now_ms;
    if (this.#fresh_until_ms[0] !== undefined && this.#fresh_until_ms[0] <= now_ms)
      this.#keep_fresh((_, i) => this.#fresh_until_ms[i]! > now_ms);
    const due = this.#comments.due(screen_ms);
    if (due.length > 0) this.#show(due);
    if (this.#joined_next !== null) this.#joined = { text: this.#joined_next, until_ms: now_ms + joined_shown_ms };
    this.#joined_next = null;
    let rising = 0;
    for (const { bucket, count } of this.#hearts.due(screen_ms)) {
      const seen_ms = (bucket + 1) * heart_bucket_ms;
      if (screen_ms !== null && screen_ms - seen_ms < hearts_late_ms) rising += count;
    }
    return rising;
  }

  // His own, which he sees as soon as it is safe, whatever the screen shows by then.
  show_own(comment: Comment): void {
    if (this.#know(comment.id)) return this.#show([comment]);
    this.#comments.drop((one) => one.id === comment.id);
    if (!this.comments.some((one) => one.id === comment.id)) this.#show([comment]);
  }

  gave_hearts(count: number, at_ms: number): void {
    const bucket = Math.floor(at_ms / heart_bucket_ms);
    this.#own_hearts.set(bucket, (this.#own_hearts.get(bucket) ?? 0) + count);
    if (this.#own_hearts.size > waiting_max) this.#own_hearts.delete(Math.min(...this.#own_hearts.keys()));
  }

  get pinned(): Comment | null {
    const pinned = this.#pinned;
    return pinned !== null && (this.#screen_ms === null || pinned.at_ms <= this.#screen_ms) ? pinned : null;
  }

  get joined(): string | null {
    return this.#joined !== null && this.#now_ms < this.#joined.until_ms ? this.#joined.text : null;
  }

  // The newest that the screen has reached, for a while after its end, too.
  get poll(): ShownPoll | null {
    const screen_ms = this.#screen_ms;
    if (screen_ms === null) return null;
    const reached = [...this.#ballots.values()].filter(
      ({ poll }) => poll.opens_ms <= screen_ms && screen_ms < poll.closes_ms + result_shown_ms,
    );
    const ballot = reached.sort((a, b) => b.poll.id - a.poll.id)[0];
    if (ballot === undefined) return null;
    const left_ms = Math.max(0, ballot.poll.closes_ms - screen_ms);
    return { poll: ballot.poll, phase: left_ms > 0 ? "open" : ballot.final ? "final" : "counting", left_ms, votes: ballot.votes };
  }

  #let_go(id: number): void {
    if (this.held.some((one) => one.id === id)) this.held = this.held.filter((one) => one.id !== id);
  }

  #hear_hearts(bucket: number, count: number): void {
    this.hearts += count;
    const own = Math.min(this.#own_hearts.get(bucket) ?? 0, count);
    if (own > 0) this.#own_hearts.set(bucket, this.#own_hearts.get(bucket)! - own);
    if (count > own) this.#hearts.add({ bucket, count: count - own }, bucket * heart_bucket_ms);
  }

  #show(comments: readonly Comment[]): void {
    this.comments = [...this.comments, ...comments].slice(-comments_max);
    this.#fresh_until_ms.push(...comments.map(() => this.#now_ms + fresh_ms));
    this.fresh = [...this.fresh, ...comments];
    this.#keep_fresh((_, i) => i >= this.fresh.length - fresh_max);
  }

  #keep_fresh(wanted: (one: Comment, i: number) => boolean): void {
    const kept = this.fresh.map(wanted);
    if (kept.every(Boolean)) return;
    this.fresh = this.fresh.filter((_, i) => kept[i]);
    this.#fresh_until_ms = this.#fresh_until_ms.filter((_, i) => kept[i]);
  }

  // Whether it is new.
  #know(id: number): boolean {
    if (this.#known.has(id)) return false;
    this.#known.add(id);
    if (this.#known.size > known_max) this.#known.delete(this.#known.values().next().value!);
    return true;
  }
}

// "Ada joined", "Ada and Grace joined", "Ada, Grace and 3 more joined".
export function joined_text(names: readonly string[], others: number): string | null {
  const parts = [...names.slice(0, 3), ...(others + Math.max(0, names.length - 3) > 0 ? [more_text(names, others)] : [])];
  if (parts.length === 0) return null;
  const last = parts.pop()!;
  return `${parts.length > 0 ? `${parts.join(", ")} and ` : ""}${last} joined`;
}

function more_text(names: readonly string[], others: number): string {
  const more = others + Math.max(0, names.length - 3);
  return names.length > 0 ? `${more} more` : more === 1 ? "Somebody" : `${more} people`;
}
