// What somebody broadcast, and what it came to: of what was public, for everybody.

import { compact } from "../base/count";
import { type Api, ask_page } from "./api";

export interface PastBroadcast {
  id: number;
  title: string;
  started: string;
  ended: string;
  viewers_peak: number;
  viewers_total: number;
  comments: number;
  hearts: number;
}

export const list_past = (api: Api, name: string, cursor: string | null) =>
  ask_page<PastBroadcast>(api, `/people/${encodeURIComponent(name)}/broadcasts`, 10, cursor);

// "1 h 5 min", "12 min", "under a minute"
export function length_text(one: PastBroadcast): string {
  const minutes = Math.floor((Date.parse(one.ended) - Date.parse(one.started)) / 60_000);
  if (!(minutes >= 1)) return "under a minute";
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${minutes} min` : `${hours} h ${minutes % 60} min`;
}

// What it came to; what nobody gave is not said.
export function sums_text(one: PastBroadcast): string {
  const some = (count: number, single: string, several: string) => (count === 0 ? [] : [`${compact(count)} ${count === 1 ? single : several}`]);
  return [
    ...some(one.viewers_peak, "watched at once", "watched at once"),
    ...some(one.hearts, "heart", "hearts"),
    ...some(one.comments, "comment", "comments"),
  ].join(", ");
}
