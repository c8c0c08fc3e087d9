// How fast to play so as to stay near the live edge without running dry: gently faster when behind with media in
// hand, gently slower when nearly dry. hls.js has such a rule, but it asks for more than a second of buffer, which a
// viewer one second behind the camera never has.

export interface Position {
  behind_s: number; // behind the live edge
  target_s: number; // where the playlist wants us: its hold-back
  ahead_s: number; // buffered beyond what is shown
  rate: number; // as it is now
}

const fastest = 1.1; // speech stays natural, pitch is kept by the element
const slowest = 0.97;
const start_off_s = 0.15; // act when this far off...
const settle_off_s = 0.04; // ...and until this near: no flutter around the target
const spare_s = 0.3; // one and a half parts of 200 ms: never spend these to catch up
const dry_s = 0.1; // three frames
const replay_s = 5; // further behind than this the viewer is watching the past: leave it alone

export function pace(position: Position): number {
  const off_s = position.behind_s - position.target_s;
  if (off_s > replay_s) return 1;
  if (position.ahead_s < dry_s) return position.ahead_s > 0 && off_s < start_off_s ? slowest : 1;
  if (position.ahead_s < spare_s) return position.rate < 1 ? slowest : 1;
  if (off_s < (position.rate < 1 ? -settle_off_s : -start_off_s)) return slowest; // so that there is more in hand
  const catching_up = position.rate > 1;
  if (off_s > (catching_up ? settle_off_s : start_off_s)) return off_s > 0.5 ? fastest : 1.05;
  return 1;
}
