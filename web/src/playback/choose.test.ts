import { describe, expect, it } from "vitest";

import { Tier, choose_player } from "./choose";

describe("the player", () => {
  it("is hls.js unless dash.js is wished for", () => {
    for (const native_hls of [true, false]) {
      expect(choose_player(null, { push: true, media_source: true, native_hls })).toBe("hls");
      expect(choose_player("dash", { push: true, media_source: true, native_hls })).toBe("dash");
      expect(choose_player("flash", { push: true, media_source: true, native_hls })).toBe("hls");
    }
  });
  it("is the browser's own only where Media Source Extensions are missing", () => {
    expect(choose_player("dash", { push: false, media_source: false, native_hls: true })).toBe("native");
  });
  it("is none where nothing can play", () => {
    expect(choose_player(null, { push: false, media_source: false, native_hls: false })).toBeNull();
  });
  it("is push where it is wished for and can be", () => {
    expect(choose_player("push", { push: true, media_source: true, native_hls: false })).toBe("push");
    expect(choose_player("push", { push: false, media_source: true, native_hls: false })).toBe("hls");
  });
});

describe("the tier", () => {
  it("is push until push gives way, and again with the next broadcast", () => {
    const tier = new Tier("push");
    expect(tier.player("a.1")).toBe("push");
    tier.gave_way("a.1");
    expect(tier.player("a.1")).toBe("hls");
    expect(tier.player("b.1")).toBe("push");
  });
  it("is what the viewer chooses, push included when it gave way before", () => {
    const tier = new Tier("push");
    tier.gave_way("a.1");
    tier.choose("dash");
    expect(tier.player("a.1")).toBe("dash");
    tier.choose("push");
    expect(tier.player("a.1")).toBe("push");
  });
});
