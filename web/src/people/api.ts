// Asks the server's /api/v1, described by its /api/v1/openapi.json. What went wrong is a value, in words for the person.
//
// The browser sends the log-in's cookie by itself; whatever changes something carries the session's CSRF token as well,
// which another site's page cannot know.

import { sentence_of } from "../base/sentence";

export type Answer<T> =
  | { kind: "done"; value: T }
  | { kind: "refused"; status: number; words: string; retry_s: number | null }
  | { kind: "unreachable" };

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

const answer_time_max_ms = 15_000; // a log-in may wait behind 16 others, of 0.13 s each

// Of a question that is held until there is something to say.
export interface Patience {
  time_max_ms?: number;
  stop?: AbortSignal;
}

export class Api {
  csrf: string | null = null;
  readonly #fetch: typeof fetch;

  constructor(fetch_it: typeof fetch = (input, init) => fetch(input, init)) {
    this.#fetch = fetch_it;
  }

  async ask<T>(method: Method, path: string, body?: unknown, { time_max_ms = answer_time_max_ms, stop }: Patience = {}): Promise<Answer<T>> {
    const headers: Record<string, string> = { accept: "application/json" };
    const is_file = body instanceof Blob; // a picture
    if (body !== undefined) headers["content-type"] = is_file ? body.type : "application/json";
    if (method !== "GET" && this.csrf !== null) headers["x-csrf-token"] = this.csrf;
    try {
      const response = await this.#fetch(`/api/v1${path}`, {
        method,
        headers,
        cache: "no-store",
        signal: stop === undefined ? AbortSignal.timeout(time_max_ms) : AbortSignal.any([stop, AbortSignal.timeout(time_max_ms)]),
        ...(body === undefined ? {} : { body: is_file ? body : JSON.stringify(body) }),
      });
      if (!response.ok) return await refusal_of(response);
      const text = await response.text();
      return { kind: "done", value: (text === "" ? null : JSON.parse(text)) as T };
    } catch {
      return { kind: "unreachable" };
    }
  }
}

// A list, as much of it as one answer has; `next` asks for the rest.
export interface Page<T> {
  items: T[];
  next: string | null;
}
export const ask_page = <T>(api: Api, path: string, limit: number, cursor: string | null): Promise<Answer<Page<T>>> =>
  api.ask<Page<T>>("GET", `${path}${path.includes("?") ? "&" : "?"}limit=${limit}${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`);
// A list that is short enough to be all there.
export async function ask_list<T>(api: Api, path: string): Promise<Answer<T[]>> {
  const answer = await api.ask<{ items: T[] }>("GET", path);
  return answer.kind === "done" ? { kind: "done", value: answer.value.items } : answer;
}

// RFC 9457, or whatever stands between us and the server has to say.
async function refusal_of(response: Response): Promise<Answer<never>> {
  let words = "";
  try {
    const problem = JSON.parse(await response.text()) as { detail?: unknown; title?: unknown };
    words = [problem.detail, problem.title].find((one) => typeof one === "string") ?? "";
  } catch {
    // not ours
  }
  const retry_s = Number(response.headers.get("retry-after") ?? NaN);
  return {
    kind: "refused",
    status: response.status,
    words: words === "" ? usual_words(response.status) : sentence_of(words),
    retry_s: Number.isFinite(retry_s) ? retry_s : null,
  };
}

function usual_words(status: number): string {
  if (status === 401) return "You are not logged in.";
  if (status === 403) return "You may not do this.";
  if (status === 404) return "There is no such thing.";
  if (status === 429) return "That was too often. Try again in a while.";
  return "The server cannot do this now. Try again in a while.";
}

// What to tell somebody whose wish was not done; null: it was.
export function trouble_of(answer: Answer<unknown>): string | null {
  switch (answer.kind) {
    case "done":
      return null;
    case "unreachable":
      return "The server does not answer. Is the network there?";
    case "refused":
      return answer.retry_s !== null && answer.retry_s > 0 ? `${answer.words} Try again in ${wait_text(answer.retry_s)}.` : answer.words;
  }
}

const wait_text = (seconds: number) => (seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`);
