// The way to what is live of a channel: plainly, or for a guest of a private one behind a token (src/wire/path_token.h).
// Players keep addresses that they were once given; the token in them is exchanged for the one that is good now.

import { type Backoff, backoff } from "../base/backoff";

export interface RoadWorld {
  fetch(url: string, options: RequestInit): Promise<Response>;
  sleep(ms: number, stop: AbortSignal): Promise<void>;
}

// The token for who is logged in; null: none is for him.
export type AskForPass = () => Promise<string | null | "unreachable">;

const answer_time_max_ms = 10_000;
const rest_ms_min = 1_000;
// A token that could not be made to last much longer is near the end of the chain: another begins the next.
const for_s_min = 60;
const behind_token = /\/t\/[^/]+(?=\/live\/)/;

export class Road {
  readonly channel: string;
  readonly #ask_for_pass: AskForPass | null;
  #token: string | null;
  #keeping = false;

  // `token`: of a link. `ask_for_pass`: of who came without one.
  constructor(channel: string, token?: string, ask_for_pass: AskForPass | null = null) {
    this.channel = channel;
    this.#token = token ?? null;
    this.#ask_for_pass = ask_for_pass;
  }

  address(under: string): string {
    const plain = `/live/${encodeURIComponent(this.channel)}/${under}`;
    return this.#token === null ? plain : `/t/${this.#token}${plain}`;
  }
  socket_address(under: string, page: string): string {
    return new URL(this.address(under), page).href.replace(/^http/, "ws");
  }
  // Of an address that came of one of these earlier, as it is now.
  now(address: string): string {
    return this.#token === null ? address : address.replace(behind_token, `/t/${this.#token}`);
  }

  // Where the way is barred: whether there is another by now. A link has no other.
  async find(stop: AbortSignal, world: RoadWorld = browser_world): Promise<boolean> {
    if (this.#ask_for_pass === null) return false;
    const pass = await this.#ask_for_pass();
    if (pass === "unreachable" || pass === this.#token || stop.aborted) return false;
    this.#token = pass;
    if (!this.#keeping) void this.keep(stop, world);
    return true;
  }

  // Asks for the next token when half the time of this one has passed, until there is none any more or `stop` is
  // aborted. A link stays what it is until it is over.
  async keep(stop: AbortSignal, world: RoadWorld = browser_world, waits: Backoff = backoff(500, 8_000)): Promise<void> {
    this.#keeping = true;
    while (this.#token !== null && !stop.aborted) {
      const for_s = await this.#renew(stop, world);
      if (for_s !== "unreachable") waits.reset();
      const over = for_s === "refused" || (for_s !== "unreachable" && for_s < for_s_min);
      if (over && !(await this.find(stop, world)) && for_s === "refused") break;
      if (for_s === "unreachable") await world.sleep(waits.next_ms(), stop);
      else if (for_s !== "refused") await world.sleep(Math.max(rest_ms_min, 500 * for_s), stop);
    }
    this.#keeping = false;
  }

  // For how long the next is good.
  async #renew(stop: AbortSignal, world: RoadWorld): Promise<number | "refused" | "unreachable"> {
    try {
      const signal = AbortSignal.any([stop, AbortSignal.timeout(answer_time_max_ms)]);
      const answer = await world.fetch(this.address("renewed"), { cache: "no-store", signal });
      if (answer.status === 403 || answer.status === 404) return "refused";
      const { token, for_s } = (await answer.json()) as { token?: unknown; for_s?: unknown };
      if (!answer.ok || typeof token !== "string" || typeof for_s !== "number") return "unreachable";
      this.#token = token;
      return for_s;
    } catch {
      return "unreachable";
    }
  }
}

const browser_world: RoadWorld = {
  fetch: (url, options) => fetch(url, options),
  sleep: (ms, stop) =>
    new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        stop.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      stop.addEventListener("abort", end);
    }),
};
