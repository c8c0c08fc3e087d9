#include "broadcaster/playback.h"

namespace klieg::broadcaster {

std::optional<Playback::Due> Playback::take(LoopTime now) {
  const auto when = wake_at();
  if (!when || *when > now) return std::nullopt;
  const Due due{&clip_->packets[next_], static_cast<uint32_t>(to_ms(position()))};
  if (++next_ == clip_->packets.size() && repeat_ == Repeat::for_ever) {
    next_ = 0;
    ++round_;
  }
  return due;
}

std::optional<LoopTime> Playback::wake_at() const {
  if (ended()) return std::nullopt;
  return pace_ == Pace::realtime ? start_ + position() : start_;
}

Duration Playback::position() const {
  return std::chrono::milliseconds(round_ * clip_->duration_ms + clip_->packets[next_].timestamp_ms);
}

}  // namespace klieg::broadcaster
