import { describe, expect, it } from "vitest";

import type { Rung } from "../playback/ladder";
import { type Ladder, menu_entries, menu_label, step_in_menu } from "./quality_menu";

const rungs: Rung[] = [
  { id: "video", width: 1920, height: 1080, bitrate_bps: 4e6 },
  { id: "480p", width: 854, height: 480, bitrate_bps: 1e6 },
];
const ladder = (more: Partial<Ladder> = {}): Ladder => ({ rungs, has_audio_only: true, choice: "auto", shown: "480p", ...more });
const checked = (one: Ladder) => menu_entries(one).filter((entry) => entry.checked).map((entry) => entry.choice);

describe("the quality menu", () => {
  it("offers automatic, every rung from the highest down, and the sound alone", () =>
    expect(menu_entries(ladder()).map((entry) => entry.label)).toEqual(["Auto", "1080p source", "480p", "Audio only"]));
  it("says what automatic plays now", () => {
    expect(menu_label(ladder())).toBe("Auto 480p");
    expect(menu_entries(ladder())[0]!.about).toBe("480p");
    expect(menu_label(ladder({ shown: null }))).toBe("Auto");
  });
  it("says what was chosen, though another is still on the screen", () => {
    expect(menu_label(ladder({ choice: "video" }))).toBe("1080p");
    expect(menu_label(ladder({ choice: "audio-only" }))).toBe("Audio only");
  });
  it("has one entry checked", () => {
    for (const choice of ["auto", "video", "480p", "audio-only"]) expect(checked(ladder({ choice }))).toEqual([choice]);
  });
  it("takes a choice that this broadcast does not offer for automatic", () => {
    expect(checked(ladder({ choice: "720p" }))).toEqual(["auto"]);
    expect(checked(ladder({ choice: "audio-only", has_audio_only: false }))).toEqual(["auto"]);
    expect(menu_label(ladder({ choice: "720p" }))).toBe("Auto 480p");
  });
  it("is not there when there is nothing to choose", () => {
    expect(menu_entries(ladder({ rungs: [] }))).toEqual([]);
    expect(menu_entries(ladder({ rungs: rungs.slice(1), has_audio_only: false }))).toEqual([]);
  });
  it("is walked through by arrows, round its ends", () => {
    expect(["ArrowDown", "ArrowUp", "Home", "End", "x"].map((key) => step_in_menu(key, 0, 3))).toEqual([1, 2, 0, 2, null]);
    expect(step_in_menu("ArrowDown", 2, 3)).toBe(0);
    expect(step_in_menu("ArrowDown", -1, 3)).toBe(0);
    expect(step_in_menu("ArrowUp", -1, 3)).toBe(2);
  });
});
