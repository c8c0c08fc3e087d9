#include "packager/track_writer.h"

#include "wire/cmaf_header.h"

namespace klieg::packager {

using media::Independence;
using media::Sync;

TrackWriter::TrackWriter(TrackName name, const media::Track& track, const Grid& grid, media::RecordSink& out,
                         std::function<WallTime(MediaTime)> wall_of)
    : name_(std::move(name)),
      track_(track),
      grid_(grid),
      out_(out),
      wall_of_(std::move(wall_of)),
      timescale_(wire::cmaf_timescale(track)) {}

void TrackWriter::change_track(const media::Track& track) {
  if (track == track_) return;
  track_ = track;
  timescale_ = wire::cmaf_timescale(track);
  if (header_written_) ++header_version_;
  header_written_ = false;
}

void TrackWriter::begin_segment(media::Msn msn, uint32_t period) {
  KLIEG_ASSERT(segment_empty(), "the segment before has ended");
  msn_ = msn;
  period_ = period;
  write_header();
}

void TrackWriter::write_header() {
  KLIEG_ASSERT(segment_empty(), "a header is born between segments");
  if (header_written_) return;
  header_written_ = true;
  out_.on_record(media::HeaderBorn{.track = name_.id,
                                   .version = header_version_,
                                   .name = name_.name,
                                   .timescale = timescale_,
                                   .info = track_,
                                   .content = wire::write_cmaf_header(track_),
                                   .bits_per_second = name_.bits_per_second});
}

void TrackWriter::open_segment(MediaTime start, MediaTime decode_time) {
  segment_start_ticks_ = to_ticks(decode_time.time_since_epoch(), timescale_);
  segment_size_ = 0;
  part_index_ = 0;
  part_offset_ = 0;
  out_.on_record(media::SegmentBegun{.track = name_.id,
                                     .msn = msn_,
                                     .period = period_,
                                     .header_version = header_version_,
                                     .start = start,
                                     .decode_ticks = *segment_start_ticks_});
}

void TrackWriter::write(const media::Sample& sample) {
  const auto ticks = [&](MediaTime time) { return to_ticks(time.time_since_epoch(), timescale_); };
  const int64_t begin = ticks(sample.decode_time);
  const int64_t end = ticks(sample.decode_time + sample.duration);
  const bool segment_start = segment_empty();
  const auto fits = [&](int64_t until) {
    return from_ticks(until - part_start_ticks_, timescale_) <= grid_.part_target;
  };
  if (segment_start) open_segment(sample.presentation_time(), sample.decode_time);
  if (part_open_ && !fits(end)) end_part();
  if (!part_open_) {
    part_open_ = true;
    part_start_ticks_ = begin;
    part_independence_ = Independence::dependent;
    if (sample.captured) {
      chunk_.reference = {wire::ReferenceEvent::captured, *sample.captured,
                          static_cast<uint64_t>(std::max<int64_t>(ticks(sample.presentation_time()), 0))};
    } else if (segment_start) {
      chunk_.reference = {wire::ReferenceEvent::ingested, wall_of_(sample.presentation_time()),
                          static_cast<uint64_t>(std::max<int64_t>(ticks(sample.presentation_time()), 0))};
    }
    if (segment_start) chunk_.place = wire::ChunkPlace::segment_start;
  }
  if (sample.sync == Sync::yes) part_independence_ = Independence::independent;
  // A chunk's samples lie end to end; one that does not continue the last needs a decode time of its own.
  if (!chunk_.samples.empty() && begin != end_ticks_) end_chunk();
  if (chunk_.samples.empty()) chunk_.decode_ticks = static_cast<uint64_t>(begin);
  chunk_.samples.push_back({.duration = static_cast<uint32_t>(end - begin),
                            .composition_offset = static_cast<int32_t>(ticks(sample.presentation_time()) - begin),
                            .sync = sample.sync,
                            .content = sample.content});
  end_ticks_ = end;
  const size_t frames_per_chunk = track_.kind == media::TrackKind::audio || sample.duration <= 20ms ? 2 : 1;
  if (chunk_.samples.size() >= frames_per_chunk) end_chunk();
  if (!fits(end + (end - begin))) end_part();
}

Duration TrackWriter::segment_until(MediaTime end) const {
  if (segment_empty()) return Duration(0);
  return end.time_since_epoch() - from_ticks(*segment_start_ticks_, timescale_);
}

void TrackWriter::end_chunk() {
  if (chunk_.samples.empty()) return;
  chunk_.kind = track_.kind;
  chunk_.timescale = timescale_;
  chunk_.usual_duration = track_.kind == media::TrackKind::audio ? track_.audio.samples_per_frame : 0;
  chunk_.sequence_number = ++sequence_number_;
  Bytes content = wire::write_cmaf_chunk(chunk_);
  chunk_ = {};
  segment_size_ += content.size();
  out_.on_record(media::ChunkBorn{.track = name_.id, .content = std::move(content)});
}

void TrackWriter::end_part() {
  if (!part_open_) return;
  end_chunk();
  part_open_ = false;
  out_.on_record(media::PartEnded{.track = name_.id,
                                  .msn = msn_,
                                  .index = part_index_++,
                                  .offset = part_offset_,
                                  .size = segment_size_ - part_offset_,
                                  .duration = from_ticks(end_ticks_ - part_start_ticks_, timescale_),
                                  .independence = part_independence_});
  part_offset_ = segment_size_;
}

void TrackWriter::end_segment() {
  KLIEG_ASSERT(!segment_empty(), "a segment has at least one sample");
  end_part();
  out_.on_record(media::SegmentEnded{
      .track = name_.id, .msn = msn_, .duration = from_ticks(end_ticks_ - *segment_start_ticks_, timescale_)});
  segment_start_ticks_.reset();
}

void TrackWriter::end_segment_as_gap(MediaTime start, Duration duration) {
  if (segment_empty()) open_segment(start, start);
  end_part();
  out_.on_record(
      media::SegmentEnded{.track = name_.id, .msn = msn_, .duration = duration, .presence = media::Presence::gap});
  segment_start_ticks_.reset();
}

}  // namespace klieg::packager
