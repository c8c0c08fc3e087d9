// Who went live of those whom somebody follows, as /api/v1/notices has them. One page of a browser asks for all of its
// pages: the question is held until there is something to say, and of such a browser has six to spend on a server.

import { type Backoff, backoff } from "../base/backoff";
import type { Answer } from "./api";

export interface Notice {
  id: number;
  at: string;
  channel: string;
  display_name: string;
  title: string;
  live: boolean;
  seen: boolean;
}
export interface Notices {
  items: Notice[];
  cursor: string; // to ask with for newer ones
}

export const notices_max = 20; // that a bell shows

// The newest first, each once, as it was told last.
export function merged(kept: readonly Notice[], fresh: readonly Notice[]): Notice[] {
  const ids = new Set(fresh.map((one) => one.id));
  return [...fresh, ...kept.filter((one) => !ids.has(one.id))]
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at) || b.id - a.id)
    .slice(0, notices_max);
}

export const unseen = (notices: readonly Notice[]) => notices.filter((one) => !one.seen).length;

// "just now", "12 min ago", "3 h ago", "2 days ago"
export function age_text(at: string, now_ms: number): string {
  const minutes = Math.max(0, Math.floor((now_ms - Date.parse(at)) / 60_000));
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 60 * 24) return `${Math.floor(minutes / 60)} h ago`;
  const days = Math.floor(minutes / 60 / 24);
  return days === 1 ? "yesterday" : `${days} days ago`;
}

export type AskNotices = (after: string | null, stop: AbortSignal) => Promise<Answer<Notices>>;

// Asks again and again until `stop` is aborted, or nobody is logged in any more. What comes first is how things are, the
// rest is news.
export async function follow_notices(
  ask: AskNotices,
  tell: (notices: Notice[], what: "first" | "news") => void,
  stop: AbortSignal,
  pause: (ms: number, stop: AbortSignal) => Promise<void> = pause_for,
  waits: Backoff = backoff(2_000, 60_000),
): Promise<void> {
  let cursor: string | null = null;
  while (!stop.aborted) {
    const answer: Answer<Notices> = await ask(cursor, stop);
    if (stop.aborted) return;
    if (answer.kind === "refused" && answer.status >= 400 && answer.status < 429) return;
    if (answer.kind !== "done") {
      const asked_ms = answer.kind === "refused" && answer.retry_s !== null ? answer.retry_s * 1_000 : 0;
      await pause(Math.max(asked_ms, waits.next_ms()), stop);
      continue;
    }
    waits.reset();
    tell(answer.value.items, cursor === null ? "first" : "news");
    cursor = answer.value.cursor;
  }
}

const pause_for = (ms: number, stop: AbortSignal) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    stop.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
