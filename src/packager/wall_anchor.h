// Ties the broadcast's timeline to the server's clock, and notices when the encoder's clock has drifted from it.
//
// A sample's delay is when it arrived minus when it lies on the timeline. Networks only ever add to it, so the least
// delay seen lately tells the truth. Each period is anchored at that; when the least delay of the last 10 to 20 s is
// more than a second away from the anchor, the clocks have drifted (or the encoder's latency has changed for good) and
// the packager begins a new period with a new anchor: players follow the server's clock, and a second is what they
// tolerate. A publisher that stalls and catches up moves nothing: its least delay comes back within the window.
#pragma once

#include <optional>

#include "base/time.h"

namespace klieg::packager {

class WallAnchor {
 public:
  void observe(MediaTime media, WallTime arrived);

  // Anchors the timeline anew, at the least delay seen since restart() or in the last 10 to 20 s.
  void anchor();
  bool drifted() const;

  // The instant on the server's clock, by the anchor. Before the first anchor(): 1970.
  WallTime at(MediaTime media) const { return WallTime(media.time_since_epoch() + anchored_); }

  // The timeline does not continue: forget the delays.
  void restart();

 private:
  std::optional<Duration> least() const;

  Duration anchored_{0};
  std::optional<WallTime> window_began_;
  std::optional<Duration> least_now_;     // since window_began_
  std::optional<Duration> least_before_;  // in the window before
};

}  // namespace klieg::packager
