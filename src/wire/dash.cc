#include "wire/dash.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <span>
#include <string_view>

#include "base/assert.h"
#include "wire/utc.h"

namespace klieg::wire::dash {
namespace {

using Out = std::back_insert_iterator<std::string>;

// Attribute values come from us, except codecs and names, which come from parameter sets and configuration.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

void write_template(std::string& out, const Template& segments, std::string_view indent) {
  fmt::format_to(Out(out), "{}<SegmentTemplate timescale=\"{}\" initialization=\"{}\" media=\"{}\" startNumber=\"{}\"",
                 indent, segments.timescale, escaped(segments.initialization), escaped(segments.media),
                 segments.start_number);
  if (segments.presentation_time_offset > 0) {
    fmt::format_to(Out(out), " presentationTimeOffset=\"{}\"", segments.presentation_time_offset);
  }
  if (segments.availability_offset) {
    fmt::format_to(Out(out), " availabilityTimeOffset=\"{:.3f}\" availabilityTimeComplete=\"false\"",
                   to_seconds(*segments.availability_offset));
  }
  if (segments.duration) {
    fmt::format_to(Out(out), " duration=\"{}\"/>\n", *segments.duration);
    return;
  }
  fmt::format_to(Out(out), ">\n{}  <SegmentTimeline>\n", indent);
  for (const Run& run : segments.timeline) {
    fmt::format_to(Out(out), "{}    <S t=\"{}\" d=\"{}\"", indent, run.start, run.duration);
    if (run.count > 1) fmt::format_to(Out(out), " r=\"{}\"", run.count - 1);
    out += "/>\n";
  }
  fmt::format_to(Out(out), "{0}  </SegmentTimeline>\n{0}</SegmentTemplate>\n", indent);
}

// ChannelConfiguration of ISO/IEC 23001-8: the count, up to 5.1; eight channels are layout 12 (7.1 with side speakers).
uint32_t channel_layout(uint32_t channels) { return channels == 8 ? 12 : channels; }

enum class OwnTemplate : uint8_t { no, yes };  // yes: the set has several, each with its own names

void write_representation(std::string& out, const Representation& r, OwnTemplate own) {
  fmt::format_to(Out(out), "        <Representation id=\"{}\" codecs=\"{}\" bandwidth=\"{}\"", escaped(r.name),
                 escaped(r.codecs), r.bandwidth);
  std::string children;
  if (r.kind == Kind::video) {
    if (r.width > 0) fmt::format_to(Out(out), " width=\"{}\" height=\"{}\"", r.width, r.height);
    fmt::format_to(Out(out), " sar=\"{}:{}\"", r.sar_width, r.sar_height);
    if (r.frame_rate > 0) fmt::format_to(Out(out), " frameRate=\"{}\"", frame_rate_text(r.frame_rate));
  } else {
    if (r.sample_rate > 0) fmt::format_to(Out(out), " audioSamplingRate=\"{}\"", r.sample_rate);
    if (r.channels > 0) {
      fmt::format_to(Out(children),
                     "          <AudioChannelConfiguration schemeIdUri=\"urn:mpeg:mpegB:cicp:ChannelConfiguration\" "
                     "value=\"{}\"/>\n",
                     channel_layout(r.channels));
    }
  }
  if (own == OwnTemplate::yes) write_template(children, r.segments, "          ");
  if (children.empty()) {
    out += "/>\n";
  } else {
    fmt::format_to(Out(out), ">\n{}        </Representation>\n", children);
  }
}

void write_adaptation_set(std::string& out, std::span<const Representation> set, const Period& period,
                          const Manifest& manifest) {
  const Representation& first = set.front();
  const std::string_view kind = first.kind == Kind::video ? "video" : "audio";
  fmt::format_to(Out(out),
                 "      <AdaptationSet id=\"{}\" contentType=\"{}\" mimeType=\"{}/mp4\" segmentAlignment=\"true\"",
                 first.set, kind, kind);
  if (std::ranges::all_of(set, [](const auto& r) { return r.starts_with_key == StartsWithKey::yes; })) {
    out += " startWithSAP=\"1\"";
  }
  if (first.kind == Kind::video && first.width > 0 && first.height > 0) {
    const uint64_t across = uint64_t{first.width} * first.sar_width;
    const uint64_t down = uint64_t{first.height} * first.sar_height;
    const uint64_t divisor = std::gcd(across, down);
    fmt::format_to(Out(out), " par=\"{}:{}\"", across / divisor, down / divisor);
  }
  out += ">\n";
  if (manifest.presentation == Presentation::live) {
    fmt::format_to(
        Out(out),
        "        <ProducerReferenceTime id=\"{}\" type=\"encoder\" wallClockTime=\"{}\" presentationTime=\"{}\">\n"
        "          <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-iso:2014\" value=\"{}\"/>\n"
        "        </ProducerReferenceTime>\n",
        first.set, utc_text(period.start_wall), first.segments.presentation_time_offset, escaped(manifest.clock_url));
  }
  if (set.size() == 1) write_template(out, first.segments, "        ");
  for (const Representation& r : set)
    write_representation(out, r, set.size() == 1 ? OwnTemplate::no : OwnTemplate::yes);
  out += "      </AdaptationSet>\n";
}

void write_period(std::string& out, const Period& period, const Manifest& manifest) {
  fmt::format_to(Out(out), "    <Period id=\"{}\" start=\"{}\"", period.index, duration_text(period.start));
  if (period.duration) fmt::format_to(Out(out), " duration=\"{}\"", duration_text(*period.duration));
  out += ">\n";
  const std::span<const Representation> all = period.representations;
  for (size_t begin = 0; begin < all.size();) {
    size_t end = begin + 1;
    while (end < all.size() && all[end].set == all[begin].set) ++end;
    write_adaptation_set(out, all.subspan(begin, end - begin), period, manifest);
    begin = end;
  }
  out += "    </Period>\n";
}

}  // namespace

void append(std::vector<Run>& runs, uint64_t start, uint64_t duration) {
  if (!runs.empty()) {
    Run& last = runs.back();
    if (last.duration == duration && last.start + last.count * last.duration == start) {
      ++last.count;
      return;
    }
  }
  runs.push_back({start, duration, 1});
}

std::string frame_rate_text(double frames_per_second) {
  const double whole = std::round(frames_per_second);
  if (std::abs(frames_per_second - whole) < 0.001) return fmt::format("{}", static_cast<uint64_t>(whole));
  const double ntsc = std::round(frames_per_second * 1.001);  // 24000/1001, 30000/1001, 60000/1001
  if (std::abs(frames_per_second - ntsc / 1.001) < 0.005)
    return fmt::format("{}/1001", static_cast<uint64_t>(ntsc * 1000));
  const auto thousandths = static_cast<uint64_t>(std::llround(frames_per_second * 1000));
  const uint64_t divisor = std::gcd(thousandths, uint64_t{1000});
  return fmt::format("{}/{}", thousandths / divisor, 1000 / divisor);
}

std::string duration_text(Duration duration) {
  const int64_t us = std::chrono::round<std::chrono::microseconds>(duration).count();
  KLIEG_ASSERT(us >= 0, "nothing in a manifest lasts less than nothing");
  if (us % 1'000'000 == 0) return fmt::format("PT{}S", us / 1'000'000);
  std::string text = fmt::format("PT{}.{:06}", us / 1'000'000, us % 1'000'000);
  text.erase(text.find_last_not_of('0') + 1);
  return text + 'S';
}

uint32_t exact_timescale(Duration grid, uint32_t preferred) {
  for (const uint32_t timescale : {preferred, uint32_t{1'000}, uint32_t{90'000}, uint32_t{1'000'000}}) {
    if (static_cast<__int128>(grid.count()) * timescale % 1'000'000'000 == 0) return timescale;
  }
  return 1'000'000'000;
}

std::string render(const Manifest& manifest) {
  const bool live = manifest.presentation == Presentation::live;
  std::string out;
  out.reserve(2048);
  out +=
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" "
      "profiles=\"urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019,"
      "http://www.dashif.org/guidelines/low-latency-live-v5\"";
  fmt::format_to(Out(out), " type=\"{}\" availabilityStartTime=\"{}\" publishTime=\"{}\"", live ? "dynamic" : "static",
                 utc_text(manifest.availability_start), utc_text(manifest.published));
  if (live) {
    fmt::format_to(Out(out),
                   " minimumUpdatePeriod=\"{}\" timeShiftBufferDepth=\"{}\" suggestedPresentationDelay=\"{}\"",
                   duration_text(manifest.update_period), duration_text(manifest.time_shift),
                   duration_text(manifest.presentation_delay));
  } else if (!manifest.periods.empty()) {
    const Period& last = manifest.periods.back();
    fmt::format_to(Out(out), " mediaPresentationDuration=\"{}\"",
                   duration_text(last.start + last.duration.value_or(Duration(0))));
  }
  fmt::format_to(Out(out), " maxSegmentDuration=\"{}\" minBufferTime=\"{}\">\n",
                 duration_text(manifest.segment_duration_max), duration_text(manifest.buffer_min));
  if (live) {
    // Latency refers to the ProducerReferenceTime of the first AdaptationSet.
    uint32_t reference = 0;
    if (!manifest.periods.empty() && !manifest.periods.back().representations.empty()) {
      reference = manifest.periods.back().representations.front().set;
    }
    fmt::format_to(Out(out),
                   "    <ServiceDescription id=\"0\">\n"
                   "      <Latency target=\"{}\" min=\"{}\" max=\"{}\" referenceId=\"{}\"/>\n"
                   "      <PlaybackRate min=\"0.95\" max=\"1.05\"/>\n"
                   "    </ServiceDescription>\n",
                   to_ms(manifest.latency.target), to_ms(manifest.latency.least), to_ms(manifest.latency.most),
                   reference);
  }
  for (const Period& period : manifest.periods) write_period(out, period, manifest);
  if (live) {
    fmt::format_to(Out(out), "    <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-iso:2014\" value=\"{}\"/>\n",
                   escaped(manifest.clock_url));
  }
  return out += "</MPD>\n";
}

}  // namespace klieg::wire::dash
