// What HLS playlists say of a window (manifests.h).
#include <algorithm>
#include <tuple>

#include "origin/manifests.h"
#include "origin/names.h"

namespace klieg::origin {
namespace {

namespace hls = wire::hls;

// What playlists offer, video first.
std::vector<const TrackWindow*> offered_tracks(const Window& window) {
  std::vector<const TrackWindow*> tracks;
  for (const auto& [id, track] : window.tracks()) {
    if (window.offers(track)) tracks.push_back(&track);
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
  view.gap = segment.gap() ? hls::Gap::yes : hls::Gap::no;
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

// Of a segment that became a gap in the middle: the parts that were listed are there, the others never will be.
void add_missing_parts(hls::Segment& view, const TrackWindow& track, const Segment& segment, Duration part_target) {
  if (!segment.gap() || segment.parts.empty()) return;
  Duration had{0};
  for (const Part& part : segment.parts) had += part.duration;
  for (uint64_t i = segment.parts.size(); had < segment.duration; ++i) {
    const Duration missing = std::min(part_target, segment.duration - had);
    view.parts.push_back({.uri = part_name(track.name(), segment.begun.msn, i),
                          .duration = missing,
                          .independent = hls::Independent::no,
                          .range = std::nullopt,
                          .gap = hls::Gap::yes});
    had += missing;
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
    if (segment->gap()) return hls::RenditionReport{playlist_name(track.name()), segment->begun.msn, std::nullopt};
    if (segment->parts.empty()) continue;
    return hls::RenditionReport{playlist_name(track.name()), segment->begun.msn, segment->parts.size() - 1};
  }
  return std::nullopt;
}

// What plays beside the pictures: the source's sound where every player can decode it, else the best that was made of
// it.
const TrackWindow* sound_of(const std::vector<const TrackWindow*>& tracks) {
  const TrackWindow* best = nullptr;
  const auto rank = [](const TrackWindow& track) {
    const bool everywhere = track.newest().info.codec == media::Codec::aac;
    return std::tuple(everywhere, !track.is_rung(), track.newest().bits_per_second);
  };
  for (const TrackWindow* track : tracks) {
    if (track->kind() != media::TrackKind::audio) continue;
    if (!best || rank(*track) > rank(*best)) best = track;
  }
  return best;
}

hls::Variant variant_of(const Window& window, const TrackWindow& track, const TrackWindow* sound) {
  const media::HeaderBorn& header = track.newest();
  const Bitrate bitrate = bitrate_of(window, track);
  hls::Variant variant;
  variant.uri = window.name() + '/' + playlist_name(header.name);
  variant.codecs = header.info.codecs;
  variant.bandwidth = bitrate.peak;
  variant.average_bandwidth = bitrate.average;
  if (sound) {
    const Bitrate of_sound = bitrate_of(window, *sound);
    variant.codecs += ',' + sound->newest().info.codecs;
    variant.bandwidth += of_sound.peak;
    variant.average_bandwidth += of_sound.average;
  } else {
    variant.audio = hls::Audio::own;
  }
  // RESOLUTION is what is seen: pixels that are not square are stretched to their width.
  const media::VideoFormat& video = header.info.video;
  variant.width =
      static_cast<uint32_t>(uint64_t{video.width} * std::max(1u, video.sar_width) / std::max(1u, video.sar_height));
  variant.height = video.height;
  variant.frame_rate = video.frame_rate;
  return variant;
}

// The variant to list first. hls.js takes its first estimate of the bandwidth from it, Safari begins with it: one that
// a phone's network carries and that is worth looking at. The best of at most 2.2 Mbit/s and 720 lines, else the least.
const TrackWindow* start_of(const Window& window, const std::vector<const TrackWindow*>& tracks) {
  constexpr int64_t start_bits_max = 2'200'000;
  constexpr uint32_t start_lines_max = 720;
  const auto fitness = [&](const TrackWindow& track) {
    const media::Track& info = track.newest().info;
    const auto bits =
        static_cast<int64_t>(track.is_rung() ? track.newest().bits_per_second : bitrate_of(window, track).average);
    const bool fits = info.codec == media::Codec::avc && bits <= start_bits_max &&
                      std::min(info.video.width, info.video.height) <= start_lines_max;
    return std::pair(fits, fits ? bits : -bits);
  };
  const TrackWindow* start = nullptr;
  for (const TrackWindow* track : tracks) {
    if (track->kind() != media::TrackKind::video || track->lost()) continue;
    if (!start || fitness(*track) > fitness(*start)) start = track;
  }
  return start;
}

}  // namespace

Duration part_hold_back(const Window& window, const ManifestSettings& settings) {
  const Duration target = window.begun().part_target;
  return settings.part_hold_back > Duration(0) ? std::max(settings.part_hold_back, 3 * target) : 4 * target;
}

hls::MultivariantPlaylist multivariant_of(const Window& window) {
  KLIEG_ASSERT(window.playable(), "a playlist of playlists lists something that can be played");
  hls::MultivariantPlaylist out;
  out.all_segments = hls::Independent::yes;
  const std::vector<const TrackWindow*> tracks = offered_tracks(window);
  for (const TrackWindow* track : tracks) {
    if (!all_independent(window, *track)) out.all_segments = hls::Independent::no;
  }
  const bool has_video = tracks.front()->kind() == media::TrackKind::video;
  const TrackWindow* sound = has_video ? sound_of(tracks) : nullptr;
  if (sound) {
    const media::HeaderBorn& header = sound->newest();
    out.audio.push_back({header.name, window.name() + '/' + playlist_name(header.name), header.info.audio.channels});
  }
  const TrackWindow* start = has_video ? start_of(window, tracks) : nullptr;
  if (start) out.variants.push_back(variant_of(window, *start, sound));
  for (const TrackWindow* track : tracks) {
    const bool video = track->kind() == media::TrackKind::video;
    // Sound alone, for who wants no picture: hls.js and Shaka leave it out of their choice where there is video.
    const bool alone = !video && (!has_video || track->is_rung());
    if (track != start && (video || alone)) out.variants.push_back(variant_of(window, *track, video ? sound : nullptr));
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
    if (!window.lists(segment)) continue;
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
    const Segment& segment = *track.find(out.media_sequence + i);
    add_parts(out.segments[i], track, segment, settings.hls_parts);
    add_missing_parts(out.segments[i], track, segment, out.part_target);
    distance += out.segments[i].duration;
  }
  // While paused nobody knows when, or whether, the next part comes.
  if (window.state() == media::BroadcastState::live) {
    out.hint = hint_of(window, track, settings.hls_parts);
  }
  for (const TrackWindow* other : offered_tracks(window)) {
    if (other == &track) continue;
    if (auto report = report_of(*other)) out.reports.push_back(std::move(*report));
  }
  return out;
}

}  // namespace klieg::origin
