import { beforeEach, describe, expect, it } from "vitest";

import { type Look, RungChooser } from "./chooser";
import type { Rung } from "./ladder";

const rung = (id: string, height: number, bitrate_bps: number): Rung => ({ id, width: (height * 16) / 9, height, bitrate_bps });
const ladder = [
  rung("video", 1080, 4_500_000),
  rung("720p", 720, 2_200_000),
  rung("480p", 480, 1_100_000),
  rung("240p", 240, 300_000),
];
const by_id = (id: string) => ladder.find((one) => one.id === id)!;
const tick_ms = 200;

let chooser: RungChooser;

// A live edge behind a link: media comes as it is born, in steps, or later by what the link does not carry.
class Link {
  now_ms = 0;
  loading = "480p";
  arrived_s = 0;
  lag_s = 0;
  rungs: readonly Rung[] = ladder;
  lines_shown = 0;
  steps: string[] = []; // each rung that was switched to
  throughput_bps: number | null = null;
  crawling_bps: number | null = null;

  run(seconds: number, capacity_bps: number): void {
    for (const end_ms = this.now_ms + seconds * 1000; this.now_ms < end_ms; this.now_ms += tick_ms) {
      const need_bps = by_id(this.loading).bitrate_bps;
      // Never more than was born; a buffer grows by whole steps.
      this.arrived_s = Math.min(this.now_ms / 1000, this.arrived_s + ((tick_ms / 1000) * capacity_bps) / need_bps);
      this.lag_s = this.now_ms / 1000 - Math.floor(this.arrived_s / 0.3) * 0.3;
      const to = chooser.choose(this.look());
      if (to !== this.loading) this.steps.push(to);
      this.loading = to;
    }
  }

  look(): Look {
    const { now_ms, rungs, loading, lag_s, lines_shown, throughput_bps } = this;
    return { now_ms, rungs, loading, lag_s, ahead_s: 0.5, step_s: 0.3, throughput_bps, crawling_bps: this.crawling_bps, lines_shown };
  }
}

let link: Link;
beforeEach(() => {
  chooser = new RungChooser();
  link = new Link();
});

describe("the automatic choice", () => {
  it("begins neither at the top nor at the bottom", () => expect(chooser.first(ladder, 0)?.id).toBe("480p"));
  it("begins with the lowest of a ladder that has only high rungs", () =>
    expect(chooser.first(ladder.slice(0, 2), 0)?.id).toBe("720p"));
  it("begins where a player that is made anew left off", () => {
    link.run(30, 100e6);
    expect(chooser.first(ladder, 0)?.id).toBe("video");
  });
  it("begins lower where a player was lost, and leaves that rung alone for a while", () => {
    link.run(30, 100e6);
    chooser.lost(link.now_ms);
    expect(chooser.first(ladder, 0)?.id).toBe("720p");
    expect(chooser.first_bps).toBeLessThan(4_500_000);
    link.loading = "720p";
    link.steps = [];
    link.run(7.5, 100e6);
    expect(link.steps).toEqual([]);
    expect(chooser.first(ladder, 0)?.id).toBe("720p");
    link.run(2, 100e6);
    expect(link.steps).toEqual(["video"]);
  });
  it("climbs to the top of a ladder that the network carries, one rung at a time", () => {
    link.run(30, 100e6);
    expect(link.steps).toEqual(["720p", "video"]);
  });
  it("does not leave the lowest rung just after that was not carried", () => {
    link.loading = "240p";
    link.run(6, 200_000);
    expect(link.steps).toEqual([]);
    link.run(3.5, 9_000_000);
    expect(link.steps).toEqual([]);
    link.run(2, 9_000_000);
    expect(link.steps).toEqual(["480p"]);
  });
  it("stays where it is while the buffer only grows in steps", () => {
    link.run(5 * 60, 100e6);
    expect(link.steps).toHaveLength(2);
  });
  it("goes down within a second when the network becomes slow, past rungs that it does not carry", () => {
    link.run(60, 100e6);
    link.steps = [];
    link.run(1, 1_200_000);
    expect(link.steps).toHaveLength(1);
    link.run(4, 1_200_000);
    expect(by_id(link.loading).bitrate_bps).toBeLessThan(1_200_000);
    expect(link.steps).not.toContain("720p");
  });
  it("comes back when the network does", () => {
    link.run(60, 100e6);
    link.run(20, 500_000);
    link.steps = [];
    link.run(20, 100e6);
    expect(link.loading).toBe("video");
    expect(link.steps).toEqual(["480p", "720p", "video"]);
  });
  it("gives up at once what comes too slowly, for what that rate carries", () => {
    link.run(60, 100e6);
    link.crawling_bps = 1_000_000;
    expect(chooser.choose(link.look())).toBe("240p");
  });
  it("takes more delay for a minute after a fall", () => {
    link.run(60, 100e6);
    expect(chooser.caution_s(link.now_ms)).toBe(0);
    link.crawling_bps = 1_000_000;
    chooser.choose(link.look());
    expect(chooser.caution_s(link.now_ms)).toBeGreaterThan(0);
    expect(chooser.caution_s(link.now_ms + 61_000)).toBe(0);
  });
  it("is not moved by what was born late and came in a burst", () => {
    link.run(60, 100e6);
    const steps = link.steps.length;
    const { lag_s } = link;
    for (const late_s of [1.2, 0.8, 0, 0, 0]) {
      link.now_ms += tick_ms / 2;
      link.loading = chooser.choose({ ...link.look(), lag_s: lag_s + late_s });
    }
    link.run(5, 100e6);
    expect(link.steps).toHaveLength(steps);
  });
  it("tries what failed again, but less and less often", () => {
    link.run(10 * 60, 1_500_000);
    const trials = link.steps.filter((id) => id === "720p").length;
    expect(trials).toBeGreaterThan(2);
    expect(trials).toBeLessThan(12);
    expect(link.steps).not.toContain("video");
  });
  it("does not try what the measured throughput forbids", () => {
    link.throughput_bps = 2_000_000;
    link.run(60, 2_000_000);
    expect(link.steps).toEqual([]);
  });
  it("is not moved by a viewer who is paused or watches the past", () => {
    link.run(1, 100e6);
    for (let i = 0; i < 100; ++i) {
      link.now_ms += tick_ms;
      link.lag_s += 0.2;
      expect(chooser.choose({ ...link.look(), ahead_s: 8, lag_s: link.lag_s })).not.toBe("240p");
    }
  });
  it("is not moved by a seek into the past", () => {
    link.run(1, 100e6);
    link.now_ms += tick_ms;
    expect(chooser.choose({ ...link.look(), lag_s: 20 })).toBe("480p");
  });
  it("loads no more lines than are shown, but fills the picture", () => {
    link.lines_shown = 400;
    link.run(60, 100e6);
    expect(link.steps).toEqual([]);
    link.lines_shown = 500;
    link.run(60, 100e6);
    expect(link.loading).toBe("720p");
    link.lines_shown = 200;
    link.run(1, 100e6);
    expect(link.loading).toBe("240p");
  });
  it("leaves a rung that has gone from the manifest at once for the next lower one, and comes back to it", () => {
    link.run(60, 100e6);
    link.rungs = ladder.slice(1);
    link.run(0.2, 100e6);
    expect(link.loading).toBe("720p");
    link.rungs = ladder;
    link.run(10, 100e6);
    expect(link.loading).toBe("video");
  });
  it("leaves a rung with a gap at once and looks again, less often while the gap lasts", () => {
    link.run(60, 100e6);
    let looks = 0;
    for (let i = 0; i < 60; ++i) {
      if (link.loading === "video") {
        looks += 1;
        chooser.leave_absent("video", link.now_ms);
      }
      link.run(1, 100e6);
    }
    expect(looks).toBeGreaterThan(1);
    expect(looks).toBeLessThan(6);
    link.run(60, 100e6);
    expect(link.loading).toBe("video");
  });
  it("stays when every rung has a gap", () => {
    for (const one of ladder) chooser.leave_absent(one.id, 0);
    expect(chooser.choose(link.look())).toBe("480p");
  });
});
