// One connection of the push tier. It is there before a player is: whether a viewer is admitted is known before anything
// that plays is given up for it, and what comes meanwhile waits here.
//
//   connecting --refused, late--> null
//       '--open--> waiting --take--> taken --closed by either side--> closed

export const push_protocol = "klieg.push.1";
// A request is held until there is something to send. On a live channel that takes round trips, no more.
const admitted_within_ms = 2_000;
const waiting_bytes_max = 32 << 20; // what a node keeps for a viewer who lags

type Message = string | ArrayBuffer;
interface Taker {
  message(data: Message): void;
  closed(): void;
}

export class PushLine {
  readonly #socket: WebSocket;
  #waiting: Message[] = [];
  #waiting_bytes = 0;
  #taker: Taker | null = null;
  #closed = false;

  // null: refused, by the server or by what lies between.
  static connect(address: string): Promise<PushLine | null> {
    const socket = new WebSocket(address, push_protocol);
    const line = new PushLine(socket);
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        line.close();
        resolve(null);
      }, admitted_within_ms);
      socket.onopen = () => {
        clearTimeout(late);
        resolve(line);
      };
      socket.onclose = () => {
        clearTimeout(late);
        line.#closed = true;
        line.#taker?.closed();
        resolve(null);
      };
    });
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }: MessageEvent<Message>) => {
      if (this.#taker !== null) return this.#taker.message(data);
      this.#waiting.push(data);
      this.#waiting_bytes += typeof data === "string" ? data.length : data.byteLength;
      if (this.#waiting_bytes > waiting_bytes_max) socket.close();
    };
  }

  // From now on it is the taker's. Called once.
  take(taker: Taker): void {
    this.#taker = taker;
    for (const data of this.#waiting.splice(0)) taker.message(data);
    if (this.#closed) taker.closed();
  }

  // The taker hears nothing more.
  close(): void {
    this.#taker = { message() {}, closed() {} };
    this.#socket.close();
  }
}
