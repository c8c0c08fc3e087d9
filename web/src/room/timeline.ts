// Which moment of media is seen when the picture was stamped at a given time of the server's clock. Players tell that
// stamp and none tells media time; the room counts in media time, since that is the same for everybody.
//
// A period is what was sent without a break; each has its own distance between the two (src/media/record.h).

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
