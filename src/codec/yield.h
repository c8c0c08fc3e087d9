// Whether anything comes of a source: a decoder that opens may still not know what it is given.
//
// Pure, one per source. It counts media and not time, so that a backlog is judged as fast as it is worked off.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace klieg::codec {

class Yield {
 public:
  // Two key frames of any source that is passed on and a second more, and before a lag (transcoder/pace.h) is taken for
  // that of a slow machine.
  static constexpr Duration media_min = 3s;
  // H.264 and HEVC keep at most 16 pictures back.
  static constexpr uint32_t samples_min = 17;

  void begin() { *this = {}; }
  // What came of a sample of this duration. True once: nothing came of this one and all before it.
  bool gave_nothing(Duration duration, size_t frames);

  uint32_t samples() const { return samples_; }

 private:
  uint32_t samples_ = 0;
  Duration media_{0};
  bool settled_ = false;
};

inline bool Yield::gave_nothing(Duration duration, size_t frames) {
  if (settled_) return false;
  ++samples_;
  media_ += duration;
  const bool nothing = frames == 0 && samples_ >= samples_min && media_ >= media_min;
  settled_ = frames > 0 || nothing;
  return nothing;
}

}  // namespace klieg::codec
