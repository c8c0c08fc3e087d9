// What a page says in the room of a broadcast, and what it hears: the subprotocol klieg.room.1
// (src/wire/room_message.h). Times of media are milliseconds on the viewer's screen.

import type { Period } from "./timeline";

export const room_protocol = "klieg.room.1";
export const comment_characters_max = 200; // as a reader counts them: a flag is one
export const hearts_in_message_max = 100;
export const poll_options_max = 6;
export const question_characters_max = 140;
export const option_characters_max = 60;
export const words_max = 200; // of a filter

export type Standing = "stranger" | "follower" | "moderator" | "broadcaster";

// From here on accounts are of guests, who may speak and have no vote.
export const guest_id_min = 2 ** 52;

export interface Person {
  account: number; // 0: not signed in
  name: string;
  standing: Standing;
}

export interface Comment {
  id: number;
  by: Person;
  at_ms: number; // of media: what its writer saw
  said_ms: number; // since 1970, by the server's clock
  text: string;
}

export interface Poll {
  id: number;
  question: string;
  options: string[];
  opens_ms: number; // of media
  closes_ms: number;
}

export interface Rules {
  who: "everyone" | "followers" | "first" | "nobody";
  first: number; // where `who` says so: the accounts that came first
  slow_ms: number; // between two comments of one account
  review: "nothing" | "filtered" | "everything";
}

export type Heard =
  | { type: "you"; person: Person } // who the node takes this viewer for
  | { type: "clock"; periods: Period[] }
  | { type: "comment"; comment: Comment }
  | { type: "held"; comment: Comment }
  | { type: "gone"; id: number }
  | { type: "pinned"; comment: Comment | null }
  | { type: "hearts"; hearts: [bucket: number, count: number][] } // by tenths of a second of media
  | { type: "poll"; poll: Poll }
  | { type: "poll_closes"; id: number; closes_ms: number }
  | { type: "votes"; poll: number; votes: number[]; final: boolean }
  | { type: "rules"; rules: Rules }
  | { type: "viewers"; count: number }
  | { type: "joined"; names: string[]; others: number }
  | { type: "over" }
  | { type: "done"; ref: number; id: number | null; text: string | null; held: boolean }
  | { type: "refused"; ref: number; why: string; words: string };

export type Said =
  | { type: "hearts"; count: number; at: number }
  | { type: "comment"; ref: number; at: number; text: string }
  | { type: "vote"; ref: number; at: number; poll: number; option: number }
  | ({ ref: number; at: number } & Command);

// Of moderators and the broadcaster.
export type Command =
  | { type: "delete" | "release" | "pin"; comment: number } // pin 0: none
  | { type: "bar"; account: number; seconds?: number } // without seconds: for good
  | ({ type: "rules" } & Rules)
  | { type: "words"; words: string[] } // of the filter; those before are forgotten
  | { type: "open_poll"; question: string; options: string[]; seconds: number }
  | { type: "close_poll"; poll: number };

// What is not as it should be, or of a later version, is left out.
export function read_heard(text: string): Heard[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(list)) return [];
  const heard: Heard[] = [];
  for (const one of list) {
    try {
      const read = read_one(new Fields(one));
      if (read !== null) heard.push(read);
    } catch (error) {
      if (!(error instanceof Misfit)) throw error;
    }
  }
  return heard;
}

class Misfit extends Error {}

class Fields {
  readonly #fields: Record<string, unknown>;
  constructor(value: unknown) {
    if (typeof value !== "object" || value === null) throw new Misfit();
    this.#fields = value as Record<string, unknown>;
  }
  has(name: string): boolean {
    return this.#fields[name] !== undefined && this.#fields[name] !== null;
  }
  within(name: string): Fields {
    return new Fields(this.#fields[name]);
  }
  number(name: string): number {
    return is_count(this.#fields[name]);
  }
  text(name: string): string {
    return is_text(this.#fields[name]);
  }
  flag(name: string): boolean {
    return this.#fields[name] === true;
  }
  list<T>(name: string, one: (value: unknown) => T): T[] {
    const list = this.#fields[name];
    if (!Array.isArray(list)) throw new Misfit();
    return list.map(one);
  }
  one_of<T extends string>(name: string, words: readonly T[]): T {
    const found = words.find((word) => word === this.#fields[name]);
    if (found === undefined) throw new Misfit();
    return found;
  }
}

function is_count(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) throw new Misfit();
  return value;
}

function is_text(value: unknown): string {
  if (typeof value !== "string") throw new Misfit();
  return value;
}

const standings = ["stranger", "follower", "moderator", "broadcaster"] as const;

const person_of = (it: Fields): Person => ({
  account: it.number("account"),
  name: it.text("name"),
  standing: it.one_of("standing", standings),
});

const comment_of = (it: Fields): Comment => ({
  id: it.number("id"),
  by: person_of(it.within("by")),
  at_ms: it.number("at"),
  said_ms: it.number("said"),
  text: it.text("text"),
});

function pair_of(value: unknown): [number, number] {
  if (!Array.isArray(value)) throw new Misfit();
  return [is_count(value[0]), is_count(value[1])];
}

function read_one(it: Fields): Heard | null {
  const type = it.text("type");
  switch (type) {
    case "you":
      return { type, person: person_of(it) };
    case "clock":
      return { type, periods: it.list("periods", pair_of).map(([start_ms, wall_ms]) => ({ start_ms, wall_ms })) };
    case "comment":
    case "held":
      return { type, comment: comment_of(it) };
    case "gone":
      return { type, id: it.number("id") };
    case "pinned":
      return { type, comment: it.has("comment") ? comment_of(it.within("comment")) : null };
    case "hearts":
      return { type, hearts: it.list("hearts", pair_of) };
    case "poll": {
      const options = it.list("options", is_text);
      const [opens_ms, closes_ms] = [it.number("opens"), it.number("closes")];
      return { type, poll: { id: it.number("id"), question: it.text("question"), options, opens_ms, closes_ms } };
    }
    case "poll_closes":
      return { type, id: it.number("id"), closes_ms: it.number("closes") };
    case "votes":
      return { type, poll: it.number("poll"), votes: it.list("votes", is_count), final: it.flag("final") };
    case "rules": {
      const who = it.one_of("who", ["everyone", "followers", "first", "nobody"] as const);
      const review = it.one_of("review", ["nothing", "filtered", "everything"] as const);
      return { type, rules: { who, first: it.number("first"), slow_ms: it.number("slow_ms"), review } };
    }
    case "viewers":
      return { type, count: it.number("count") };
    case "joined":
      return { type, names: it.list("names", is_text), others: it.number("others") };
    case "over":
      return { type };
    case "done": {
      const id = it.has("id") ? it.number("id") : null;
      return { type, ref: it.number("ref"), id, text: it.has("text") ? it.text("text") : null, held: it.flag("held") };
    }
    case "refused":
      return { type, ref: it.number("ref"), why: it.text("why"), words: it.text("words") };
    default:
      return null;
  }
}

// How many characters a reader sees: what the server counts.
export function characters_of(text: string): number {
  let count = 0;
  for (const _ of segmenter.segment(text)) ++count;
  return count;
}
const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
