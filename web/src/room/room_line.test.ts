import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { backoff } from "../base/backoff";
import { RoomLine } from "./room_line";

class FakeSocket {
  static made: FakeSocket[] = [];
  sent: string[] = [];
  onopen = () => {};
  onmessage = (_: { data: unknown }) => {};
  onclose = () => {};
  constructor() {
    FakeSocket.made.push(this);
  }
  send(text: string) {
    this.sent.push(text);
  }
  close() {}
}

const newest = () => FakeSocket.made.at(-1)!;
let told: string[];
function connect() {
  const taker = {
    heard: (heard: { type: string }[]) => void told.push(...heard.map((one) => one.type)),
    opened: () => void told.push("opened"),
    lost: () => void told.push("lost"),
  };
  return new RoomLine(() => "ws://here/live/ada/room", taker, backoff(1_000, 4_000, () => 0), () => new FakeSocket() as unknown as WebSocket);
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.made = [];
  told = [];
});
afterEach(() => vi.useRealTimers());

describe("a line to a room", () => {
  it("says nothing until it is open, then says and hears", () => {
    const line = connect();
    expect(line.say({ type: "hearts", count: 1, at: 5 })).toBe(false);
    newest().onopen();
    expect(line.say({ type: "hearts", count: 1, at: 5 })).toBe(true);
    newest().onmessage({ data: '[{"type":"viewers","count":3},{"type":"over"}]' });
    expect(newest().sent).toEqual(['{"type":"hearts","count":1,"at":5}']);
    expect(told).toEqual(["opened", "viewers", "over"]);
  });
  it("that is refused is asked for ever more seldom, and nobody is told", () => {
    connect();
    for (const [wait_ms, made] of [[1_000, 2], [2_000, 3], [4_000, 4], [4_000, 5]] as const) {
      newest().onclose();
      vi.advanceTimersByTime(wait_ms - 1);
      expect(FakeSocket.made.length).toBe(made - 1);
      vi.advanceTimersByTime(1);
      expect(FakeSocket.made.length).toBe(made);
    }
    expect(told).toEqual([]);
  });
  it("that is lost is told as lost, once, and found again", () => {
    connect();
    newest().onopen();
    newest().onclose();
    vi.advanceTimersByTime(1_000);
    newest().onclose(); // the server is still away
    vi.advanceTimersByTime(2_000);
    newest().onopen();
    expect(told).toEqual(["opened", "lost", "opened"]);
  });
  it("comes again at once where it is told to, and hears nothing more of what it left", () => {
    const line = connect();
    line.again(); // not there yet
    newest().onopen();
    const left = newest();
    line.again();
    newest().onopen();
    expect(FakeSocket.made.length).toBe(2);
    expect([left.onclose, left.onmessage]).toEqual([null, null]);
    expect(told).toEqual(["opened", "lost", "opened"]);
  });
  it("that was closed stays closed, and hears nothing more", () => {
    const line = connect();
    newest().onopen();
    line.close();
    newest().onmessage({ data: '[{"type":"over"}]' });
    newest().onclose();
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.made.length).toBe(1);
    expect(told).toEqual(["opened"]);
  });
});
