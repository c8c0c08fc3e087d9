// Coming into a room as who is logged in. A home knows him by his cookie; an edge, which cannot look him up, takes him
// for nobody: then he comes again, and shows a ticket.
//
//   entered --taken for who he is, or nobody is logged in--> settled
//      '--taken for nobody--> asking --a ticket--> again, with it --entered--> settled
//                                '--none, or it was refused--> settled as nobody; asked again retry_ms later

import type { Identity } from "../people/ticket";
import type { Person } from "./message";

export const retry_ms = 60_000; // a server that cannot be asked now, or a clock that is wrong
const guest_account_min = 2 ** 52; // behind which is no account (src/media/room.h)

export interface EntryTaker {
  settled(me: Person): void;
  again(): void; // the connection is to be made anew, at address()
}

export class Entry {
  readonly #identity: Identity;
  readonly #taker: EntryTaker;
  #ticket: string | null = null;
  #shown: "none" | "now" | "refused" = "none";
  #entries = 0; // what was found out for one is nothing to the next
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(identity: Identity, taker: EntryTaker) {
    this.#identity = identity;
    this.#taker = taker;
  }

  // For one attempt: a ticket is good for two minutes.
  address(plain: string): string {
    clearTimeout(this.#retry);
    ++this.#entries;
    if (this.#shown === "now") this.#shown = "refused"; // it did not open
    if (this.#ticket === null) return plain;
    const address = `${plain}?ticket=${encodeURIComponent(this.#ticket)}`;
    this.#ticket = null;
    this.#shown = "now";
    return address;
  }

  // The node says whom it takes him for.
  async taken_for(me: Person): Promise<void> {
    const shown = this.#shown;
    this.#shown = "none";
    if (shown === "now" || (me.account > 0 && me.account < guest_account_min)) return this.#taker.settled(me);
    const entry = this.#entries;
    const account = await this.#identity.account();
    if (entry !== this.#entries) return;
    if (account === null) return this.#taker.settled(me);
    const ticket = shown === "refused" ? null : await this.#identity.ticket();
    if (entry !== this.#entries) return;
    if (ticket === null) {
      this.#taker.settled(me);
      this.#retry = setTimeout(() => void this.taken_for(me), retry_ms);
      return;
    }
    this.#ticket = ticket;
    this.#taker.again();
  }

  close(): void {
    ++this.#entries;
    clearTimeout(this.#retry);
  }
}
