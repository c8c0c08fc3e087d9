// Which key does what. Single-character shortcuts can be turned off (WCAG 2.1.4), and never act while the viewer
// types or a control that has its own use for the key has the focus.

export type Command = "toggle_play" | "toggle_mute" | "toggle_fullscreen" | "jump_to_live" | "toggle_stats" | "send_heart" | "toggle_help";

export const shortcuts: readonly { keys: readonly string[]; shown: string; command: Command; does: string }[] = [
  { keys: [" ", "k"], shown: "Space or K", command: "toggle_play", does: "Play or pause" },
  { keys: ["m"], shown: "M", command: "toggle_mute", does: "Sound on or off" },
  { keys: ["f"], shown: "F", command: "toggle_fullscreen", does: "Full screen" },
  { keys: ["l", "End"], shown: "L or End", command: "jump_to_live", does: "Jump to live" },
  { keys: ["h"], shown: "H", command: "send_heart", does: "Send a heart" },
  { keys: ["i"], shown: "I", command: "toggle_stats", does: "Statistics" },
  { keys: ["?"], shown: "?", command: "toggle_help", does: "This help" },
];

export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  repeat: boolean;
}

// What has the focus: nothing in particular, a control that Space and Enter work, or one that takes text or arrows.
export type Focus = "page" | "button" | "input";

export function command_of(press: KeyPress, focus: Focus, enabled: boolean): Command | null {
  if (!enabled || press.ctrlKey || press.metaKey || press.altKey || press.repeat || focus === "input") return null;
  if (focus === "button" && press.key === " ") return null;
  const key = press.key.length === 1 ? press.key.toLowerCase() : press.key;
  return shortcuts.find((shortcut) => shortcut.keys.includes(key))?.command ?? null;
}

export function focus_of(element: Element | null): Focus {
  if (element === null) return "page";
  if (element.closest("input, textarea, select, [contenteditable=true], [role=menu]") !== null) return "input";
  return element.closest("button, a[href], summary, [role=button]") !== null ? "button" : "page";
}
