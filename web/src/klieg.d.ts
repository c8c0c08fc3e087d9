import type { Player, Stats } from "./playback/playback";
import type { Tier } from "./playback/tier";
import type { Room } from "./room/room.svelte";
import type { View } from "./watch/view";

declare global {
  interface Window {
    // On a watching page, for tests and measurements.
    klieg?: {
      readonly player: Player | null;
      readonly tier: Tier;
      readonly room: Room | null;
      readonly video: HTMLVideoElement;
      latency(): number | null; // seconds behind the clock that stamped the picture
      stats(): Partial<Stats> & { view: View; stalls: number; restarts: number };
    };
  }
}
