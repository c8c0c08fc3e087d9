import { describe, expect, it } from "vitest";

import { ServerClock } from "./server_clock";

describe("the server's clock", () => {
  it("is unknown before anyone asked", () => expect(new ServerClock().now_ms(1000)).toBeNull());

  it("is read half a round trip after the question", () => {
    const clock = new ServerClock();
    clock.add({ sent_ms: 1000, received_ms: 1100, server_ms: 61_050 });
    expect(clock.now_ms(2000)).toBe(62_000);
  });

  it("believes the shortest round trip", () => {
    const clock = new ServerClock();
    clock.add({ sent_ms: 0, received_ms: 20, server_ms: 1010 });
    clock.add({ sent_ms: 100, received_ms: 900, server_ms: 1110 });
    expect(clock.now_ms(0)).toBe(1000);
  });

  it("believes a new round after forgetting how good the old one was", () => {
    const clock = new ServerClock();
    clock.add({ sent_ms: 0, received_ms: 2, server_ms: 1001 });
    clock.forget_quality();
    clock.add({ sent_ms: 0, received_ms: 50, server_ms: 5025 });
    expect(clock.now_ms(0)).toBe(5000);
  });

  it("ignores an answer that is no time", () => {
    const clock = new ServerClock();
    clock.add({ sent_ms: 0, received_ms: 2, server_ms: NaN });
    expect(clock.now_ms(0)).toBeNull();
  });
});
