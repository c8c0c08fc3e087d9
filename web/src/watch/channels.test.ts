import { describe, expect, it } from "vitest";

import { following_first, read_channels, read_live } from "./channels";

describe("who is on air", () => {
  it("is whoever the index calls live or paused", () => {
    const channels = [{ name: "ada", state: "live" }, { name: "bob", state: "paused" }, { name: "eve", state: "ended" }, { state: "live" }, null];
    expect(read_channels({ channels }).map((one) => [one.name, one.state])).toEqual([
      ["ada", "live"],
      ["bob", "paused"],
    ]);
    for (const nonsense of [null, "text", {}, { channels: 7 }]) expect(read_channels(nonsense)).toEqual([]);
  });
  it("has a title and viewers where there are people, and whom one follows stands first", () => {
    const items = [
      { channel: "ada", display_name: "Ada", title: "Engines", viewers: 12, following: false },
      { channel: "grace", display_name: "Grace", title: "", viewers: null, following: true },
      { title: "whose?" },
    ];
    const list = read_live({ items });
    expect(list[0]).toEqual({ name: "ada", state: "live", shown_as: "Ada", title: "Engines", viewers: 12, following: false });
    expect(list[1]?.title).toBeNull();
    expect(following_first(list).map((one) => one.name)).toEqual(["grace", "ada"]);
  });
});
