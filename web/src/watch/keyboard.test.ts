import { describe, expect, it } from "vitest";

import { type KeyPress, command_of, shortcuts } from "./keyboard";

const press = (key: string, more: Partial<KeyPress> = {}): KeyPress => ({
  key, ctrlKey: false, metaKey: false, altKey: false, repeat: false, ...more,
});

describe("a key", () => {
  it("does what the help says", () => {
    for (const shortcut of shortcuts)
      for (const key of shortcut.keys) expect(command_of(press(key), "page", true), key).toBe(shortcut.command);
  });
  it("means the same in upper case", () => expect(command_of(press("M"), "page", true)).toBe("toggle_mute"));
  it("has one meaning only", () => {
    const keys = shortcuts.flatMap((shortcut) => shortcut.keys);
    expect(new Set(keys).size).toBe(keys.length);
  });
  it("does nothing once shortcuts are off", () => {
    for (const shortcut of shortcuts) expect(command_of(press(shortcut.keys[0]!), "page", false)).toBeNull();
  });
  it("belongs to the browser when it comes with Control, Command or Alt", () => {
    for (const modifier of ["ctrlKey", "metaKey", "altKey"])
      expect(command_of(press("f", { [modifier]: true }), "page", true)).toBeNull();
  });
  it("does nothing while the viewer types", () => expect(command_of(press("m"), "input", true)).toBeNull());
  it("acts once when held down", () => expect(command_of(press("m", { repeat: true }), "page", true)).toBeNull());
  it("is left to a focused button when it is Space, and no other", () => {
    expect(command_of(press(" "), "button", true)).toBeNull();
    expect(command_of(press("k"), "button", true)).toBe("toggle_play");
  });
  it("without a meaning does nothing", () => expect(command_of(press("x"), "page", true)).toBeNull());
});
