// The storyboard of a broadcast: WebVTT whose cues name a picture each, for looking back before going there.

export interface Storyboard {
  zero_ms: number; // wall-clock time, as the server stamps it, from which its times count
  tiles: Tile[]; // in order
}

export interface Tile {
  start_s: number;
  end_s: number;
  address: string;
}

const zero_note = /^NOTE PROGRAM-DATE-TIME=(\S+) is 00:00:00\.000$/m;
const cue_times = /^((?:\d+:)?\d{2}:\d{2}\.\d{3})\s+-->\s+((?:\d+:)?\d{2}:\d{2}\.\d{3})/;

function seconds_of(time: string): number {
  return time.split(":").reduce((sum, field) => sum * 60 + Number(field), 0);
}

// `address`: of the file, against which its pictures are named. What is not understood is passed over; null: it does
// not say when it begins.
export function parse_storyboard(text: string, address: string): Storyboard | null {
  const zero_ms = Date.parse(zero_note.exec(text.replaceAll("\r\n", "\n"))?.[1] ?? "");
  if (Number.isNaN(zero_ms)) return null;
  const tiles: Tile[] = [];
  for (const block of text.replaceAll("\r\n", "\n").split(/\n{2,}/)) {
    const lines = block.split("\n");
    const at = lines.findIndex((line) => cue_times.test(line));
    const times = at < 0 ? null : cue_times.exec(lines[at]!);
    const name = lines[at + 1]?.trim();
    if (times === null || !name) continue;
    try {
      tiles.push({ start_s: seconds_of(times[1]!), end_s: seconds_of(times[2]!), address: new URL(name, address).href });
    } catch {
      // not an address
    }
  }
  return { zero_ms, tiles: tiles.sort((a, b) => a.start_s - b.start_s) };
}

// The last tile that begins at or before this wall-clock time, or the first.
export function tile_at({ zero_ms, tiles }: Storyboard, at_ms: number): Tile | null {
  const at_s = (at_ms - zero_ms) / 1000;
  return tiles.findLast((tile) => tile.start_s <= at_s) ?? tiles[0] ?? null;
}
