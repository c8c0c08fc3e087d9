import { describe, expect, it } from "vitest";

import { choose_player } from "./choose";

describe("the player", () => {
  it("is hls.js unless dash.js is wished for", () => {
    for (const native_hls of [true, false]) {
      expect(choose_player(null, { media_source: true, native_hls })).toBe("hls");
      expect(choose_player("dash", { media_source: true, native_hls })).toBe("dash");
      expect(choose_player("flash", { media_source: true, native_hls })).toBe("hls");
    }
  });
  it("is the browser's own only where Media Source Extensions are missing", () => {
    expect(choose_player("dash", { media_source: false, native_hls: true })).toBe("native");
  });
  it("is none where nothing can play", () => {
    expect(choose_player(null, { media_source: false, native_hls: false })).toBeNull();
  });
});
