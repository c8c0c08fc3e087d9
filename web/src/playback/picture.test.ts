import { describe, expect, it } from "vitest";

import { Picture, Seam, Standing, Thaw, hole_end_s } from "./picture";

const at = (currentTime: number, more = {}) => ({ currentTime, paused: false, ended: false, seeking: false, ...more });

describe("a picture", () => {
  it("is loading until it first moves", () => {
    const picture = new Picture();
    expect(picture.look(at(0), 0)).toBe("loading");
    expect(picture.look(at(0), 5000)).toBe("loading");
    expect(picture.look(at(0.2), 5250)).toBe("playing");
  });
  it("does not move by a seek to where playing starts", () => {
    const picture = new Picture();
    picture.look(at(0), 0);
    expect(picture.look(at(1000, { seeking: true }), 250)).toBe("loading");
    expect(picture.look(at(1000), 500)).toBe("loading");
    expect(picture.look(at(1000.2), 750)).toBe("playing");
  });
  it("stalls when it has stood for more than half a second, and moves again", () => {
    const picture = new Picture();
    picture.look(at(1), 0);
    expect(picture.look(at(1.2), 250)).toBe("playing");
    expect(picture.look(at(1.2), 500)).toBe("playing");
    expect(picture.look(at(1.2), 900)).toBe("stalled");
    expect(picture.look(at(1.4), 1150)).toBe("playing");
  });
  it("is paused, not stalled, when the viewer pauses it", () => {
    const picture = new Picture();
    picture.look(at(1), 0);
    picture.look(at(1.2), 250);
    expect(picture.look(at(1.2, { paused: true }), 9000)).toBe("paused");
    expect(picture.look(at(1.2), 9250)).toBe("playing");
  });
  it("is drained at its end", () => expect(new Picture().look(at(9, { ended: true }), 0)).toBe("drained"));
});

describe("a hole in what is buffered", () => {
  const after_a_lost_line = [
    { start_s: 544, end_s: 567.89 },
    { start_s: 568, end_s: 568.32 },
  ];
  it("is left before the element stops at it, with a twentieth of a second in hand", () => {
    expect(hole_end_s(after_a_lost_line, 567.84)).toBe(568);
    expect(hole_end_s(after_a_lost_line, 567.75)).toBe(568);
    expect(hole_end_s(after_a_lost_line, 567.95)).toBe(568);
  });
  it("is nothing to hurry for while there is more to show", () => expect(hole_end_s(after_a_lost_line, 567)).toBeNull());
  it("is not where everything was shown that has come", () => {
    expect(hole_end_s(after_a_lost_line, 568.3)).toBeNull();
    expect(hole_end_s(after_a_lost_line, 569)).toBeNull();
    expect(hole_end_s([], 1)).toBeNull();
  });
});

describe("the seam between two rungs", () => {
  // Segments of a second, parts of 200 ms: the rung changes in the segment that begins at 10, and is there at once.
  const seam_of = (rungs: [string, string], end_s: number) => {
    const seam = new Seam();
    seam.appended(rungs[0], 9, 10);
    seam.look(720, 9.1);
    for (let at_s = 10.2; at_s < end_s + 0.01; at_s += 0.2) seam.appended(rungs[1], Math.floor(at_s - 0.01), at_s);
    return seam;
  };
  it("needs one seek where its key frame is behind", () => {
    const seam = seam_of(["high", "low"], 10.6);
    expect(seam.look(720, 10.25)).toBe(true);
    expect(seam.look(720, 10.3)).toBe(false);
  });
  it("waits until the new pictures reach beyond what is shown", () => expect(seam_of(["high", "low"], 10.2).look(720, 10.25)).toBe(false));
  it("needs none where the new rung shows by itself", () => {
    const seam = seam_of(["high", "low"], 10.6);
    expect(seam.look(720, 9.9)).toBe(false);
    expect(seam.look(720, 10.02)).toBe(false);
    expect(seam.look(240, 10.06)).toBe(false);
    expect(seam.look(240, 10.25)).toBe(false);
  });
  it("needs one where the player had read beyond its key frame", () => {
    const seam = seam_of(["high", "low"], 10.6);
    expect(seam.look(720, 9.9)).toBe(false);
    expect(seam.look(720, 10.06)).toBe(true);
  });
  it("needs none just before the next key frame", () => expect(seam_of(["high", "low"], 11.4).look(720, 10.95)).toBe(false));
  it("is none where the rung is the same", () => expect(seam_of(["low", "low"], 10.6).look(720, 10.25)).toBe(false));
});

describe("a picture that stands while the sound goes on", () => {
  const looks = (frames: (i: number) => number, time_s: (i: number) => number, ahead_s = 0.5) => {
    const thaw = new Thaw();
    return Array.from({ length: 12 }, (_, i) => thaw.look(frames(i), time_s(i), ahead_s, 100 * i)).filter((seek) => seek).length;
  };
  const stands = () => 7;
  const goes_on = (i: number) => 0.1 * i;
  it("is thawed by one seek", () => expect(looks(stands, goes_on)).toBe(1));
  it("is left alone when it moves", () => expect(looks((i) => i, goes_on)).toBe(0));
  it("is left alone when all stands", () => expect(looks(stands, () => 3)).toBe(0));
  it("is left alone when there is nothing to show", () => expect(looks(stands, goes_on, 0)).toBe(0));
});

describe("a picture that stands", () => {
  it("is told once, after a quarter of a second, and again when it stands anew", () => {
    const standing = new Standing();
    const told = [0, 100, 200, 300, 400, 900].map((now_ms) => standing.look(at(3), now_ms));
    expect(told).toEqual([false, false, false, true, false, false]);
    expect([1_000, 1_300].map((now_ms) => standing.look(at(4), now_ms))).toEqual([false, true]);
  });
  it("is none where the viewer or a seek holds it, or all has been shown", () => {
    for (const held of [{ paused: true }, { seeking: true }, { ended: true }]) {
      const standing = new Standing();
      expect([0, 300, 600].map((now_ms) => standing.look(at(3, held), now_ms))).toEqual([false, false, false]);
      expect(standing.look(at(3), 700)).toBe(false);
    }
  });
});
