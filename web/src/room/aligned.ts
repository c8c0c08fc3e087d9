// Things that belong to a moment of media, kept until the viewer's screen shows it.
//
// What comes for a moment that has passed is due at once; while nobody knows what the screen shows, so is everything: it
// is better early than never. A viewer who paused lets things wait; beyond `most` the earliest are due, so that the page
// of a picture that stands for hours holds no more than that.

export class Aligned<T> {
  readonly #most: number;
  #waiting: { at_ms: number; item: T }[] = []; // by moment, and by arrival within it

  constructor(most: number) {
    this.#most = most;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  add(item: T, at_ms: number): void {
    let place = this.#waiting.length;
    while (place > 0 && this.#waiting[place - 1]!.at_ms > at_ms) --place;
    this.#waiting.splice(place, 0, { at_ms, item });
  }

  // `screen_ms`: the moment on the screen; null: nobody knows.
  due(screen_ms: number | null): T[] {
    let count = Math.max(0, this.#waiting.length - this.#most);
    while (count < this.#waiting.length && (screen_ms === null || this.#waiting[count]!.at_ms <= screen_ms)) ++count;
    return this.#waiting.splice(0, count).map((one) => one.item);
  }

  drop(unwanted: (item: T) => boolean): void {
    this.#waiting = this.#waiting.filter((one) => !unwanted(one.item));
  }
}
