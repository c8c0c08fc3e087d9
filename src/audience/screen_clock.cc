#include "audience/screen_clock.h"

#include <algorithm>

namespace klieg::audience {

void LiveEdge::stamp(MediaTime newest, LoopTime now) {
  newest_ = std::max(newest, at(now).value_or(newest));
  stamped_ = now;
}

std::optional<MediaTime> LiveEdge::at(LoopTime now) const {
  if (!newest_) return std::nullopt;
  return *newest_ + std::clamp<Duration>(now - stamped_, Duration(0), carried_on_max);
}

MediaTime within_what_can_be_seen(MediaTime claimed, MediaTime newest, const ScreenLimits& limits) {
  const MediaTime first = std::max(MediaTime(), newest - limits.lag_max);
  return std::clamp(claimed, first, std::max(first, newest + limits.ahead_max));
}

MediaTime not_beyond_what_is_born(MediaTime believed, MediaTime newest, const ScreenLimits& limits) {
  return std::min(believed, newest + limits.ahead_max);
}

MediaTime ScreenClock::believe(MediaTime claimed, MediaTime newest, LoopTime now, const ScreenLimits& limits) {
  MediaTime seen = within_what_can_be_seen(claimed, newest, limits);
  if (last_ && seen < *last_ - limits.jitter_max) {
    if (now < back_from_) {
      // Where it stood may have left the window since.
      seen = within_what_can_be_seen(*last_, newest, limits);
    } else {
      back_from_ = now + limits.back_every;
      last_ = seen;
    }
  }
  last_ = std::max(last_.value_or(seen), seen);
  return seen;
}

}  // namespace klieg::audience
