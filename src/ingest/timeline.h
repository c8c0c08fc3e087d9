// Raw RTMP timestamps -> one sane timeline.
//
// A publisher stamps messages in milliseconds modulo 2^32, from any origin, audio and video each by a clock of its own.
// Timeline lays them on the broadcast's MediaTime and keeps four promises, whatever comes in:
//   * decode times of a track strictly increase, for ever;
//   * audio and video keep the offset their stamps give them, from the first sample on;
//   * time never runs ahead further than the stamps or the wall clock say, plus `jump`;
//   * where stamps stop making sense, the timeline goes on by elapsed wall time and says so (a Discontinuity).
//
// How: each track has a *line*, its stamps unwrapped, moved so that zero is the broadcast's first sample.
//   wrap          a step between two stamps of a track is taken modulo 2^32: a wrap is an ordinary step.
//   jump          a step back by more than `jump`, or forward by more than `jump` beyond what the wall clock explains:
//                 the line is cut and goes on at the track's last decode time plus the time that really passed
//                 (timestamp_jump). The other track, which jumps a message or two later, then follows by its offset to
//                 the first without a second break. A forward step after a stall, up to where the line would be had
//                 there been no stall, is no jump: the encoder dropped frames.
//   small step back, or none   the sample is moved to just behind its predecessor; its presentation time stays. When
//                 `behind_max` samples in a row lie behind, the clock was set back for good: that is a jump.
//   publisher back   after publisher_returns() the next sample lies at the elapsed wall time (publisher_returned).
//   audio grid    audio frames follow each other without gap in truth, but their stamps are rounded to milliseconds or
//                 taken from a capture clock. A frame is laid where its predecessor ended, as long as that is within
//                 `audio_error_max` of its stamp; beyond, the stamp wins: a hole at once, an overlap by half frames.
//   audio and video drifting apart   by more than `jump` from the offset they began with (measured between messages
//                 that arrive next to each other, so the network has no part in it): the track that is behind is moved
//                 up (timestamp_jump). Below that it is only reported: divergence().
//   encoder clock against ours   nothing is corrected: media time runs by the encoder's clock. 100 ppm are 0.36 s an
//                 hour, which a player's own buffer follows; who needs wall times re-ties them now and then.
//
// Pure: no clock, no allocation. `now` may be any LoopTime that does not run backwards.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "media/ports.h"
#include "media/track.h"

namespace klieg::ingest {

struct RawTime {
  media::TrackKind kind = media::TrackKind::video;
  uint32_t timestamp_ms = 0;       // of decoding
  Duration fine_offset{0};         // E-RTMP TimestampOffsetNano
  Duration composition_offset{0};  // beyond `composition_offset_max` it is taken for nonsense and counts as zero
  uint32_t samples = 0;            // of audio, in this frame; 0: not known, then there is no grid
  uint32_t sample_rate = 0;
};

struct Placed {
  MediaTime decode_time;  // negative: before the broadcast's first sample
  Duration composition_offset{0};
  std::optional<media::Discontinuity> break_before;
};

class Timeline {
 public:
  static constexpr Duration jump = 2s;
  static constexpr Duration audio_error_max = 40ms;  // where lips and voice come apart (EBU R 37: +40/-60 ms)
  static constexpr Duration composition_offset_max = 10s;
  static constexpr int behind_max = 8;

  Placed place(const RawTime& raw, LoopTime now);

  // The publisher was gone: its next stamps have nothing to do with the last.
  void publisher_returns();

  // How much further audio has run than video since they began; smoothed. Positive: audio is ahead.
  Duration divergence() const;

 private:
  struct Grid {  // audio frames laid end to end
    bool active = false;
    uint32_t sample_rate = 0;
    Duration start{0};
    int64_t samples = 0;  // since start
    Duration stamped{0};  // where the last frame's stamp lay

    Duration next() const { return start + from_ticks(samples, sample_rate); }
  };
  struct Clock {
    bool running = false;  // has stamps of this publisher
    bool placed = false;   // ever
    uint32_t timestamp_ms = 0;
    Duration line{0};  // where the last stamp lies, before any moving
    LoopTime arrival;
    Duration lead{0};             // the furthest the line was ahead of the loop's clock, of late
    std::optional<LoopTime> cut;  // when the line was last cut
    int behind = 0;               // samples in a row that lay behind their predecessor
    MediaTime last;               // decode time handed out
    Duration interval{1ms};       // between the last two of them
    Grid grid;
  };

  Clock& clock_of(media::TrackKind kind) { return clocks_[static_cast<size_t>(kind)]; }
  Duration since_epoch(LoopTime now) const { return now - epoch_; }
  Duration continuation(const Clock& clock, LoopTime now) const;
  bool jumped(const Clock& clock, Duration line, LoopTime now) const;
  void measure_divergence(const Clock& video, const Clock& audio, LoopTime now);
  Duration snap(Grid& grid, Duration at, const RawTime& raw) const;

  std::array<Clock, 2> clocks_;
  bool begun_ = false;
  LoopTime epoch_;

  // divergence(): the running mean of audio's line minus video's, and its value after the first samples.
  Duration offset_{0};
  Duration first_offset_{0};
  int offsets_ = 0;
};

}  // namespace klieg::ingest
