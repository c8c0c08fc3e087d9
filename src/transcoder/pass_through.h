// Whether the source may stand as the top rung, as it came.
//
// Pure. Every player must be able to decode it, switch into it on the grid, and have a chance to carry it. Sound is not
// judged: it always passes, and where it is not AAC a rung of the ladder is.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "base/time.h"
#include "media/sample.h"
#include "media/track.h"

namespace klieg::transcoder {

struct PassThroughLimits {
  uint32_t bits_per_second_max = 12'000'000;  // twice what a phone sends; 1080p60 of a capture card
};

// Watches a source and says why it may not pass, in words for the log; nothing as long as there is no reason.
class PassThrough {
 public:
  explicit PassThrough(PassThroughLimits limits) : limits_(limits) {}

  void on_track(const media::Track& track);
  void on_period();  // what follows does not continue what came before
  void on_sample(media::TrackKind kind, const media::Sample& sample);

  // May still change from "no reason": bitrate and key frames are known only after a while.
  const std::string& objection() const { return objection_; }
  // Two key frames have come, or there is no video: what is to be known at first is known.
  bool judged() const { return judged_; }

 private:
  void judge_key_interval(Duration interval);
  void judge_bitrate(const media::Sample& sample);
  void object(std::string words);

  PassThroughLimits limits_;
  bool has_video_ = false;
  bool judged_ = false;
  std::optional<MediaTime> last_key_;
  int off_grid_ = 0;  // key intervals in a row that are not 1 or 2 s
  struct Weight {
    MediaTime at;
    size_t bytes;
  };
  std::deque<Weight> recent_;  // of video, bitrate_window long: at most some 1,200 at 120 fps
  size_t recent_bytes_ = 0;
  std::string objection_;
};

}  // namespace klieg::transcoder
