// Which frame is taken when, and which are dropped: a decider without clock, camera or encoder.
//
// A frame is taken at its instant or not at all, with one exception: the frame that begins a GOP is kept for an encoder
// that is busy, and taken as soon as it is not. The key frames' distance is what a server cuts by, so it must not
// depend on how busy the machine is.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "broadcaster/quantities.h"

namespace klieg::broadcaster {

enum class EncoderState : uint8_t { idle, busy };

class FramePacer {
 public:
  // Frame n is due at start + rate.instant_of(n); frames before `first` have been taken already.
  FramePacer(FrameRate rate, Duration gop, LoopTime start, uint64_t first)
      : rate_(rate), gop_(gop), start_(start), next_(first) {}

  // The frame to take now, if there is one. Each call moves past all that is due.
  std::optional<uint64_t> take(LoopTime now, EncoderState encoder);

  LoopTime wake_at() const { return start_ + rate_.instant_of(next_); }
  LoopTime start() const { return start_; }
  uint64_t dropped() const { return dropped_; }

  // Whether frame n is the first in its span of a GOP's length.
  bool begins_gop(uint64_t n) const;

 private:
  FrameRate rate_;
  Duration gop_;
  LoopTime start_;
  uint64_t next_;                 // not yet due when last looked
  std::optional<uint64_t> kept_;  // begins a GOP, and the encoder was busy
  uint64_t dropped_ = 0;
};

}  // namespace klieg::broadcaster
