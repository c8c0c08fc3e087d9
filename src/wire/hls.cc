#include "wire/hls.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

#include "wire/utc.h"

namespace klieg::wire::hls {
namespace {

using Out = std::back_insert_iterator<std::string>;

void write_range_start(std::string& out, std::string_view attribute, const std::optional<ByteRange>& range) {
  if (range) fmt::format_to(Out(out), ",{}=\"{}@{}\"", attribute, range->size, range->offset);
}

void write_parts(std::string& out, const Segment& segment) {
  for (const Part& part : segment.parts) {
    fmt::format_to(Out(out), "#EXT-X-PART:DURATION={:.5f},URI=\"{}\"", to_seconds(part.duration), part.uri);
    write_range_start(out, "BYTERANGE", part.range);
    if (part.independent == Independent::yes) out += ",INDEPENDENT=YES";
    if (part.gap == Gap::yes) out += ",GAP=YES";
    out += '\n';
  }
}

// The tags before a segment's parts and URI.
void write_tags(std::string& out, const Segment& segment, std::string_view map_before) {
  if (segment.break_before == Break::discontinuity) out += "#EXT-X-DISCONTINUITY\n";
  if (segment.map_uri != map_before) fmt::format_to(Out(out), "#EXT-X-MAP:URI=\"{}\"\n", segment.map_uri);
  fmt::format_to(Out(out), "#EXT-X-PROGRAM-DATE-TIME:{}\n", utc_text(segment.begins));
}

// How many segments at the front lie wholly before the skip boundary.
size_t skippable(const MediaPlaylist& playlist) {
  Duration distance{0};
  if (playlist.open) {
    for (const Part& part : playlist.open->parts) distance += part.duration;
  }
  size_t kept = 0;
  for (auto segment = playlist.segments.rbegin(); segment != playlist.segments.rend(); ++segment, ++kept) {
    if (distance > skip_until(playlist.target_duration_s)) break;
    distance += segment->duration;
  }
  return playlist.segments.size() - kept;
}

}  // namespace

std::string render(const MediaPlaylist& playlist, Skip skip) {
  const auto target = playlist.target_duration_s;
  std::string out;
  out.reserve(512 + playlist.segments.size() * 100);
  fmt::format_to(Out(out), "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:{}\n", target);
  fmt::format_to(Out(out),
                 "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL={:.1f},HOLD-BACK={:.1f},"
                 "PART-HOLD-BACK={:.3f}\n#EXT-X-PART-INF:PART-TARGET={:.5f}\n",
                 to_seconds(skip_until(target)), 3.0 * target, to_seconds(playlist.part_hold_back),
                 to_seconds(playlist.part_target));
  fmt::format_to(Out(out), "#EXT-X-MEDIA-SEQUENCE:{}\n", playlist.media_sequence);
  if (playlist.discontinuity_sequence > 0) {
    fmt::format_to(Out(out), "#EXT-X-DISCONTINUITY-SEQUENCE:{}\n", playlist.discontinuity_sequence);
  }

  const size_t skipped = skip == Skip::old_segments ? skippable(playlist) : 0;
  if (skipped > 0) fmt::format_to(Out(out), "#EXT-X-SKIP:SKIPPED-SEGMENTS={}\n", skipped);
  std::string_view map = skipped > 0 ? std::string_view(playlist.segments[skipped - 1].map_uri) : std::string_view();
  for (size_t i = skipped; i < playlist.segments.size(); ++i) {
    const Segment& segment = playlist.segments[i];
    write_tags(out, segment, map);
    map = segment.map_uri;
    write_parts(out, segment);
    if (segment.gap == Gap::yes) out += "#EXT-X-GAP\n";
    fmt::format_to(Out(out), "#EXTINF:{:.5f},\n{}\n", to_seconds(segment.duration), segment.uri);
  }
  if (playlist.open) {
    write_tags(out, *playlist.open, map);
    write_parts(out, *playlist.open);
  }
  if (playlist.ended == Ended::yes) return out += "#EXT-X-ENDLIST\n";

  if (playlist.hint) {
    fmt::format_to(Out(out), "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{}\"", playlist.hint->uri);
    if (playlist.hint->offset) fmt::format_to(Out(out), ",BYTERANGE-START={}", *playlist.hint->offset);
    out += '\n';
  }
  for (const RenditionReport& report : playlist.reports) {
    fmt::format_to(Out(out), "#EXT-X-RENDITION-REPORT:URI=\"{}\",LAST-MSN={}", report.uri, report.last_msn);
    if (report.last_part) fmt::format_to(Out(out), ",LAST-PART={}", *report.last_part);
    out += '\n';
  }
  return out;
}

std::string render(const MultivariantPlaylist& playlist) {
  std::string out = "#EXTM3U\n#EXT-X-VERSION:9\n";
  if (playlist.all_segments == Independent::yes) out += "#EXT-X-INDEPENDENT-SEGMENTS\n";
  for (size_t i = 0; i < playlist.audio.size(); ++i) {
    const AudioRendition& audio = playlist.audio[i];
    fmt::format_to(Out(out), "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"{}\",DEFAULT={},AUTOSELECT=YES",
                   audio.name, i == 0 ? "YES" : "NO");
    if (audio.channels > 0) fmt::format_to(Out(out), ",CHANNELS=\"{}\"", audio.channels);
    fmt::format_to(Out(out), ",URI=\"{}\"\n", audio.uri);
  }
  for (const Variant& variant : playlist.variants) {
    fmt::format_to(Out(out), "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{}\"", variant.bandwidth,
                   variant.average_bandwidth, variant.codecs);
    if (variant.width > 0) fmt::format_to(Out(out), ",RESOLUTION={}x{}", variant.width, variant.height);
    if (variant.frame_rate > 0) fmt::format_to(Out(out), ",FRAME-RATE={:.3f}", variant.frame_rate);
    if (!playlist.audio.empty() && variant.audio == Audio::of_group) out += ",AUDIO=\"audio\"";
    fmt::format_to(Out(out), "\n{}\n", variant.uri);
  }
  return out;
}

Result<Directives> parse_directives(std::string_view query) {
  Directives directives;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view name = pair.substr(0, equals);
    const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    if (name == "_HLS_msn" || name == "_HLS_part") {
      auto& number = name == "_HLS_msn" ? directives.msn : directives.part;
      if (number) return fail(fmt::format("{} is given twice", name));
      uint64_t parsed = 0;
      const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
      if (error != std::errc() || stop != value.data() + value.size()) {
        return fail(fmt::format("{} must be a decimal number", name));
      }
      number = parsed;
    } else if (name == "_HLS_skip") {
      // "v2" also skips date ranges, of which we write none.
      if (value != "YES" && value != "v2") return fail("_HLS_skip must be YES or v2");
      directives.skip = Skip::old_segments;
    }
  }
  if (directives.part && !directives.msn) return fail("_HLS_part needs _HLS_msn");
  return directives;
}

uint64_t advance_part_limit(Duration part_target) {
  if (part_target >= 1s || part_target <= 0s) return 3;
  return static_cast<uint64_t>(std::ceil(3.0 / to_seconds(part_target)));
}

}  // namespace klieg::wire::hls
