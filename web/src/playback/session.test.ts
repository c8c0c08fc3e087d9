import { beforeEach, describe, expect, it } from "vitest";

import { backoff } from "../base/backoff";
import type { Jump, Playback, PlaybackState } from "./playback";
import { PlaybackSession, never_started_ms, skip_ms, stuck_ms } from "./session";

class FakePlayback implements Playback {
  readonly player = "hls";
  now_state: PlaybackState = "loading";
  delay: number | null = 1;
  jumps = 0;
  destroyed = false;
  state = () => this.now_state;
  failure = () => null;
  delay_s = () => this.delay;
  media_ms = () => null;
  target_s = () => 0.6;
  jump: Jump = "jumped";
  jump_to_live = () => {
    this.jumps += 1;
    return this.jump;
  };
  rungs = () => [];
  has_audio_only = () => false;
  shown = () => null;
  choose = () => "chosen" as const;
  span = () => null;
  stats = (): never => {
    throw new Error("not asked for");
  };
  destroy = () => void (this.destroyed = true);
}

const live = { state: "live", broadcast: "7.1" } as const;
const paused = { state: "paused", broadcast: "7.1" } as const;
const ended = { state: "ended", broadcast: "7.1" } as const;

let made: FakePlayback[];
let session: PlaybackSession;
let left: number; // playbacks that were left
const opened = () => Promise.resolve();
const current = () => made[made.length - 1]!;

// A session that plays its first broadcast since time 0.
async function playing() {
  session.follow(live, 0);
  await opened();
  current().now_state = "playing";
  session.tick(0);
}

beforeEach(() => {
  made = [];
  left = 0;
  session = new PlaybackSession(
    async () => {
      made.push(new FakePlayback());
      return current();
    },
    () => (left += 1),
    backoff(500, 10_000, () => 0),
  );
});

describe("a playback session", () => {
  it("opens nothing until the channel is live", async () => {
    session.follow({ state: "offline", broadcast: null }, 0);
    session.follow(ended, 0);
    session.follow(paused, 0);
    session.tick(0);
    await opened();
    expect(made).toHaveLength(0);
    session.follow(live, 1);
    await opened();
    expect(made).toHaveLength(1);
  });

  it("keeps its player while news of the same broadcast come", async () => {
    await playing();
    for (const t of [1, 2, 3]) session.follow(live, t);
    await opened();
    expect(made).toHaveLength(1);
  });

  it("takes a new player for a new broadcast", async () => {
    await playing();
    session.follow({ state: "live", broadcast: "7.2" }, 100);
    await opened();
    expect(made).toHaveLength(2);
    expect(made[0]!.destroyed).toBe(true);
    expect(session.state).toBe("loading");
  });

  it("makes a failed player anew, after longer and longer waits", async () => {
    session.follow(live, 0);
    const restarted_at: number[] = [];
    for (let now_ms = 0; now_ms < 8_000; now_ms += 100) {
      const before = made.length;
      session.tick(now_ms);
      await opened();
      if (made.length > before) restarted_at.push(now_ms);
      if (made.length > 0) current().now_state = "failed";
    }
    const waits = restarted_at.slice(1).map((at, i) => at - restarted_at[i]!);
    expect(waits[0]).toBeGreaterThanOrEqual(1000);
    expect(waits[1]!).toBeGreaterThan(waits[0]!);
    expect(session.restarts).toBe(restarted_at.length);
  });

  it.each(["stalled", "drained"] as const)("makes a player anew that is %s too long while the channel is live, but not at once", async (becomes) => {
    await playing();
    current().now_state = becomes;
    session.tick(1000);
    session.tick(1000 + stuck_ms);
    expect(current().destroyed).toBe(false);
    session.tick(1001 + stuck_ms);
    expect(current().destroyed).toBe(true);
    session.tick(3000 + stuck_ms);
    await opened();
    expect(made).toHaveLength(2);
  });

  it("makes a player anew that never shows a picture", async () => {
    session.follow(live, 0);
    await opened();
    session.tick(never_started_ms + 1);
    expect(current().destroyed).toBe(true);
  });

  it("leaves the last picture on the screen while the publisher is gone, however long", async () => {
    await playing();
    session.follow(paused, 100);
    current().now_state = "stalled";
    session.tick(200);
    session.tick(200 + 10 * stuck_ms);
    expect(current().destroyed).toBe(false);
  });

  it("gives a waiting player time to go on when the publisher returns", async () => {
    await playing();
    session.follow(paused, 100);
    current().now_state = "stalled";
    session.tick(200);
    session.follow(live, 60_000);
    session.tick(60_100);
    expect(current().destroyed).toBe(false);
  });

  it("makes a player that failed during the pause anew at once when the publisher returns", async () => {
    await playing();
    session.follow(paused, 100);
    current().now_state = "failed";
    session.tick(200);
    session.follow(live, 300);
    await opened();
    expect(made).toHaveLength(2);
  });

  it("shows the rest of a broadcast that has ended, then closes", async () => {
    await playing();
    session.follow(ended, 100);
    session.tick(200);
    expect(session.state).toBe("playing");
    current().now_state = "drained";
    session.tick(300);
    expect(session.state).toBe("closed");
    expect(current().destroyed).toBe(true);
  });

  it("destroys a player that comes after it was given up", async () => {
    session.follow(live, 0);
    session.follow({ state: "offline", broadcast: null }, 1);
    await opened();
    expect(current().destroyed).toBe(true);
    expect(session.playback).toBeNull();
  });

  it("brings a viewer who fell behind back to live, but not again and again", async () => {
    await playing();
    current().delay = 9;
    session.tick(1000);
    session.tick(1250);
    expect(current().jumps).toBe(1);
  });

  it("skips what a picture stands at before it makes a new player", async () => {
    await playing();
    current().now_state = "stalled";
    current().delay = 4;
    session.tick(1000);
    session.tick(1000 + skip_ms);
    expect(current().jumps).toBe(0);
    session.tick(1001 + skip_ms);
    expect(current().jumps).toBe(1);
    expect(current().destroyed).toBe(false);
  });

  it("leaves a viewer behind who chose to be, until asked", async () => {
    await playing();
    session.intent = "behind";
    current().delay = 20;
    session.tick(1000);
    expect(current().jumps).toBe(0);
    session.jump_to_live(1000);
    expect(current().jumps).toBe(1);
    expect(session.intent).toBe("live");
  });

  it("makes a player anew that says so when asked to jump", async () => {
    await playing();
    const failures = session.failures;
    current().jump = "make_anew";
    session.jump_to_live(1000);
    expect(made[0]!.destroyed).toBe(true);
    expect(left).toBe(1);
    await opened();
    expect(made).toHaveLength(2);
    expect(session.failures).toBe(failures);
  });

  it("counts among the failures what was made anew because it fell too far behind", async () => {
    await playing();
    current().jump = "make_anew";
    current().delay = 20;
    session.tick(1000);
    expect(made[0]!.destroyed).toBe(true);
    expect(session.failures).toBe(1);
  });

  it.each(["failed", "replaced"])("opens no player while the viewer has paused, also when the one there is is %s", async (becomes) => {
    await playing();
    session.intent = "behind";
    session.held = true;
    current().now_state = "paused";
    session.tick(1000);
    if (becomes === "failed") current().now_state = "failed";
    else session.reopen(1500);
    for (const t of [2000, 20_000, 40_000]) session.tick(t);
    await opened();
    expect(made).toHaveLength(1);
    expect(session.state).toBe("paused");
    session.held = false;
    for (const t of [40_100, 60_000]) session.tick(t);
    await opened();
    expect(made).toHaveLength(2);
  });

  it("holds nothing for a viewer whose broadcast is over", async () => {
    await playing();
    session.held = true;
    session.follow({ state: "live", broadcast: "7.2" }, 100);
    await opened();
    expect(made).toHaveLength(2);
    expect(session.held).toBe(false);
  });

  it("tries again when its player could not be fetched", async () => {
    let attempts = 0;
    const unlucky = new PlaybackSession(() => (attempts++, Promise.reject(new Error("offline"))), () => {}, backoff(500, 500, () => 0));
    unlucky.follow(live, 0);
    await opened();
    await opened();
    unlucky.tick(600);
    expect(attempts).toBe(2);
  });
});
