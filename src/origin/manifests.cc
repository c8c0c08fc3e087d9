#include "origin/manifests.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "origin/names.h"

namespace klieg::origin {
namespace {

namespace dash = wire::dash;

uint64_t two_digits(double bits_per_second) {
  if (bits_per_second < 1'000) return 1'000;
  const double step = std::pow(10.0, std::floor(std::log10(bits_per_second)) - 1);
  return static_cast<uint64_t>(std::ceil(bits_per_second / step) * step);
}

// The wall clock of presentation time zero, exact. A broadcast whose first frame is shown before that begins there.
WallTime zero_of(const Window& window) {
  const media::PeriodBegun& first = window.periods().front();
  return first.start_wall - std::max(Duration(0), first.start.time_since_epoch());
}

Duration to_whole_ms(Duration duration) { return std::chrono::round<std::chrono::milliseconds>(duration); }

enum class Addressing : uint8_t { by_number, by_time };  // SegmentTemplate@duration, SegmentTimeline

// Segments a DASH player finds by arithmetic may lie at most half a segment off (ISO/IEC 23009-1 5.3.9.2.1).
bool on_grid(const Window& window, const media::PeriodBegun& period) {
  if (period.why == media::PeriodStart::off_grid) return false;
  const Duration grid = window.begun().grid;
  for (const auto& [id, track] : window.tracks()) {
    for (const Segment& segment : track.segments) {
      if (segment.begun.period != period.index) continue;
      const Duration expected = grid * static_cast<int64_t>(segment.begun.msn - period.first_msn);
      if (std::chrono::abs(segment.begun.start - period.start - expected) > grid / 2) return false;
    }
  }
  return true;
}

// "avc1" of "avc1.64001f": what a decoder must be able to.
std::string_view coding_of(const TrackWindow& track) {
  const std::string_view codecs = track.newest().info.codecs;
  return codecs.substr(0, codecs.find('.'));
}

// The AdaptationSet is numbered by the first track of its kind and coding.
uint32_t set_of(const Window& window, const TrackWindow& track, media::TrackId id) {
  for (const auto& [other_id, other] : window.tracks()) {
    if (other.kind() == track.kind() && coding_of(other) == coding_of(track)) return other_id;
  }
  return id;
}

// What the window lists of one period.
struct PeriodContent {
  struct OfTrack {
    media::TrackId id;
    const TrackWindow* track;
    std::vector<const Segment*> finished;
    bool open = false;
    uint32_t header_version() const {
      if (!finished.empty()) return finished.back()->begun.header_version;
      return track->open() ? track->open()->begun.header_version : track->newest().version;
    }
  };
  std::vector<OfTrack> tracks;
  MediaTime begin = MediaTime::max();  // of the first listed segment, if any is finished
  MediaTime end = MediaTime::min();
  media::Msn next_msn = 0;  // behind the last finished segment
  bool any_finished = false;
  bool all_begun = true;  // every track that is being sent
};

PeriodContent content_of(const Window& window, const media::PeriodBegun& period) {
  PeriodContent content;
  for (const auto& [id, track] : window.tracks()) {
    if (track.is_rung() && (!window.offers(track) || track.lost())) continue;
    PeriodContent::OfTrack found{id, &track, {}, false};
    for (const Segment& segment : track.segments) {
      if (segment.begun.period != period.index || !window.lists(segment)) continue;
      if (segment.open()) {
        found.open = true;
        continue;
      }
      found.finished.push_back(&segment);
      content.any_finished = true;
      content.begin = std::min(content.begin, segment.begun.start);
      content.end = std::max(content.end, segment.begun.start + segment.duration);
      content.next_msn = std::max(content.next_msn, segment.begun.msn + 1);
    }
    // A rung that never had a segment will have them with the header it was announced with.
    const bool awaited = track.is_rung() && track.segments.empty() && period.index == window.periods().back().index;
    const bool begun = found.open || !found.finished.empty() || awaited;
    if (!track.segments.empty() && !begun) content.all_begun = false;
    if (begun) content.tracks.push_back(std::move(found));
  }
  // By AdaptationSet, video first.
  std::ranges::sort(content.tracks, {}, [&](const PeriodContent::OfTrack& of) {
    return std::tuple(of.track->kind(), set_of(window, *of.track, of.id), of.id);
  });
  return content;
}

dash::Representation representation_of(const Window& window, const TrackWindow& track, media::TrackId id,
                                       uint32_t header_version) {
  const media::HeaderBorn& header = track.headers.at(header_version).born;
  dash::Representation r;
  r.kind = track.kind() == media::TrackKind::video ? dash::Kind::video : dash::Kind::audio;
  r.set = set_of(window, track, id);
  r.name = header.name;
  r.codecs = header.info.codecs;
  r.bandwidth = bitrate_of(window, track).peak;
  r.starts_with_key = all_independent(window, track) ? dash::StartsWithKey::yes : dash::StartsWithKey::no;
  r.width = header.info.video.width;
  r.height = header.info.video.height;
  r.sar_width = std::max(1u, header.info.video.sar_width);
  r.sar_height = std::max(1u, header.info.video.sar_height);
  r.frame_rate = header.info.video.frame_rate;
  r.sample_rate = header.info.audio.sample_rate;
  r.channels = header.info.audio.channels;
  r.segments.initialization = window.name() + '/' + header_name(header.name, header_version);
  r.segments.media = window.name() + '/' + header.name + "-$Number$.m4s";
  return r;
}

// What may be asked of a segment before its end: all but the first chunk of one or two frames.
Duration availability_offset(const Window& window) {
  double frame_rate = 30;
  for (const auto& [id, track] : window.tracks()) {
    if (track.is_rung()) continue;  // a moment later than the source
    if (track.kind() == media::TrackKind::video && track.newest().info.video.frame_rate > 0) {
      frame_rate = track.newest().info.video.frame_rate;
    }
  }
  const Duration chunk = std::min(window.begun().part_target, Duration(static_cast<int64_t>(2e9 / frame_rate)));
  return std::chrono::floor<std::chrono::milliseconds>(std::max(Duration(0), window.begun().grid - chunk));
}

void write_timeline(dash::Template& out, const std::vector<const Segment*>& segments) {
  for (size_t i = 0; i < segments.size(); ++i) {
    const Segment& segment = *segments[i];
    const MediaTime end =
        i + 1 < segments.size() ? segments[i + 1]->begun.start : segment.begun.start + segment.duration;
    const int64_t start_ticks = to_ticks(segment.begun.start.time_since_epoch(), out.timescale);
    const int64_t end_ticks = to_ticks(end.time_since_epoch(), out.timescale);
    dash::append(out.timeline, static_cast<uint64_t>(std::max<int64_t>(0, start_ticks)),
                 static_cast<uint64_t>(std::max<int64_t>(1, end_ticks - start_ticks)));
  }
}

// Where a period begins in the document, which is where its first segment does if that is all there ever will be.
struct Beginning {
  Duration shift{0};  // from where the period began
  media::Msn start_number = 0;
};

// A presentation that is over begins with what is left of it; one that lives keeps its beginning, because players know
// its segments by their distance from there.
Beginning beginning_of(const Window& window, const media::PeriodBegun& period, const PeriodContent& content,
                       Addressing addressing) {
  Beginning beginning{Duration(0), period.first_msn};
  if (window.state() != media::BroadcastState::ended || window.first_listed() <= period.first_msn) return beginning;
  beginning.start_number = window.first_listed();
  if (addressing == Addressing::by_number) {
    beginning.shift = window.begun().grid * static_cast<int64_t>(beginning.start_number - period.first_msn);
  } else {
    beginning.shift = std::max(Duration(0), content.begin - period.start);
  }
  return beginning;
}

void write_template(dash::Template& out, const Window& window, const media::PeriodBegun& period,
                    const PeriodContent::OfTrack& of, Addressing addressing, const Beginning& beginning) {
  const uint32_t own_timescale = of.track->headers.at(of.header_version()).born.timescale;
  const Duration grid = window.begun().grid;
  out.timescale = addressing == Addressing::by_number ? dash::exact_timescale(grid, own_timescale) : own_timescale;
  const Duration offset = (period.start + beginning.shift).time_since_epoch();
  out.presentation_time_offset = static_cast<uint64_t>(std::max<int64_t>(0, to_ticks(offset, out.timescale)));
  if (addressing == Addressing::by_time) {
    out.start_number = of.finished.front()->begun.msn;
    write_timeline(out, of.finished);
    return;
  }
  out.start_number = beginning.start_number;
  out.duration = static_cast<uint64_t>(to_ticks(grid, out.timescale));
  if (window.state() != media::BroadcastState::ended) out.availability_offset = availability_offset(window);
}

// Empty: not to be shown yet, or no longer. A period appears whole: with the tracks it will have, not with the one that
// was quickest.
std::optional<dash::Period> period_of(const Window& window, const media::PeriodBegun& period,
                                      const media::PeriodBegun* next) {
  const bool over = window.state() == media::BroadcastState::ended;
  const Addressing addressing = on_grid(window, period) ? Addressing::by_number : Addressing::by_time;
  const PeriodContent content = content_of(window, period);
  if (content.tracks.empty()) return std::nullopt;
  if (!content.any_finished && (addressing == Addressing::by_time || !content.all_begun)) return std::nullopt;

  const Beginning beginning = beginning_of(window, period, content, addressing);
  dash::Period view;
  view.index = period.index;
  // The server's clock may have been set back since the broadcast began; nothing begins before that.
  view.start = std::max(Duration(0), to_whole_ms(period.start_wall - zero_of(window))) + beginning.shift;
  view.start_wall = period.start_wall;
  // After a discontinuity the next period begins some time after this one's last segment; otherwise just there.
  if (over || (next && next->why == media::PeriodStart::discontinuity)) {
    Duration duration = content.any_finished ? content.end - period.start - beginning.shift : Duration(0);
    // Players divide by the grid and round up: what sticks out by a millisecond would be a segment that never was.
    if (addressing == Addressing::by_number) {
      duration =
          std::min(duration, window.begun().grid * static_cast<int64_t>(content.next_msn - beginning.start_number));
    }
    if (next) duration = std::min(duration, to_whole_ms(next->start_wall - zero_of(window)) - view.start);
    view.duration = std::max(Duration(0), duration);
  }
  for (const PeriodContent::OfTrack& of : content.tracks) {
    if (of.finished.empty() && addressing == Addressing::by_time) continue;
    dash::Representation r = representation_of(window, *of.track, of.id, of.header_version());
    write_template(r.segments, window, period, of, addressing, beginning);
    view.representations.push_back(std::move(r));
  }
  return view;
}

// When a period's entry last told something new: its beginning, or the end of its last segment where each is named or
// where no more will come. Reckoned from the media, so that it is the same wherever the window is mirrored.
WallTime published_of(const Window& window, const media::PeriodBegun& period, const dash::Period& view) {
  const bool by_time = !view.representations.empty() && !view.representations.front().segments.duration;
  if (!by_time && window.state() != media::BroadcastState::ended) return period.start_wall;
  const PeriodContent content = content_of(window, period);
  return content.any_finished ? window.wall_of(period, content.end) : period.start_wall;
}

}  // namespace

bool all_independent(const Window& window, const TrackWindow& track) {
  return std::ranges::all_of(track.segments, [&](const Segment& segment) {
    if (!window.lists(segment) || track.kind() == media::TrackKind::audio || segment.parts.empty()) return true;
    return segment.parts.front().independence == media::Independence::independent;
  });
}

WallTime availability_start(const Window& window) {
  return WallTime(std::chrono::floor<std::chrono::milliseconds>(zero_of(window).time_since_epoch()));
}

Duration target_latency(const ManifestSettings& settings) {
  return settings.target_latency > Duration(0) ? settings.target_latency : Duration(900ms);
}

Bitrate bitrate_of(const Window& window, const TrackWindow& track) {
  double peak = 0;
  double bits = 0;
  double seconds = 0;
  // A segment much shorter than the target says nothing about the rate (the definition of peak segment bit rate).
  const double least_seconds = 0.5 * window.begun().target_duration_s;
  for (const Segment& segment : track.segments) {
    if (segment.open() || segment.gap() || segment.duration <= Duration(0)) continue;
    const double duration = to_seconds(segment.duration);
    const double segment_bits = 8.0 * static_cast<double>(segment.log->size());
    bits += segment_bits;
    seconds += duration;
    if (duration >= least_seconds) peak = std::max(peak, segment_bits / duration);
  }
  // A rung that shows a still picture now may need in a second all that its encoder is held to.
  const double held_to = track.newest().bits_per_second;
  peak = std::max(peak, held_to);
  if (seconds <= 0) {
    if (track.is_rung()) return {two_digits(held_to), two_digits(held_to)};
    return track.kind() == media::TrackKind::video ? Bitrate{2'000'000, 2'000'000} : Bitrate{128'000, 128'000};
  }
  const double average = bits / seconds;
  return {two_digits(std::max(peak, average)), two_digits(average)};
}

namespace {

// How far back a player may go: what is finished and listed, which in a young broadcast is less than the window it will
// have. ffmpeg takes timeShiftBufferDepth at its word and begins that far back, before the first segment if need be. It
// grows by doubling, so that the manifest changes a few times in the first minute and not with every segment.
Duration time_shift_of(const Window& window, Duration live) {
  Duration span{0};
  for (const Segment& segment : window.main_track()->segments) {
    if (window.lists(segment) && !segment.open()) span += segment.duration;
  }
  if (span >= live) return live;
  Duration depth = window.begun().grid;
  while (depth * 2 <= span) depth *= 2;
  return depth;
}

}  // namespace

dash::Manifest manifest_of(const Window& window, const ManifestSettings& settings, Duration live) {
  KLIEG_ASSERT(window.playable(), "a manifest lists something that can be played");
  const Duration grid = window.begun().grid;
  const bool over = window.state() == media::BroadcastState::ended;
  dash::Manifest out;
  out.presentation = over ? dash::Presentation::over : dash::Presentation::live;
  out.availability_start = availability_start(window);
  out.update_period = std::clamp<Duration>(grid, 1s, 2s);
  out.time_shift = time_shift_of(window, live);
  out.buffer_min = 2 * window.begun().part_target;
  out.segment_duration_max = std::chrono::seconds(window.begun().target_duration_s);
  out.latency = {target_latency(settings), target_latency(settings) / 2, target_latency(settings) + grid};
  // Plain readers may begin in the segment that is being born, too: it is sent to them as it grows. Shaka never plays
  // closer to the edge than this.
  out.presentation_delay = out.latency.target;
  out.clock_url = settings.clock_url;

  const auto& periods = window.periods();
  for (size_t i = 0; i < periods.size(); ++i) {
    auto period = period_of(window, periods[i], i + 1 < periods.size() ? &periods[i + 1] : nullptr);
    if (!period) continue;
    out.published = std::max(out.published, published_of(window, periods[i], *period));
    out.periods.push_back(std::move(*period));
  }
  return out;
}

}  // namespace klieg::origin
