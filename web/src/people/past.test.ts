import { expect, test } from "vitest";

import { length_text, sums_text } from "./past";

const past = (minutes: number, counts = {}) => ({
  id: 1,
  title: "",
  started: "2026-01-02T03:00:00.000Z",
  ended: new Date(Date.UTC(2026, 0, 2, 3, minutes)).toISOString(),
  viewers_peak: 0,
  viewers_total: 0,
  comments: 0,
  hearts: 0,
  ...counts,
});

test("how long it was is told as people say it", () => {
  expect([0, 1, 59, 60, 125].map((minutes) => length_text(past(minutes)))).toEqual(["under a minute", "1 min", "59 min", "1 h 0 min", "2 h 5 min"]);
  expect(length_text({ ...past(1), ended: "nonsense" })).toBe("under a minute");
});

test("what it came to is told, and what nobody gave is not", () => {
  expect(sums_text(past(1))).toBe("");
  expect(sums_text(past(1, { viewers_peak: 12, hearts: 1, comments: 3 }))).toBe("12 watched at once, 1 heart, 3 comments");
});
