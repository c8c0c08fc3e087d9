import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Entry, retry_ms } from "./entry";
import type { Person } from "./message";

const nobody: Person = { account: 0, name: "", standing: "stranger" };
const guest: Person = { account: 2 ** 52 + 7, name: "guest 0007", standing: "stranger" };
const bob: Person = { account: 12, name: "bob", standing: "follower" };
const plain = "wss://h/live/ada/room";

let said: (string | Person)[];
let asked: number;
function entry(account: number | null, tickets: (string | null)[]) {
  const identity = {
    account: async () => account,
    ticket: async () => {
      ++asked;
      return tickets.shift() ?? null;
    },
  };
  return new Entry(identity, { settled: (me) => void said.push(me), again: () => void said.push("again") });
}

beforeEach(() => {
  vi.useFakeTimers();
  said = [];
  asked = 0;
});
afterEach(() => vi.useRealTimers());

describe("an entry to a room", () => {
  it("of who is known by his cookie, or not logged in, takes no ticket", async () => {
    const known = entry(12, ["t1"]);
    expect(known.address(plain)).toBe(plain);
    await known.taken_for(bob);
    const stranger = entry(null, ["t1"]);
    expect(stranger.address(plain)).toBe(plain);
    await stranger.taken_for(nobody);
    expect(said).toEqual([bob, nobody]);
    expect(asked).toBe(0);
  });
  it("is made again with a ticket where the node takes him for nobody, and each ticket is shown once", async () => {
    for (const unknown of [nobody, guest]) {
      said = [];
      const made = entry(12, ["t1", "t2"]);
      expect(made.address(plain)).toBe(plain);
      await made.taken_for(unknown);
      expect(made.address(plain)).toBe(`${plain}?ticket=t1`);
      await made.taken_for(bob);
      expect(said).toEqual(["again", bob]);
      expect(made.address(plain)).toBe(plain);
      await made.taken_for(unknown);
      expect(made.address(plain)).toBe(`${plain}?ticket=t2`);
    }
  });
  it("with a ticket that is refused goes on as nobody, and asks for another later", async () => {
    const made = entry(12, ["t1", "t2"]);
    made.address(plain);
    await made.taken_for(nobody);
    expect(made.address(plain)).toBe(`${plain}?ticket=t1`);
    expect(made.address(plain)).toBe(plain);
    await made.taken_for(nobody);
    expect(said).toEqual(["again", nobody]);
    await vi.advanceTimersByTimeAsync(retry_ms);
    expect(said).toEqual(["again", nobody, "again"]);
    expect(made.address(plain)).toBe(`${plain}?ticket=t2`);
  });
  it("goes on as nobody where there is no ticket, and asks no more once it is closed", async () => {
    const made = entry(12, []);
    made.address(plain);
    await made.taken_for(nobody);
    expect(said).toEqual([nobody]);
    made.close();
    await vi.advanceTimersByTimeAsync(2 * retry_ms);
    expect(asked).toBe(1);
  });
  it("forgets what it asked for a connection that is lost meanwhile", async () => {
    const made = entry(12, ["t1"]);
    made.address(plain);
    const taken = made.taken_for(nobody);
    expect(made.address(plain)).toBe(plain);
    await taken;
    expect(said).toEqual([]);
  });
});
