// Which moment of media is seen when the picture was stamped with a given time of the server's clock. Most players tell
// that stamp and no media time; the room counts in media time, since that is the same for everybody.
//
// A period is what was sent without a break; each has its own distance between the two (src/media/record.h). The DASH
// manifest has them all: Period@start after availabilityStartTime is the one, presentationTimeOffset the other
// (ISO/IEC 23009-1 5.3.2, 5.3.9.2).

export interface Period {
  start_ms: number; // of media
  wall_ms: number; // the same instant by the server's clock
}

export class Timeline {
  #periods: Period[] = []; // by wall clock

  set(periods: readonly Period[]): void {
    this.#periods = [...periods].sort((a, b) => a.wall_ms - b.wall_ms);
  }

  // null: there is nothing to tell by, or the picture is of before the broadcast.
  media_ms(wall_ms: number): number | null {
    const period = this.#periods.findLast((one) => one.wall_ms <= wall_ms) ?? this.#periods[0];
    if (period === undefined) return null;
    const media_ms = period.start_ms + wall_ms - period.wall_ms;
    return media_ms < 0 ? null : media_ms;
  }
}

// Of a manifest as the server writes it. Empty: it says nothing of the kind.
export function read_periods(manifest: string): Period[] {
  const zero_ms = Date.parse(/availabilityStartTime="([^"]+)"/.exec(manifest)?.[1] ?? "");
  if (Number.isNaN(zero_ms)) return [];
  return [...manifest.matchAll(/<Period\b[^>]*\bstart="PT([\d.]+)S"[^>]*>([\s\S]*?)<\/Period>/g)].map(([, start, content]) => {
    const template = /<SegmentTemplate\b[^>]*>/.exec(content!)?.[0] ?? "";
    const ticks = Number(/presentationTimeOffset="(\d+)"/.exec(template)?.[1] ?? 0);
    const timescale = Number(/timescale="(\d+)"/.exec(template)?.[1] ?? 1);
    return { start_ms: (1000 * ticks) / timescale, wall_ms: zero_ms + 1000 * Number(start) };
  });
}
