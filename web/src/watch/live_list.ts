// Who is on air, as the home page lists it: those whom the viewer follows first, then as the server has them.

import type { ChannelEntry } from "./channels";

export interface LiveEntry {
  name: string; // of the channel
  state: "live" | "paused";
  shown_as: string | null;
  title: string | null;
  viewers: number | null;
  following: boolean;
}

// Of /live/index.json, which knows names and states.
export const of_channels = (channels: readonly ChannelEntry[]): LiveEntry[] =>
  channels.flatMap(({ name, state }) =>
    state === "live" || state === "paused" ? [{ name, state, shown_as: null, title: null, viewers: null, following: false }] : [],
  );

export const following_first = (list: readonly LiveEntry[]): LiveEntry[] => [
  ...list.filter((one) => one.following),
  ...list.filter((one) => !one.following),
];
