import { describe, expect, it } from "vitest";

import { characters_of, read_heard } from "./message";

describe("what a node says in a room", () => {
  it("is read into what the page knows", () => {
    const by = { account: 12, name: "Ada", standing: "follower" };
    const said = [
      { type: "you", ...by },
      { type: "clock", periods: [[0, 1764000000000]] },
      { type: "comment", id: 7, by, at: 61250, said: 1764000000000, text: "<b>hello</b>" },
      { type: "pinned", comment: null },
      { type: "hearts", hearts: [[612, 3]] },
      { type: "poll", id: 1, question: "?", options: ["a", "b"], opens: 60000, closes: 120000 },
      { type: "votes", poll: 1, votes: [3, 4], final: false },
      { type: "rules", who: "everyone", first: 100, slow_ms: 0, review: "nothing" },
      { type: "done", ref: 1, id: 7, text: "hello", held: false },
      { type: "done", ref: 2 },
      { type: "refused", ref: 2, why: "too_late", words: "the result stands already" },
    ];
    expect(read_heard(JSON.stringify(said))).toEqual([
      { type: "you", person: by },
      { type: "clock", periods: [{ start_ms: 0, wall_ms: 1764000000000 }] },
      { type: "comment", comment: { id: 7, by, at_ms: 61250, said_ms: 1764000000000, text: "<b>hello</b>" } },
      { type: "pinned", comment: null },
      { type: "hearts", hearts: [[612, 3]] },
      { type: "poll", poll: { id: 1, question: "?", options: ["a", "b"], opens_ms: 60000, closes_ms: 120000 } },
      { type: "votes", poll: 1, votes: [3, 4], final: false },
      { type: "rules", rules: { who: "everyone", first: 100, slow_ms: 0, review: "nothing" } },
      { type: "done", ref: 1, id: 7, text: "hello", held: false },
      { type: "done", ref: 2, id: null, text: null, held: false },
      { type: "refused", ref: 2, why: "too_late", words: "the result stands already" },
    ]);
  });
  it("is passed over where it is of a later version or not as it should be, and the rest is read", () => {
    const said = [{ type: "fireworks" }, { type: "viewers" }, 3, null, { type: "viewers", count: -1 }, { type: "viewers", count: 812 }];
    expect(read_heard(JSON.stringify(said))).toEqual([{ type: "viewers", count: 812 }]);
    for (const nonsense of ["", "{", "{}", '"text"', "null"]) expect(read_heard(nonsense)).toEqual([]);
  });
});

describe("characters", () => {
  it("are counted as a reader counts them", () => {
    expect(characters_of("")).toBe(0);
    expect(characters_of("naïve")).toBe(5);
    expect(characters_of("👨‍👩‍👧‍👦🇫🇷")).toBe(2);
  });
});
