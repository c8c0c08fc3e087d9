import { expect, test } from "vitest";

import type { Answer } from "./api";
import { type Notice, type Notices, age_text, follow_notices, merged, notices_max, unseen } from "./notices";

const notice = (id: number, at_s: number, more: Partial<Notice> = {}): Notice => ({
  id,
  at: new Date(at_s * 1000).toISOString(),
  channel: "ada",
  display_name: "Ada",
  title: "",
  live: true,
  seen: false,
  ...more,
});

test("the newest stands first, each once, as it was told last", () => {
  const kept = [notice(3, 30), notice(1, 10)];
  const all = merged(kept, [notice(1, 10, { live: false }), notice(4, 40), notice(2, 20)]);
  expect(all.map((one) => one.id)).toEqual([4, 3, 2, 1]);
  expect(all[3]!.live).toBe(false);
  const many = Array.from({ length: 50 }, (_, i) => notice(i, i));
  expect(merged([], many).map((one) => one.id)).toEqual(Array.from({ length: notices_max }, (_, i) => 49 - i));
  expect(unseen([notice(1, 1), notice(2, 2, { seen: true })])).toBe(1);
});

test("a time is told as people say it", () => {
  const now = Date.UTC(2026, 0, 10);
  const ago = (minutes: number) => age_text(new Date(now - minutes * 60_000).toISOString(), now);
  expect([ago(-1), ago(0.5), ago(12), ago(61), ago(60 * 24), ago(60 * 24 * 3)]).toEqual([
    "just now",
    "just now",
    "12 min ago",
    "1 h ago",
    "yesterday",
    "3 days ago",
  ]);
});

test("what comes first is how things are, the rest is news, and each question says what is known", async () => {
  const stop = new AbortController();
  const answers: Answer<Notices>[] = [
    { kind: "done", value: { items: [notice(1, 1)], cursor: "1-1" } },
    { kind: "unreachable" },
    { kind: "refused", status: 503, words: "", retry_s: 60 },
    { kind: "done", value: { items: [], cursor: "1-1" } },
    { kind: "done", value: { items: [notice(2, 2)], cursor: "2-2" } },
    { kind: "refused", status: 401, words: "", retry_s: null },
  ];
  const asked: (string | null)[] = [];
  const told: [number[], string][] = [];
  const pauses: number[] = [];
  await follow_notices(
    async (after) => (asked.push(after), answers.shift()!),
    (items, what) => told.push([items.map((one) => one.id), what]),
    stop.signal,
    async (ms) => void pauses.push(ms),
  );
  expect(asked).toEqual([null, "1-1", "1-1", "1-1", "1-1", "2-2"]);
  expect(told).toEqual([
    [[1], "first"],
    [[], "news"],
    [[2], "news"],
  ]);
  expect(pauses[0]).toBeLessThanOrEqual(2_000);
  expect(pauses[1]).toBe(60_000);
});

test("whoever stops is told nothing more", async () => {
  const stop = new AbortController();
  let told = 0;
  await follow_notices(
    async () => (stop.abort(), { kind: "done", value: { items: [], cursor: "1-1" } }),
    () => told++,
    stop.signal,
  );
  expect(told).toBe(0);
});
