// What the viewer chose, kept in this browser only. Where storage is refused, choices last as long as the page.

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
