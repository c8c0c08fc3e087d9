// The moment a viewer says he is looking at, as far as that can be believed.
//
// Everything a viewer says carries the media time on his screen. He alone knows it: the same flash is shown 0.3 s
// behind the camera to one, 11 s behind to another, and neither the clock on his wall nor when his word arrives says
// which. So his word is taken, within what can be true:
//
//   ahead     nobody sees what is not born. A claim beyond the newest media (LiveEdge) and ahead_max is taken for that.
//   behind    nobody is shown what has left the live window. A claim further back than lag_max is taken for that.
//   forward   is always believed: playing, catching up and skipping to live all look so.
//   back      is rewinding, which nobody does all the time: believed once in back_every; until then the screen is taken
//             to stand where it stood. A player's own clock may fall back by jitter_max at any time.
//
// So who lies places what he says at another moment of the last lag_max, and comes by the same moment again at most
// every back_every; how much he says is bounded elsewhere (hearts.h). Who tells the truth is never corrected.
//
// Nothing but differences of media time is compared, so a viewer's wall clock plays no part: it may be wrong by years.
//
// Plain values. Thread: their owner's. 24 bytes a viewer.
#pragma once

#include <optional>

#include "base/time.h"

namespace klieg::audience {

// How far the broadcast is, as known here: the home hears it from ingest, a node in the room's log
// (media::EdgeStamped), which says it every second.
class LiveEdge {
 public:
  // Between two stamps it goes on with our clock. Two stamps may be late; then it stands: the broadcast is paused, or
  // nothing is heard of it.
  static constexpr Duration carried_on_max = 3s;

  void stamp(MediaTime newest, LoopTime now);
  // Nothing: there was no stamp yet. Never goes back.
  std::optional<MediaTime> at(LoopTime now) const;

 private:
  std::optional<MediaTime> newest_;
  LoopTime stamped_;
};

struct ScreenLimits {
  // What the live window keeps for its slowest player: 60 s listed and six target durations for stragglers
  // (origin/window.h), and what such a player has in its buffer when it pauses.
  Duration lag_max = 75s;
  // Media reaches a node by a road of its own and may overtake the stamp that bounds it by a flight's difference.
  Duration ahead_max = 500ms;
  Duration back_every = 5s;
  Duration jitter_max = 500ms;
};

class ScreenClock {
 public:
  // What of `claimed` is believed. `newest`: of the LiveEdge.
  MediaTime believe(MediaTime claimed, MediaTime newest, LoopTime now, const ScreenLimits& limits = {});

 private:
  std::optional<MediaTime> last_;         // the furthest that was believed since the screen last went back
  LoopTime back_from_ = LoopTime::min();  // from when on it may go back
};

// The bounds alone.
MediaTime within_what_can_be_seen(MediaTime claimed, MediaTime newest, const ScreenLimits& limits = {});
// The upper one, for the home: what a node believed then may have been on its way for long, and stays where it belongs.
MediaTime not_beyond_what_is_born(MediaTime believed, MediaTime newest, const ScreenLimits& limits = {});

}  // namespace klieg::audience
