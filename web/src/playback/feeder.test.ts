import { beforeEach, describe, expect, it } from "vitest";

import { Feeder } from "./feeder";
import type { PushChunk } from "./push_message";

// Notes what is done with it, and is busy until told.
class FakeBuffer extends EventTarget {
  updating = false;
  done: string[] = [];
  refusal: Error | null = null;
  appendBuffer(content: Uint8Array) {
    if (this.refusal !== null) throw this.refusal;
    this.done.push([...content].join(" "));
    this.updating = true;
  }
  changeType(mime: string) {
    this.done.push(mime);
  }
  ready() {
    this.updating = false;
    this.dispatchEvent(new Event("updateend"));
  }
}

const chunk = (...content: number[]): PushChunk => ({ track: 1, key: false, discontinuity: false, initialization: false, content: new Uint8Array(content) });
const header = (...content: number[]): PushChunk => ({ ...chunk(...content), initialization: true });

let buffer: FakeBuffer;
let feeder: Feeder;
let failures: string[];

beforeEach(() => {
  buffer = new FakeBuffer();
  failures = [];
  const source = { addSourceBuffer: () => buffer as unknown as SourceBuffer };
  feeder = new Feeder(
    source,
    { mime: "avc" },
    () => {},
    (error) => failures.push(String(error)),
  );
});

describe("a feeder", () => {
  it("puts in at once what came while the element was busy", () => {
    for (const byte of [1, 2, 3]) feeder.feed(chunk(byte));
    expect(buffer.done).toEqual(["1"]);
    buffer.ready();
    expect(buffer.done).toEqual(["1", "2 3"]);
  });

  it("does not feed a header again that the element knows", () => {
    feeder.feed(header(7));
    buffer.ready();
    feeder.feed(header(7));
    feeder.feed(header(8));
    expect(buffer.done).toEqual(["7", "8"]);
  });

  it("changes the codec only when what waits of the one before is in", () => {
    for (const byte of [1, 2]) feeder.feed(chunk(byte));
    feeder.change("hevc");
    feeder.feed(header(9));
    feeder.feed(chunk(3));
    buffer.ready();
    expect(buffer.done).toEqual(["1", "2"]);
    buffer.ready();
    expect(buffer.done).toEqual(["1", "2", "hevc", "9 3"]);
  });

  it("says so when the element takes no more, whether it is asked by what comes or goes on by itself", () => {
    feeder.feed(chunk(1));
    feeder.feed(chunk(2));
    buffer.refusal = new Error("QuotaExceededError");
    buffer.ready();
    expect(failures).toEqual(["Error: QuotaExceededError"]);
    feeder.feed(chunk(3));
    expect(failures).toHaveLength(2);
  });
});
