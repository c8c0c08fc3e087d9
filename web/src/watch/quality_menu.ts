// What the quality menu offers and says, from the ladder and what the viewer chose.

import { type Choice, type Rung, audio_only, automatic, rung_label, size_label } from "../playback/ladder";

export interface MenuEntry {
  choice: Choice;
  label: string;
  about: string;
  checked: boolean;
}

export interface Ladder {
  rungs: readonly Rung[]; // highest first
  has_audio_only: boolean;
  choice: Choice;
  shown: string | null; // the rung on the screen
}

// A choice that this broadcast does not offer counts as automatic.
function effective_choice({ rungs, has_audio_only, choice }: Ladder): Choice {
  const offered = choice === audio_only ? has_audio_only : rungs.some((rung) => rung.id === choice);
  return offered ? choice : automatic;
}

// Empty: there is nothing to choose.
export function menu_entries(ladder: Ladder): MenuEntry[] {
  const { rungs, has_audio_only, shown } = ladder;
  if (rungs.length < 2 && !(has_audio_only && rungs.length > 0)) return [];
  const choice = effective_choice(ladder);
  const entry = (one: Choice, label: string, about = ""): MenuEntry => ({ choice: one, label, about, checked: one === choice });
  const now = rungs.find((rung) => rung.id === shown);
  return [
    entry(automatic, "Auto", choice === automatic && now !== undefined ? size_label(now) : ""),
    ...rungs.map((rung) => entry(rung.id, rung_label(rung, rungs))),
    ...(has_audio_only ? [entry(audio_only, "Audio only")] : []),
  ];
}

// "Auto 480p", "720p", "Audio only".
export function menu_label(ladder: Ladder): string {
  const choice = effective_choice(ladder);
  if (choice === audio_only) return "Audio only";
  const rung = ladder.rungs.find((one) => one.id === (choice === automatic ? ladder.shown : choice));
  if (choice !== automatic && rung !== undefined) return size_label(rung);
  return rung === undefined ? "Auto" : `Auto ${size_label(rung)}`;
}

// The entry that a key leads to from the one at `at` (-1: none yet); null: the key has no meaning here.
export function step_in_menu(key: string, at: number, count: number): number | null {
  switch (key) {
    case "ArrowDown":
      return (at + 1) % count;
    case "ArrowUp":
      return at <= 0 ? count - 1 : at - 1;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}
