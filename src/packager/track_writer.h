// Writes one track's samples as chunks, parts and segments: records, in their order. It is told where segments end and
// finds the ends of parts itself: a part takes frames as long as it stays within PART-TARGET, and ends as soon as the
// next frame would not fit, without waiting for it.
//
// A chunk is one frame, or two of audio and of video of 50 fps and more: it leaves as soon as its last frame is there.
// prft costs 36 bytes, so it stands where it says something new: at each segment's start, and at each part's start
// where the encoder stamped the frame.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "media/ports.h"
#include "packager/grid.h"
#include "wire/cmaf_chunk.h"

namespace klieg::packager {

// What the records say about a track as a whole.
struct TrackName {
  media::TrackId id = 0;
  std::string name;
  uint32_t bits_per_second = 0;  // of a rung (media::HeaderBorn)
};

class TrackWriter {
 public:
  // `wall_of` gives the server's clock for a presentation time. `out` and what wall_of refers to outlive the writer.
  TrackWriter(TrackName name, const media::Track& track, const Grid& grid, media::RecordSink& out,
              std::function<WallTime(MediaTime)> wall_of);

  // A new decoder configuration, from the next segment on; its header is born when that begins.
  void change_track(const media::Track& track);
  // The header, if it is not born yet, without waiting for a segment. Asserted: no segment is open.
  void write_header();

  // The next sample begins this segment. The one before has ended.
  void begin_segment(media::Msn msn, uint32_t period);
  // sample.duration is known. Decode times strictly increase.
  void write(const media::Sample& sample);
  // Asserted: a sample was written since begin_segment.
  void end_segment();
  // The same for a segment that will never be whole, or has no sample at all: it stands for `duration` from `start` on.
  void end_segment_as_gap(MediaTime start, Duration duration);

  media::Msn msn() const { return msn_; }
  bool segment_empty() const { return !segment_start_ticks_; }
  // Of what is in the open segment.
  Duration segment_duration() const {
    return from_ticks(end_ticks_ - segment_start_ticks_.value_or(end_ticks_), timescale_);
  }
  // How long the segment would be if a sample ended it at this decode time.
  Duration segment_until(MediaTime end) const;

 private:
  void open_segment(MediaTime start, MediaTime decode_time);
  void end_part();
  void end_chunk();

  TrackName name_;
  media::Track track_;
  Grid grid_;
  media::RecordSink& out_;
  std::function<WallTime(MediaTime)> wall_of_;
  uint32_t timescale_;
  uint32_t header_version_ = 0;
  bool header_written_ = false;

  media::Msn msn_ = 0;
  uint32_t period_ = 0;
  std::optional<int64_t> segment_start_ticks_;  // of decode time; none: no sample yet
  int64_t end_ticks_ = 0;                       // of the last sample
  uint64_t segment_size_ = 0;

  uint32_t part_index_ = 0;
  int64_t part_start_ticks_ = 0;
  uint64_t part_offset_ = 0;
  bool part_open_ = false;
  media::Independence part_independence_ = media::Independence::dependent;

  wire::Chunk chunk_;  // being filled
  uint32_t sequence_number_ = 0;
};

}  // namespace klieg::packager
