// What a new worker is given so that it can go on where another one stopped: the source samples from the last key frame
// on before which everything has come out.
//
// Pure. Of video always whole groups of pictures, the first sample being a sync sample; of audio what has not come out
// and a little before it. Order is that of arrival.
#pragma once

#include <cstddef>
#include <deque>

#include "base/time.h"
#include "media/sample.h"
#include "media/track.h"

namespace klieg::transcoder {

class Replay {
 public:
  // 10 s is the longest segment there is (packager/grid.h); 32 MiB is 10 s at 25 Mbit/s. Content is shared with the
  // live window, as far as that still has it.
  static constexpr Duration span_max = 10s;
  static constexpr size_t bytes_max = size_t{32} << 20;

  struct Entry {
    media::TrackKind kind = media::TrackKind::video;
    media::Sample sample;
  };

  // Video before a sync sample cannot be decoded and is not kept.
  void add(media::TrackKind kind, const media::Sample& sample);
  // All frames presented up to `video_done` have come out, and all audio up to `audio_done`.
  void forget(MediaTime video_done, MediaTime audio_done);
  void drop(media::TrackKind kind);  // all of it
  void clear();

  const std::deque<Entry>& entries() const { return entries_; }
  bool has_video() const { return video_count_ > 0; }
  size_t bytes() const { return bytes_; }

 private:
  void drop_before(size_t index, MediaTime audio_from);
  void drop_oldest_group();

  std::deque<Entry> entries_;
  size_t video_count_ = 0;
  size_t bytes_ = 0;
};

}  // namespace klieg::transcoder
