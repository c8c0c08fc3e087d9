// Who is logged in here, as reactive state: one for the page, made by App.svelte and found by `session_here()`.

import { getContext, setContext } from "svelte";

import { Api, trouble_of } from "./api";
import { end_push } from "./browser_push";

export interface Account {
  id: number;
  name: string; // /@NAME
  display_name: string;
  role: "person" | "operator";
}
export type SignUp = "open" | "invite" | "closed";

interface Told {
  account: Account | null;
  csrf: string | null;
  sign_up?: SignUp;
  ingest?: { rtmp?: string };
}

export class Session {
  // absent: a server without accounts, whose pages say nothing of people
  people: "unknown" | "here" | "absent" = $state("unknown");
  account: Account | null = $state.raw(null);
  sign_up: SignUp = $state("closed");
  ingest: string | null = $state(null); // what encoders send to; null: not said
  readonly api = new Api();

  #loading: Promise<void> | null = null;

  load(): Promise<void> {
    return (this.#loading = this.#load());
  }
  // Asked for at most once: by whoever needs it first.
  known(): Promise<void> {
    return this.#loading ?? this.load();
  }

  async #load(): Promise<void> {
    const answer = await this.api.ask<Told>("GET", "/session");
    if (answer.kind === "done" && is_told(answer.value)) this.#take(answer.value);
    else if (answer.kind !== "unreachable" && this.people === "unknown") this.people = "absent";
  }

  // The words for who was not let in; null: he is.
  async log_in(name: string, password: string): Promise<string | null> {
    return this.#enter("/session", { name, password });
  }

  async make_account(wanted: { name: string; display_name: string; password: string; invite?: string }): Promise<string | null> {
    return this.#enter("/accounts", wanted);
  }

  async log_out(): Promise<string | null> {
    await end_push(this.api);
    const answer = await this.api.ask("DELETE", "/session");
    if (answer.kind !== "done") return trouble_of(answer);
    await this.load();
    return null;
  }

  async #enter(path: string, body: unknown): Promise<string | null> {
    const answer = await this.api.ask<Told>("POST", path, body);
    if (answer.kind !== "done") return trouble_of(answer);
    this.#take(answer.value);
    return null;
  }

  #take(told: Told): void {
    this.people = "here";
    this.account = told.account;
    this.api.csrf = told.csrf;
    if (told.sign_up !== undefined) this.sign_up = told.sign_up;
    if (told.ingest?.rtmp !== undefined) this.ingest = told.ingest.rtmp;
  }
}

// What another version of the server says of sessions is nothing to go by.
function is_told(value: unknown): value is Told {
  if (typeof value !== "object" || value === null) return false;
  const { account } = value as { account?: unknown };
  return account === null || (typeof account === "object" && typeof (account as { name?: unknown }).name === "string");
}

const key = Symbol("session");
export const open_session = () => setContext(key, new Session());
export const session_here = () => getContext<Session>(key);
