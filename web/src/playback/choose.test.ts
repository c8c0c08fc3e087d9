import { describe, expect, it } from "vitest";

import { type Support, means_of, wish_of } from "./choose";

const everything: Support = { push: true, media_source: true, managed_media_source: true, native_hls: true };
const with_less = (less: Partial<Support>) => ({ ...everything, ...less });

describe("what plays", () => {
  it("is push, then dash.js with low latency, then without", () => {
    expect(means_of(null, everything)).toEqual({ tiers: ["push", "low_latency", "plain"], manner: "moves", over_http: "dash" });
    expect(means_of(null, with_less({ push: false }))?.tiers).toEqual(["low_latency", "plain"]);
  });
  it("is what is wished for, and nothing else", () => {
    expect(means_of("dash", everything)).toEqual({ tiers: ["low_latency"], manner: "stays", over_http: "dash" });
    expect(means_of("hls", everything)).toEqual({ tiers: ["low_latency"], manner: "stays", over_http: "hls" });
    expect(means_of("plain", everything)).toEqual({ tiers: ["plain"], manner: "stays", over_http: "dash" });
  });
  it("is push where that is wished for, and something else only where it cannot be had", () => {
    expect(means_of("push", everything)).toEqual({ tiers: ["push", "low_latency", "plain"], manner: "stays", over_http: "dash" });
    expect(means_of("push", with_less({ push: false }))?.tiers).toEqual(["low_latency", "plain"]);
  });
  it("is hls.js on iPhones, and the browser's own player only where Media Source Extensions are missing", () => {
    const phone = with_less({ push: false, media_source: false });
    expect(means_of("dash", phone)).toEqual({ tiers: ["low_latency"], manner: "moves", over_http: "hls" });
    expect(means_of(null, { ...phone, managed_media_source: false })?.over_http).toBe("native");
  });
  it("is nothing where nothing can play", () => {
    expect(means_of(null, { push: false, media_source: false, managed_media_source: false, native_hls: false })).toBeNull();
  });
});

describe("a wish", () => {
  it("is one of those that there are", () => {
    expect(["push", "dash", "hls", "plain"].map(wish_of)).toEqual(["push", "dash", "hls", "plain"]);
    expect(wish_of("flash")).toBeNull();
    expect(wish_of(null)).toBeNull();
  });
});
