// The connection to a room, made anew for as long as the page wants it.
//
//   connecting --open--> open --lost--> waiting --back-off--> connecting
//        '--refused, by the server or on the way--------^
//
// A browser does not tell a page why it was refused: a server without rooms and one that is away look alike, so it is
// asked again ever more seldom, and the page says nothing of a room until there is one.

import { type Backoff, backoff } from "../base/backoff";
import { type Heard, type Said, read_heard, room_protocol } from "./message";

export interface RoomTaker {
  heard(heard: Heard[]): void;
  opened(): void;
  lost(): void; // after opened() only
}

const first_wait_ms = 1_000;
const most_wait_ms = 60_000;

export class RoomLine {
  readonly #address: () => string;
  readonly #taker: RoomTaker;
  readonly #waits: Backoff;
  readonly #make: (address: string) => WebSocket;
  #socket: WebSocket | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #open = false;
  #closed = false;

  constructor(
    address: () => string, // at each attempt
    taker: RoomTaker,
    waits: Backoff = backoff(first_wait_ms, most_wait_ms),
    make: (address: string) => WebSocket = (to) => new WebSocket(to, room_protocol),
  ) {
    this.#address = address;
    this.#taker = taker;
    this.#waits = waits;
    this.#make = make;
    this.#connect();
  }

  // False: there is no connection, and nothing was said.
  say(said: Said): boolean {
    if (!this.#open) return false;
    this.#socket?.send(JSON.stringify(said));
    return true;
  }

  // Leaves, and comes again at once by the address that there is now.
  again(): void {
    if (this.#closed || !this.#open) return;
    const socket = this.#socket;
    if (socket !== null) socket.onclose = socket.onmessage = null;
    this.#open = false;
    this.#taker.lost();
    socket?.close();
    this.#connect();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#socket?.close();
  }

  #connect(): void {
    const socket = this.#make(this.#address());
    this.#socket = socket;
    socket.onopen = () => {
      if (this.#closed) return;
      this.#open = true;
      this.#waits.reset();
      this.#taker.opened();
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (!this.#closed && typeof data === "string") this.#taker.heard(read_heard(data));
    };
    socket.onclose = () => {
      if (this.#closed) return;
      const was_open = this.#open;
      this.#open = false;
      if (was_open) this.#taker.lost();
      this.#retry = setTimeout(() => this.#connect(), this.#waits.next_ms());
    };
  }
}

