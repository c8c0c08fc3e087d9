// The players as separate chunks, so that a viewer downloads the one that plays.

import type { Opening, Playback, Player } from "./playback";

const chunks = {
  push: () => import("./push"),
  hls: () => import("./hls"),
  dash: () => import("./dash"),
  native: () => import("./native"),
};

export async function load_player(player: Player): Promise<(opening: Opening) => Playback> {
  return (await chunks[player]()).open;
}

// Has the chunk come while the page still waits for something to play.
export function prefetch_player(player: Player): void {
  chunks[player]().catch(() => {}); // who opens it will ask again, and deal with it
}
