// The rungs that a broadcast can be watched on, and what a viewer may choose of them.

export interface Rung {
  id: string; // the name of its track in addresses: the same to every player
  width: number;
  height: number;
  bitrate_bps: number;
}

// A rung's id, or that the player shall decide, or no picture at all.
export type Choice = string;
export const automatic: Choice = "auto";
export const audio_only: Choice = "audio-only";

// What arrived from the camera, passed on untouched.
const source_id = "video";

// The track whose playlist this is: "720p" of "/live/ada/7.1/720p.m3u8?token=x".
export function track_of(address: string): string {
  const path = address.replace(/[?#].*$/s, "");
  return path.slice(path.lastIndexOf("/") + 1).replace(/\.m3u8$/, "");
}

// What a multivariant playlist offers, for who plays something else.
export function rungs_in(playlist: string): { rungs: Rung[]; has_audio_only: boolean } {
  const rungs = new Map<string, Rung>(); // a track is listed once for each group of sound
  let has_audio_only = /^#EXT-X-MEDIA:(?=.*TYPE=AUDIO).*\bURI=/m.test(playlist);
  for (const [, attributes, address] of playlist.matchAll(/^#EXT-X-STREAM-INF:(.*)\r?\n([^#\s].*)$/gm)) {
    const [, width, height] = /\bRESOLUTION=(\d+)x(\d+)/.exec(attributes!) ?? [];
    const bandwidth = /(?:^|,)BANDWIDTH=(\d+)/.exec(attributes!)?.[1];
    const id = track_of(address!.trim());
    if (width === undefined) has_audio_only = true;
    else rungs.set(id, { id, width: Number(width), height: Number(height), bitrate_bps: Number(bandwidth ?? 0) });
  }
  return { rungs: highest_first([...rungs.values()]), has_audio_only: has_audio_only && rungs.size > 0 };
}

// "720p": the shorter side, so that a phone held upright says the same as one held sideways.
export function size_label(rung: Rung): string {
  const lines = rung.width > 0 ? Math.min(rung.width, rung.height) : rung.height;
  return lines > 0 ? `${lines}p` : bitrate_label(rung.bitrate_bps);
}

export function rung_label(rung: Rung, rungs: readonly Rung[]): string {
  const size = size_label(rung);
  if (rung.id === source_id && rungs.length > 1) return `${size} source`;
  const twins = rungs.filter((other) => other.id !== source_id && size_label(other) === size);
  return twins.length > 1 ? `${size} ${bitrate_label(rung.bitrate_bps)}` : size;
}

function bitrate_label(bps: number): string {
  return bps < 1e6 ? `${Math.round(bps / 1000)} kbit/s` : `${(bps / 1e6).toFixed(1)} Mbit/s`;
}

export function highest_first(rungs: readonly Rung[]): Rung[] {
  return [...rungs].sort((a, b) => b.height - a.height || b.bitrate_bps - a.bitrate_bps);
}
