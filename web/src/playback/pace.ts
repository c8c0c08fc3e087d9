// How fast to play so as to stay near the live edge without running dry: gently faster when behind with media in
// hand, gently slower when nearly dry. hls.js has such a rule, but it asks for more than a second of buffer, which a
// viewer one second behind the camera never has.
// src/player/pace.h is the same law, for viewers without a screen: a change of one is a change of both.

export interface Position {
  behind_s: number; // behind the live edge
  target_s: number; // where the playlist wants us: its hold-back
  ahead_s: number; // buffered beyond what is shown
  rate: number; // as it is now
}

const fastest = 1.1; // speech stays natural, pitch is kept by the element
const slowest = 0.97;

export interface PaceLaw {
  start_off_s: number; // act when this far off...
  settle_off_s: number; // ...and until this near: no flutter around the target
  spare_s: number; // never spend these to catch up
  dry_s: number;
}
// One and a half parts of 200 ms are spare; three frames are nearly nothing.
export const of_parts: PaceLaw = { start_off_s: 0.15, settle_off_s: 0.04, spare_s: 0.3, dry_s: 0.1 };
// Where chunks of a frame or two come as they are born.
export const of_chunks: PaceLaw = { start_off_s: 0.06, settle_off_s: 0.015, spare_s: 0.07, dry_s: 0.035 };

const replay_s = 5; // further behind than this the viewer is watching the past: leave it alone

export function pace(position: Position, { start_off_s, settle_off_s, spare_s, dry_s }: PaceLaw = of_parts): number {
  const off_s = position.behind_s - position.target_s;
  if (off_s > replay_s) return 1;
  if (position.ahead_s < dry_s) return position.ahead_s > 0 && off_s < start_off_s ? slowest : 1;
  if (position.ahead_s < spare_s) return position.rate < 1 ? slowest : 1;
  if (off_s < (position.rate < 1 ? -settle_off_s : -start_off_s)) return slowest; // so that there is more in hand
  const catching_up = position.rate > 1;
  if (off_s > (catching_up ? settle_off_s : start_off_s)) return off_s > 0.5 ? fastest : 1.05;
  return 1;
}
