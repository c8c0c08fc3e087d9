// The pace of a track: puts timestamps that came through a millisecond clock (RTMP) back on the frames' own clock, and
// says how long a frame will last before the next one is there.
//
// A frame of 29.97 fps lasts 33.367 ms; RTMP can only say 33 or 34. Where the track keeps a steady pace, each decode
// time within `tolerance` of the one expected is taken for the one expected; one further off is believed and the pace
// goes on from there, so a returned time never differs from what came by more than the tolerance, and nothing
// accumulates. Presentation offsets are whole frames and are rounded likewise.
//
// Video: the pace is measured, and given up while frames do not keep it (variable frame rate, or pictures more than a
// second apart): then times pass as they came and durations are known only when the next frame comes. Audio: the codec
// says how long a frame lasts.
#pragma once

#include <deque>
#include <optional>
#include <span>

#include "base/time.h"
#include "media/sample.h"
#include "media/track.h"

namespace klieg::packager {

class Cadence {
 public:
  static constexpr size_t measured_frames_min = 8;  // fewer tell nothing

  // The hint is what the parameter sets say; 0: nothing.
  static Cadence of_video(double frame_rate_hint) { return Cadence(media::TrackKind::video, 1100us, frame_rate_hint); }
  static Cadence of_audio() { return Cadence(media::TrackKind::audio, 6ms, 0); }

  // Measures the pace of video frames from their decode times; keeps none if they have none.
  void measure(std::span<const MediaTime> decode_times);

  // Audio: how long the frame lasts that comes next.
  void expect_frame(Duration frame) { frame_ = frame; }

  // Puts the next sample of the track on the frames' clock. Decode times strictly increase.
  void place(media::Sample& sample);

  // How long the sample placed last will last, if its pace can be trusted.
  std::optional<Duration> duration() const { return off_pace_ == 0 ? frame_ : std::nullopt; }
  // The pace even if the newest samples do not keep it.
  std::optional<Duration> frame() const { return frame_; }

  // `count` frames in a row last this long, exactly where a frame itself is no whole number of nanoseconds.
  Duration frames(int64_t count) const;

  // The samples that follow do not continue the ones before. What was learnt about the pace stays.
  void restart() {
    expected_.reset();
    recent_.clear();
  }

 private:
  Cadence(media::TrackKind kind, Duration tolerance, double frame_rate_hint)
      : kind_(kind), tolerance_(tolerance), frame_rate_hint_(frame_rate_hint) {}
  void watch(MediaTime decode_time);

  media::TrackKind kind_;
  Duration tolerance_;
  double frame_rate_hint_;
  std::optional<Duration> frame_;
  double frame_exact_ns_ = 0;  // 33,366,666.67 for 29.97 fps
  std::optional<MediaTime> expected_;
  int off_pace_ = 0;  // frames in a row that did not come when expected
  std::deque<MediaTime> recent_;
};

// What an Opus packet lasts (RFC 6716 3.1); zero if it is no packet.
Duration opus_duration(ByteView packet);

}  // namespace klieg::packager
