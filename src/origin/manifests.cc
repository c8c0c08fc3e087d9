#include "origin/manifests.h"

#include <algorithm>
#include <cmath>

#include "origin/names.h"

namespace klieg::origin {
namespace {

namespace hls = wire::hls;
namespace dash = wire::dash;

bool listed(const Window& window, const Segment& segment) { return segment.begun.msn >= window.first_listed(); }

bool begins_independent(const TrackWindow& track, const Segment& segment) {
  if (track.kind() == media::TrackKind::audio || segment.parts.empty()) return true;
  return segment.parts.front().independence == media::Independence::independent;
}

bool all_independent(const Window& window, const TrackWindow& track) {
  return std::ranges::all_of(track.segments, [&](const Segment& segment) {
    return !listed(window, segment) || begins_independent(track, segment);
  });
}

uint64_t two_digits(double bits_per_second) {
  if (bits_per_second < 1'000) return 1'000;
  const double step = std::pow(10.0, std::floor(std::log10(bits_per_second)) - 1);
  return static_cast<uint64_t>(std::ceil(bits_per_second / step) * step);
}

// The tracks that are being sent, video first.
std::vector<const TrackWindow*> current_tracks(const Window& window) {
  std::vector<const TrackWindow*> tracks;
  for (const auto& [id, track] : window.tracks()) {
    if (std::ranges::any_of(track.segments, [&](const Segment& s) { return listed(window, s) && !s.open(); })) {
      tracks.push_back(&track);
    }
  }
  std::ranges::sort(tracks, {},
                    [](const TrackWindow* track) { return std::pair(track->kind(), track->newest().track); });
  return tracks;
}

hls::Segment view_of(const Window& window, const TrackWindow& track, const Segment& segment, const Segment* before) {
  const media::PeriodBegun& period = window.period(segment.begun.period);
  hls::Segment view;
  view.uri = segment_name(track.name(), segment.begun.msn);
  view.duration = segment.duration;
  view.begins = window.wall_of(period, segment.begun.start);
  view.map_uri = header_name(track.name(), segment.begun.header_version);
  const bool breaks = before ? window.period(before->begun.period).discontinuities != period.discontinuities
                             : period.why == media::PeriodStart::discontinuity && segment.begun.msn == period.first_msn;
  if (breaks) view.break_before = hls::Break::discontinuity;
  return view;
}

void add_parts(hls::Segment& view, const TrackWindow& track, const Segment& segment, HlsParts how) {
  for (size_t i = 0; i < segment.parts.size(); ++i) {
    const Part& part = segment.parts[i];
    hls::Part& out = view.parts.emplace_back();
    out.duration = part.duration;
    if (part.independence == media::Independence::independent || track.kind() == media::TrackKind::audio) {
      out.independent = hls::Independent::yes;
    }
    if (how == HlsParts::file) {
      out.uri = part_name(track.name(), segment.begun.msn, i);
    } else {
      out.uri = view.uri;
      out.range = hls::ByteRange{part.offset, part.size};
    }
  }
}

// How far from the grid line a cut may lie: audio is cut at the frame nearest to it.
Duration half_frame(const media::Track& track) {
  const media::AudioFormat& audio = track.audio;
  if (track.kind == media::TrackKind::video || audio.samples_per_frame == 0) return 10ms;
  return from_ticks(audio.samples_per_frame, audio.sample_rate) / 2;
}

// A segment whose media has reached its grid line is as good as ended, though only the next sample ends it.
bool reached_its_line(const Window& window, const TrackWindow& track, const Segment& open) {
  const Duration grid = window.begun().grid;
  const media::PeriodBegun& period = window.period(open.begun.period);
  const Duration slack = half_frame(track.newest().info);
  const Duration begins = open.begun.start - period.start;
  const Duration line = ((begins + slack) / grid + 1) * grid;
  return begins + open.duration + slack >= line;
}

// The part that comes next: where the open segment is as good as ended, the first of the next segment.
hls::PreloadHint hint_of(const Window& window, const TrackWindow& track, HlsParts how) {
  const Segment* open = track.open();
  media::Msn msn = track.live_msn();
  if (open && !open->parts.empty() && reached_its_line(window, track, *open)) {
    open = nullptr;
    ++msn;
  }
  if (how == HlsParts::file) return {part_name(track.name(), msn, open ? open->parts.size() : 0), std::nullopt};
  return {segment_name(track.name(), msn), open ? open->parts_size() : 0};
}

std::optional<hls::RenditionReport> report_of(const TrackWindow& track) {
  for (auto segment = track.segments.rbegin(); segment != track.segments.rend(); ++segment) {
    if (segment->parts.empty()) continue;
    return hls::RenditionReport{playlist_name(track.name()), segment->begun.msn, segment->parts.size() - 1};
  }
  return std::nullopt;
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

// What the window lists of one period.
struct PeriodContent {
  struct OfTrack {
    media::TrackId id;
    const TrackWindow* track;
    std::vector<const Segment*> finished;
    bool open = false;
    uint32_t header_version() const {
      return finished.empty() ? track->open()->begun.header_version : finished.back()->begun.header_version;
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
    PeriodContent::OfTrack found{id, &track, {}, false};
    for (const Segment& segment : track.segments) {
      if (segment.begun.period != period.index || !listed(window, segment)) continue;
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
    const bool begun = found.open || !found.finished.empty();
    if (!track.segments.empty() && !begun) content.all_begun = false;
    if (begun) content.tracks.push_back(std::move(found));
  }
  return content;
}

dash::Representation representation_of(const Window& window, const TrackWindow& track, media::TrackId id,
                                       uint32_t header_version) {
  const media::HeaderBorn& header = track.headers.at(header_version).born;
  dash::Representation r;
  r.kind = track.kind() == media::TrackKind::video ? dash::Kind::video : dash::Kind::audio;
  r.id = id;
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
  std::ranges::sort(view.representations, {}, [](const dash::Representation& r) { return std::pair(r.kind, r.id); });
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

Duration part_hold_back(const Window& window, const ManifestSettings& settings) {
  const Duration target = window.begun().part_target;
  return settings.part_hold_back > Duration(0) ? std::max(settings.part_hold_back, 3 * target) : 4 * target;
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
    if (segment.open() || segment.duration <= Duration(0)) continue;
    const double duration = to_seconds(segment.duration);
    const double segment_bits = 8.0 * static_cast<double>(segment.log->size());
    bits += segment_bits;
    seconds += duration;
    if (duration >= least_seconds) peak = std::max(peak, segment_bits / duration);
  }
  if (seconds <= 0)
    return track.kind() == media::TrackKind::video ? Bitrate{2'000'000, 2'000'000} : Bitrate{128'000, 128'000};
  const double average = bits / seconds;
  return {two_digits(std::max(peak, average)), two_digits(average)};
}

hls::MultivariantPlaylist multivariant_of(const Window& window) {
  KLIEG_ASSERT(window.playable(), "a playlist of playlists lists something that can be played");
  hls::MultivariantPlaylist out;
  out.all_segments = hls::Independent::yes;
  const std::vector<const TrackWindow*> tracks = current_tracks(window);
  const bool has_video = tracks.front()->kind() == media::TrackKind::video;
  std::string audio_codecs;
  Bitrate audio_bitrate;
  for (const TrackWindow* track : tracks) {
    if (!all_independent(window, *track)) out.all_segments = hls::Independent::no;
    if (!has_video || track->kind() == media::TrackKind::video) continue;
    const media::HeaderBorn& header = track->newest();
    out.audio.push_back({header.name, window.name() + '/' + playlist_name(header.name), header.info.audio.channels});
    const Bitrate bitrate = bitrate_of(window, *track);
    audio_bitrate = {std::max(audio_bitrate.peak, bitrate.peak), std::max(audio_bitrate.average, bitrate.average)};
    if (audio_codecs.empty()) audio_codecs = header.info.codecs;
  }
  for (const TrackWindow* track : tracks) {
    if (has_video && track->kind() != media::TrackKind::video) continue;
    const media::HeaderBorn& header = track->newest();
    const Bitrate bitrate = bitrate_of(window, *track);
    hls::Variant& variant = out.variants.emplace_back();
    variant.uri = window.name() + '/' + playlist_name(header.name);
    variant.codecs = audio_codecs.empty() ? header.info.codecs : header.info.codecs + ',' + audio_codecs;
    variant.bandwidth = bitrate.peak + audio_bitrate.peak;
    variant.average_bandwidth = bitrate.average + audio_bitrate.average;
    // RESOLUTION is what is seen: pixels that are not square are stretched to their width.
    const media::VideoFormat& video = header.info.video;
    variant.width =
        static_cast<uint32_t>(uint64_t{video.width} * std::max(1u, video.sar_width) / std::max(1u, video.sar_height));
    variant.height = video.height;
    variant.frame_rate = video.frame_rate;
  }
  return out;
}

hls::MediaPlaylist playlist_of(const Window& window, const TrackWindow& track, const ManifestSettings& settings) {
  hls::MediaPlaylist out;
  out.target_duration_s = window.begun().target_duration_s;
  out.part_target = window.begun().part_target;
  out.part_hold_back = part_hold_back(window, settings);
  if (window.state() == media::BroadcastState::ended) out.ended = hls::Ended::yes;

  const Segment* before = nullptr;
  for (const Segment& segment : track.segments) {
    if (!listed(window, segment)) continue;
    if (segment.open() && segment.parts.empty()) break;
    hls::Segment view = view_of(window, track, segment, before);
    if (!before) {
      const media::PeriodBegun& period = window.period(segment.begun.period);
      out.media_sequence = segment.begun.msn;
      // The tag of the first segment counts when it leaves, with its segment.
      out.discontinuity_sequence = period.discontinuities - (view.break_before == hls::Break::discontinuity ? 1 : 0);
    }
    before = &segment;
    if (segment.open()) {
      add_parts(view, track, segment, settings.hls_parts);
      out.open = std::move(view);
    } else {
      out.segments.push_back(std::move(view));
    }
  }
  if (out.ended == hls::Ended::yes) return out;

  Duration distance{0};  // from the end of a segment to the end of the playlist
  if (const Segment* open = track.open()) distance = open->duration;
  for (size_t i = out.segments.size(); i-- > 0 && distance < hls::parts_kept(out.target_duration_s);) {
    add_parts(out.segments[i], track, *track.find(out.media_sequence + i), settings.hls_parts);
    distance += out.segments[i].duration;
  }
  // While paused nobody knows when, or whether, the next part comes.
  if (window.state() == media::BroadcastState::live) {
    out.hint = hint_of(window, track, settings.hls_parts);
  }
  for (const TrackWindow* other : current_tracks(window)) {
    if (other == &track) continue;
    if (auto report = report_of(*other)) out.reports.push_back(std::move(*report));
  }
  return out;
}

namespace {

// How far back a player may go: what is finished and listed, which in a young broadcast is less than the window it will
// have. ffmpeg takes timeShiftBufferDepth at its word and begins that far back, before the first segment if need be. It
// grows by doubling, so that the manifest changes a few times in the first minute and not with every segment.
Duration time_shift_of(const Window& window, Duration live) {
  Duration span{0};
  for (const Segment& segment : window.main_track()->segments) {
    if (segment.begun.msn >= window.first_listed() && !segment.open()) span += segment.duration;
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
  out.availability_start = WallTime(std::chrono::floor<std::chrono::milliseconds>(zero_of(window).time_since_epoch()));
  out.update_period = std::clamp<Duration>(grid, 1s, 2s);
  out.time_shift = time_shift_of(window, live);
  out.buffer_min = 2 * window.begun().part_target;
  out.segment_duration_max = std::chrono::seconds(window.begun().target_duration_s);
  out.latency = {target_latency(settings), target_latency(settings) / 2, target_latency(settings) + grid};
  out.presentation_delay = out.latency.most;
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
