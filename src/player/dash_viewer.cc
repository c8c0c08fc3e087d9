#include "player/dash_viewer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "wire/cmaf_reader.h"
#include "wire/dash_reader.h"

namespace klieg::player {

namespace dash = wire::dash;

namespace {

// What is said to be shorter or longer is none.
constexpr Duration segment_min = 1ms, segment_max = std::chrono::days(1);

// Segments of one length, one behind the other.
struct Stretch {
  Duration begins{0};
  uint64_t ticks = 0;  // of each
  uint64_t count = 0;
  uint64_t number = 0;
  uint64_t time = 0;
};

std::vector<Stretch> stretches_of(const dash::Period& period, const dash::Template& of) {
  if (of.duration) {
    return {{period.start, *of.duration, dash::endless, of.start_number, of.presentation_time_offset}};
  }
  std::vector<Stretch> stretches;
  uint64_t number = of.start_number;
  for (const dash::Run& run : of.timeline) {
    const auto into = static_cast<int64_t>(run.start - of.presentation_time_offset);
    stretches.push_back({period.start + from_ticks(into, of.timescale), run.duration, run.count, number, run.start});
    number += run.count;
  }
  return stretches;
}

const dash::Template* watched(const dash::Period& period) {
  if (period.representations.empty()) return nullptr;
  const auto video = std::ranges::find(period.representations, dash::Kind::video, &dash::Representation::kind);
  return &(video == period.representations.end() ? period.representations.front() : *video).segments;
}

}  // namespace

std::optional<DashViewer::Segment> DashViewer::segment_behind(Duration from) const {
  for (size_t i = 0; i < manifest_->periods.size(); ++i) {
    const dash::Period& period = manifest_->periods[i];
    const dash::Template* of = watched(period);
    if (!of) continue;
    Duration end = period.duration ? period.start + *period.duration : Duration::max();
    if (i + 1 < manifest_->periods.size()) end = std::min(end, manifest_->periods[i + 1].start);
    for (const Stretch& stretch : stretches_of(period, *of)) {
      const Duration each = from_ticks(static_cast<int64_t>(stretch.ticks), of->timescale);
      if (each < segment_min || each > segment_max) continue;
      const Duration past = from - stretch.begins - each / 2;
      const uint64_t nth = past < Duration(0) ? 0 : static_cast<uint64_t>(past / each) + 1;
      if (nth >= stretch.count) continue;
      const Duration begins = stretch.begins + from_ticks(static_cast<int64_t>(nth * stretch.ticks), of->timescale);
      if (begins >= end) break;
      return Segment{&period, of, begins, each, stretch.number + nth, stretch.time + nth * stretch.ticks};
    }
  }
  return std::nullopt;
}

Duration DashViewer::offset_of(const dash::Template& segments) const {
  return grows() ? segments.availability_offset.value_or(Duration(0)) : Duration(0);
}

Duration DashViewer::since_start(LoopTime now) const {
  return std::max(Duration(0), clocks_.server_wall(now) - manifest_->availability_start);
}

// The newest that may be asked for now lies behind this.
Duration DashViewer::newest(LoopTime now) const {
  const Duration at = since_start(now);
  Duration each{0}, offset{0};
  for (const dash::Period& period : manifest_->periods) {
    const dash::Template* of = watched(period);
    if (!of || period.start > at) continue;
    const std::vector<Stretch> stretches = stretches_of(period, *of);
    if (stretches.empty()) continue;
    each = std::min(segment_max, from_ticks(static_cast<int64_t>(stretches.back().ticks), of->timescale));
    offset = offset_of(*of);
  }
  return at - each + std::min(offset, each) - each / 2;
}

Wanted DashViewer::want_manifest(LoopTime at) {
  asked_ = Asked::manifest;
  return {.target = path_, .at = at};
}

std::optional<Wanted> DashViewer::next(LoopTime now) {
  if (!manifest_ || manifest_wrong_) return want_manifest(std::max(now, poll_at_));
  const bool over = manifest_->presentation == dash::Presentation::over;
  if (elsewhere_) from_ = place_of(*std::exchange(elsewhere_, std::nullopt));
  if (!from_) from_ = newest(now);
  segment_ = segment_behind(*from_);
  if (!segment_ && over) return std::nullopt;
  if (!segment_) return want_manifest(std::max(now, poll_at_));
  const dash::Template& of = *segment_->of;
  std::string header = resolved(path_, dash::segment_address(of.initialization, 0, 0));
  if (!of.initialization.empty() && header != header_path_) {
    asked_ = Asked::header;
    header_path_ = std::move(header);
    return Wanted{.target = header_path_, .at = now};
  }
  asked_ = Asked::segment;
  const Duration available = segment_->begins + segment_->duration - std::min(offset_of(of), segment_->duration);
  const LoopTime at = clocks_.loop_time(manifest_->availability_start + available);
  return Wanted{.target = resolved(path_, dash::segment_address(of.media, segment_->number, segment_->time)),
                .at = over ? now : std::max(now, at),
                .body = grows() ? Body::growing : Body::whole};
}

Duration DashViewer::place_of(MediaTime media) const {
  Duration place = media.time_since_epoch();
  for (const dash::Period& period : manifest_->periods) {
    const dash::Template* of = watched(period);
    if (!of) continue;
    const Duration begins = from_ticks(static_cast<int64_t>(of->presentation_time_offset), of->timescale);
    if (begins <= media.time_since_epoch()) place = period.start + media.time_since_epoch() - begins;
  }
  return place;
}

std::optional<Duration> DashViewer::begins_of(const ChunkTime& chunk) {
  const dash::Template& of = *segment_->of;
  const Duration into =
      chunk.from.time_since_epoch() - from_ticks(static_cast<int64_t>(of.presentation_time_offset), of.timescale);
  const Duration begins = segment_->period->start + into;
  const Duration half = segment_->duration / 2;  // which segments may be off
  if (begins < segment_->begins - half || begins > segment_->begins + segment_->duration + half) {
    elsewhere_ = chunk.from + chunk.duration;
    return std::nullopt;
  }
  return begins;
}

std::vector<Received> DashViewer::grew(const Answered& so_far, ByteView piece, LoopTime now) {
  if (so_far.status != 200 || wrong_ || !times_) return {};
  const auto cuts = cutter_.feed(piece, now);
  if (!cuts) {
    wrong_ = cuts.error();
    return {};
  }
  std::vector<Received> received;
  for (const ChunkCutter::Cut& cut : *cuts) {
    const auto time = times_->read(cut.content);
    const auto begins = time ? begins_of(*time) : std::nullopt;
    if (!begins) continue;
    Received one{.begins = manifest_->availability_start + *begins,
                 .duration = time->duration,
                 .captured = time->captured,
                 .told = {},
                 .transfer = so_far,
                 .holds = time->holds};
    if (!joined_ && one.begins + one.duration < clocks_.server_wall(so_far.asked)) continue;
    one.transfer.first_byte = cut.first_byte;
    one.transfer.last_byte = cut.last_byte;
    received.push_back(std::move(one));
  }
  return received;
}

Result<std::optional<Received>> DashViewer::take(const Answered& answered) {
  if (wrong_) return std::unexpected(*wrong_);
  cutter_ = {};
  if (answered.status != 200) return failed(answered);
  failures_ = 0;
  switch (asked_) {
    case Asked::manifest:
      if (auto taken = take_manifest(answered); !taken) return std::unexpected(taken.error());
      return std::nullopt;
    case Asked::header: {
      auto times = ChunkTimes::of(answered.body);
      if (!times) return fail(fmt::format("{}: {}", header_path_, times.error().message));
      times_ = *std::move(times);
      return std::nullopt;
    }
    case Asked::segment:
      break;
  }
  return take_segment(answered);
}

Result<std::optional<Received>> DashViewer::take_segment(const Answered& answered) {
  from_ = segment_->begins + segment_->duration;
  failed_once_ = false;
  joined_ = true;
  Received received{.begins = manifest_->availability_start + segment_->begins,
                    .duration = segment_->duration,
                    .captured = {},
                    .told = {},
                    .transfer = answered};
  if (!grows() && times_) {
    const auto cuts = ChunkCutter().feed(answered.body, answered.last_byte);
    if (!cuts) return std::unexpected(cuts.error());
    for (const ChunkCutter::Cut& cut : *cuts) {
      if (const auto time = times_->read(cut.content)) begins_of(*time);
    }
  }
  if (elsewhere_) {
    manifest_wrong_ = true;
    poll_at_ = answered.last_byte;
  }
  if (grows() || elsewhere_) return std::nullopt;
  const auto reference = wire::first_reference(answered.body);
  if (reference && reference->event == wire::ReferenceEvent::captured) received.captured = reference->wall;
  return received;
}

// What fails may be of a Period that has ended, or of a broadcast that has: the manifest will know. What fails twice is
// passed over.
Result<std::optional<Received>> DashViewer::failed(const Answered& answered) {
  if (++failures_ == failures_max) {
    return fail(fmt::format("{} answers {} again and again", path_, answered.status));
  }
  poll_at_ = answered.last_byte + retry_after;
  manifest_wrong_ = true;
  if (asked_ == Asked::header) header_path_.clear();
  if (asked_ == Asked::segment && std::exchange(failed_once_, !failed_once_)) {
    from_ = segment_->begins + segment_->duration;
  }
  return std::nullopt;
}

Result<void> DashViewer::take_manifest(const Answered& answered) {
  auto manifest = dash::read_manifest(answered.body.text());
  if (!manifest) return fail(fmt::format("{}: {}", path_, manifest.error().message));
  manifest_ = *std::move(manifest);
  manifest_wrong_ = false;
  poll_at_ = answered.asked + poll_every_.value_or(std::max(retry_after, manifest_->update_period));
  return {};
}

}  // namespace klieg::player
