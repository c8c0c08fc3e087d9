// Who is on air: /live/index.json, asked for again and again while the home page is open.

import { type Backoff, backoff } from "../base/backoff";

export interface ChannelEntry {
  name: string;
  state: string;
}

const refresh_ms = 5_000;

export function parse_channels(value: unknown): ChannelEntry[] {
  const list = typeof value === "object" && value !== null ? (value as { channels?: unknown }).channels : null;
  if (!Array.isArray(list)) return [];
  return list.filter(
    (one: unknown): one is ChannelEntry =>
      typeof one === "object" && one !== null && "name" in one && typeof one.name === "string" && "state" in one,
  );
}

// Tells the list, or null while the server cannot be reached. Stops when the returned function is called.
export function follow_channels(
  tell: (channels: ChannelEntry[] | null) => void,
  waits: Backoff = backoff(1_000, 15_000),
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  async function ask() {
    let wait_ms = refresh_ms;
    try {
      const response = await fetch("/live/index.json", { cache: "no-store", signal: AbortSignal.timeout(10_000) });
      if (!response.ok) throw new Error(`status ${response.status}`);
      const channels = parse_channels(await response.json());
      if (!stopped) tell(channels);
      waits.reset();
    } catch {
      if (!stopped) tell(null);
      wait_ms = waits.next_ms();
    }
    if (!stopped) timer = setTimeout(() => void ask(), wait_ms);
  }
  void ask();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
