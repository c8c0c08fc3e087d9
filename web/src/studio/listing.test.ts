import { describe, expect, it } from "vitest";

import type { Answer } from "../people/api";
import { Listing } from "./listing.svelte";

const done = <T>(value: T): Promise<Answer<T>> => Promise.resolve({ kind: "done", value });
const refused: Promise<Answer<never>> = Promise.resolve({ kind: "refused", status: 404, words: "There is no such thing.", retry_s: null });
const away: Promise<Answer<never>> = Promise.resolve({ kind: "unreachable" });

function listing_of(answers: Promise<Answer<string[]>>[]) {
  return new Listing<string, { id: number; secret: string }>(() => answers.shift() ?? away);
}
const settled = () => new Promise((resolve) => setTimeout(resolve));

describe("a listing", () => {
  it("is not known, then what the server says, and says why it is not known", async () => {
    const list = listing_of([done(["a"])]);
    expect(list.items).toBeNull();
    await settled();
    expect(list.items).toEqual(["a"]);
    const lost = listing_of([away]);
    await settled();
    expect([lost.items, lost.trouble]).toEqual([null, "The server does not answer. Is the network there?"]);
  });

  it("shows what was made until that is removed", async () => {
    const list = listing_of([done([]), done(["a"]), done(["a"]), done([])]);
    await list.make(done({ id: 1, secret: "s" }));
    expect([list.items, list.made?.secret]).toEqual([["a"], "s"]);
    await list.remove(2, done(null), "Another is gone.");
    expect([list.made?.secret, list.done]).toEqual(["s", "Another is gone."]);
    await list.remove(1, done(null), "It is gone.");
    expect([list.items, list.made, list.done]).toEqual([[], null, "It is gone."]);
  });

  it("says what was refused and looks what there is; of what was done before it says nothing any more", async () => {
    const list = listing_of([done(["a"]), done(["a"]), done([])]);
    await list.carry_out(done(null), "Done.");
    await list.carry_out(refused, "Done again.");
    expect([list.trouble, list.done, list.items]).toEqual(["There is no such thing.", "", []]);
  });

  it("keeps what it knew of a server that is away", async () => {
    const list = listing_of([done(["a"])]);
    await settled();
    await list.carry_out(away);
    expect([list.items, list.trouble]).toEqual([["a"], "The server does not answer. Is the network there?"]);
  });
});
