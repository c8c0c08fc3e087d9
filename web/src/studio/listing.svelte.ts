// A list of one's own in the studio - keys, tokens, invites, webhooks, moderators - and what came of the last wish
// about it. What each panel adds are words and fields.

import { type Answer, trouble_of } from "../people/api";

// `Made`: what the server says of a new one, its secret above all, which it says once.
export class Listing<Item, Made extends { id: number } = never> {
  items = $state.raw<Item[] | null>(null); // null: not known yet
  made = $state.raw<Made | null>(null);
  trouble = $state<string | null>(null); // what went wrong
  done = $state(""); // what did not
  readonly #ask: () => Promise<Answer<Item[]>>;

  constructor(ask: () => Promise<Answer<Item[]>>) {
    this.#ask = ask;
    void this.#load();
  }

  // `done`: what to say when it was.
  async carry_out<T>(wish: Promise<Answer<T>>, done = ""): Promise<Answer<T>> {
    this.done = "";
    const answer = await wish;
    this.trouble = trouble_of(answer);
    if (answer.kind === "done") this.done = done;
    // What is refused may be so because the list is an old one.
    if (answer.kind !== "unreachable") await this.#load();
    return answer;
  }
  async make(wish: Promise<Answer<Made>>): Promise<Answer<Made>> {
    const answer = await this.carry_out(wish);
    if (answer.kind === "done") this.made = answer.value;
    return answer;
  }
  // The secret of what is gone is good for nothing: it is not shown any longer.
  async remove(id: number, wish: Promise<Answer<null>>, done = ""): Promise<void> {
    const answer = await this.carry_out(wish, done);
    if (answer.kind === "done" && this.made?.id === id) this.made = null;
  }

  async #load(): Promise<void> {
    const answer = await this.#ask();
    if (answer.kind === "done") this.items = answer.value;
    else this.trouble ??= trouble_of(answer);
  }
}
