// What the viewer chose, kept in this browser only. Where storage is refused, choices last as long as the page.

import { type Choice, automatic } from "../playback/ladder";

export function shortcuts_enabled(): boolean {
  try {
    return localStorage.getItem("klieg.shortcuts") !== "off";
  } catch {
    return true;
  }
}

export function remember_shortcuts(enabled: boolean): void {
  try {
    if (enabled) localStorage.removeItem("klieg.shortcuts");
    else localStorage.setItem("klieg.shortcuts", "off");
  } catch {
    // not kept, then
  }
}

// For this visit: the next may be on another network.
export function remembered_choice(): Choice {
  try {
    return sessionStorage.getItem("klieg.quality") ?? automatic;
  } catch {
    return automatic;
  }
}

export function remember_choice(choice: Choice): void {
  try {
    if (choice === automatic) sessionStorage.removeItem("klieg.quality");
    else sessionStorage.setItem("klieg.quality", choice);
  } catch {
    // not kept, then
  }
}
