import { describe, expect, it } from "vitest";

import { type Known, delay_text, on_air_text, view_of } from "./view";

const known = (more: Partial<Known> = {}): Known => ({
  can_play: true, channel: "live", reachable: true, playback: "playing", delay_s: 1.1, target_s: 0.6, ...more,
});

describe("the page", () => {
  it("says nothing definite before it knows anything", () => {
    expect(view_of(known({ channel: null, playback: "closed" }))).toBe("connecting");
  });
  it("says what the server says while there is no picture", () => {
    for (const channel of ["missing", "offline", "paused", "ended"] as const)
      expect(view_of(known({ channel, playback: "closed" }))).toBe(channel);
    expect(view_of(known({ playback: "closed" }))).toBe("loading");
  });
  it("is live near the target, and behind when far from it", () => {
    expect(view_of(known())).toBe("live");
    expect(view_of(known({ delay_s: 3 }))).toBe("live");
    expect(view_of(known({ delay_s: 3.2 }))).toBe("behind");
  });
  it("does not call a viewer behind whose delay is unknown", () => expect(view_of(known({ delay_s: null }))).toBe("live"));
  it("believes a moving picture, whatever else fails", () => {
    expect(view_of(known({ reachable: false }))).toBe("live");
    expect(view_of(known({ channel: "ended" }))).toBe("live");
    expect(view_of(known({ channel: "paused" }))).toBe("live");
  });
  it("says that it reconnects once the picture stands and the server is away", () => {
    expect(view_of(known({ reachable: false, playback: "stalled" }))).toBe("reconnecting");
    expect(view_of(known({ reachable: false, playback: "closed", channel: null }))).toBe("reconnecting");
    expect(view_of(known({ playback: "failed" }))).toBe("reconnecting");
  });
  it("tells the viewer's pause from the publisher's", () => {
    expect(view_of(known({ playback: "paused" }))).toBe("held");
    expect(view_of(known({ playback: "stalled", channel: "paused" }))).toBe("paused");
  });
  it("lets a viewer who paused see the rest of what has ended", () => {
    expect(view_of(known({ playback: "paused", channel: "ended" }))).toBe("held");
    expect(view_of(known({ playback: "drained", channel: "ended" }))).toBe("ended");
  });
  it("says so when the browser cannot play at all, and not before there is something to play", () => {
    expect(view_of(known({ can_play: false, playback: "closed" }))).toBe("unsupported");
    expect(view_of(known({ can_play: false, playback: "closed", channel: "offline" }))).toBe("offline");
  });
});

describe("a delay", () => {
  it("is told as exactly as it is useful", () => {
    expect([-0.1, 0.94, 9.94, 9.96, 89, 90, 200].map(delay_text)).toEqual([
      "0.0 s", "0.9 s", "9.9 s", "10 s", "89 s", "2 min", "3 min",
    ]);
  });
});

describe("the time on air", () => {
  it("is told in the two largest units", () => {
    expect([-1, 0, 59.9, 60, 3599, 3600, 7500].map(on_air_text)).toEqual([
      "0 s", "0 s", "59 s", "1 min", "59 min", "1 h 00 min", "2 h 05 min",
    ]);
  });
});
