// Sizes, rates and bitrates as people type them.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace klieg::broadcaster {

struct PictureSize {
  int width = 0, height = 0;
  bool operator==(const PictureSize&) const = default;
};

// Frames per second as a ratio, because 29.97 is 30000 in 1001 seconds.
struct FrameRate {
  uint32_t frames = 30, seconds = 1;
  bool operator==(const FrameRate&) const = default;

  // When frame n is taken, counted from frame 0; computed anew each time, so it does not drift.
  Duration instant_of(uint64_t n) const { return from_ticks(static_cast<int64_t>(n * seconds), frames); }
  // The frame that is due at `since`: the last one whose instant is not after it.
  uint64_t frame_due(Duration since) const {
    uint64_t n = since <= 0ns ? 0 : static_cast<uint64_t>(to_ticks(since, frames)) / seconds;
    while (n > 0 && instant_of(n) > since) --n;
    while (instant_of(n + 1) <= since) ++n;
    return n;
  }
};

Result<PictureSize> parse_size(std::string_view text);  // "1280x720"
Result<FrameRate> parse_rate(std::string_view text);    // "30", "29.97", "30000/1001"; at most 240 a second
Result<uint32_t> parse_bitrate(std::string_view text);  // bits per second: "2500k", "2.5M", "800000"

}  // namespace klieg::broadcaster
