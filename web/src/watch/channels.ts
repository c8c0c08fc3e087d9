// Who is on air, asked for again and again while the home page is open: as /api/v1/live has it where there are people, or
// /live/index.json, which knows names and states.

import { type Backoff, backoff } from "../base/backoff";
import type { Api } from "../people/api";

export interface LiveEntry {
  name: string; // of the channel
  state: "live" | "paused";
  shown_as: string | null; // whose it is
  title: string | null;
  viewers: number | null;
  following: boolean;
}

const refresh_ms = 5_000;

const text_or_null = (value: unknown) => (typeof value === "string" && value !== "" ? value : null);
const is_object = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
const list_in = (value: unknown, name: string): Record<string, unknown>[] => {
  const list = is_object(value) ? value[name] : null;
  return Array.isArray(list) ? list.filter(is_object) : [];
};

export const read_channels = (value: unknown): LiveEntry[] =>
  list_in(value, "channels").flatMap(({ name, state }) =>
    typeof name === "string" && (state === "live" || state === "paused")
      ? [{ name, state, shown_as: null, title: null, viewers: null, following: false }]
      : [],
  );

export const read_live = (value: unknown): LiveEntry[] =>
  list_in(value, "items").flatMap(({ channel, display_name, title, viewers, following }) =>
    typeof channel === "string"
      ? [
          {
            name: channel,
            state: "live",
            shown_as: text_or_null(display_name),
            title: text_or_null(title),
            viewers: typeof viewers === "number" ? viewers : null,
            following: following === true,
          },
        ]
      : [],
  );

// Those whom the viewer follows first, then as the server has them.
export const following_first = (list: readonly LiveEntry[]): LiveEntry[] => [
  ...list.filter((one) => one.following),
  ...list.filter((one) => !one.following),
];

async function ask_index(): Promise<unknown> {
  const response = await fetch("/live/index.json", { cache: "no-store", signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.json();
}
export const ask_channels = async () => read_channels(await ask_index());
// Of all channels, on air or not.
export const follow_names = (tell: (names: string[] | null) => void) =>
  follow_list(async () => list_in(await ask_index(), "channels").flatMap(({ name }) => (typeof name === "string" ? [name] : [])), tell);

export async function ask_live(api: Api): Promise<LiveEntry[]> {
  const answer = await api.ask<unknown>("GET", "/live");
  if (answer.kind !== "done") throw new Error(answer.kind);
  return read_live(answer.value);
}

// Tells the list, or null while the server cannot be reached. Stops when the returned function is called.
export function follow_list<T>(
  ask: () => Promise<T[]>,
  tell: (list: T[] | null) => void,
  waits: Backoff = backoff(1_000, 15_000),
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  async function look() {
    let wait_ms = refresh_ms;
    try {
      const list = await ask();
      if (!stopped) tell(list);
      waits.reset();
    } catch {
      if (!stopped) tell(null);
      wait_ms = waits.next_ms();
    }
    if (!stopped) timer = setTimeout(() => void look(), wait_ms);
  }
  void look();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
