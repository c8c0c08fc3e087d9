#include "wire/dash_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <pugixml.hpp>
#include <utility>

#include "wire/utc.h"

namespace klieg::wire::dash {
namespace {

// What a Duration can count to is the year 2262: no instant that a manifest speaks of lies beyond this, and no stretch
// of time is longer than half of it.
constexpr double instant_s_max = 9e9;
constexpr double duration_s_max = instant_s_max / 2;
constexpr double reference_s_max = 1e9;  // from a Period's start to its ProducerReferenceTime: read_utc() ends at 7e9
constexpr uint32_t timescale_max = 1'000'000'000;  // so that all ticks of all times fit 63 bits
constexpr Duration availability_offset_max = std::chrono::days(1);
constexpr int width_max = 20;  // digits of a 64-bit number

template <class Number>
std::optional<Number> whole(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Duration> seconds(double value) {
  if (!(value >= 0 && value <= duration_s_max)) return std::nullopt;
  return Duration(std::llround(value * 1e9));
}

// xs:duration without years and months, whose length nobody knows: "P1DT2H3M4.5S".
std::optional<Duration> read_duration(std::string_view text) {
  if (!text.starts_with('P')) return std::nullopt;
  text.remove_prefix(1);
  bool in_time = false;
  double sum = 0;
  while (!text.empty()) {
    if (text.starts_with('T') && !std::exchange(in_time, true)) {
      text.remove_prefix(1);
      continue;
    }
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (error != std::errc() || end == text.data() + text.size()) return std::nullopt;
    const char unit = *end;
    const double unit_s = !in_time      ? (unit == 'D' ? 86'400 : 0)
                          : unit == 'H' ? 3600
                          : unit == 'M' ? 60
                          : unit == 'S' ? 1
                                        : 0;
    if (unit_s == 0) return std::nullopt;
    sum += value * unit_s;
    text.remove_prefix(static_cast<size_t>(end + 1 - text.data()));
  }
  return seconds(sum);
}

// RFC 3986 5.2, as far as a BaseURL needs it.
std::string joined(const std::string& base, std::string_view reference) {
  if (reference.starts_with('/') || reference.contains("://")) return std::string(reference);
  return base.substr(0, base.rfind('/') + 1).append(reference);
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

// What an element gives to those inside it.
struct Inherited {
  std::string base;
  Template segments{.start_number = 1};  // where it is not said (table 21)
  std::string mime;
  std::string codecs;
};

class Reader {
 public:
  Result<Manifest> read(std::string_view text) {
    pugi::xml_document document;
    if (const auto parsed = document.load_buffer(text.data(), text.size()); !parsed) {
      return fail(fmt::format("no XML: {} at byte {}", parsed.description(), parsed.offset));
    }
    const pugi::xml_node mpd = document.child("MPD");
    if (!mpd) return fail("it has no MPD");
    manifest_.presentation =
        std::string_view(mpd.attribute("type").value()) == "dynamic" ? Presentation::live : Presentation::over;
    if (const auto start = attribute(mpd, "availabilityStartTime", read_utc)) {
      manifest_.availability_start = *start;
    } else if (manifest_.presentation == Presentation::live) {
      wrong("a dynamic MPD has no availabilityStartTime");
    }
    manifest_.published = attribute(mpd, "publishTime", read_utc).value_or(WallTime());
    manifest_.update_period = duration_of(mpd, "minimumUpdatePeriod");
    manifest_.time_shift = duration_of(mpd, "timeShiftBufferDepth");
    manifest_.presentation_delay = duration_of(mpd, "suggestedPresentationDelay");
    manifest_.buffer_min = duration_of(mpd, "minBufferTime");
    manifest_.segment_duration_max = duration_of(mpd, "maxSegmentDuration");
    const pugi::xml_node latency = mpd.child("ServiceDescription").child("Latency");
    manifest_.latency = {milliseconds_of(latency, "target"), milliseconds_of(latency, "min"),
                         milliseconds_of(latency, "max")};
    manifest_.clock_url = mpd.child("UTCTiming").attribute("value").value();
    Inherited inherited;
    inherit(mpd, inherited);
    for (const pugi::xml_node period : mpd.children("Period")) read_period(period, inherited);
    if (wrong_) return std::unexpected(*wrong_);
    const auto whole_duration = attribute(mpd, "mediaPresentationDuration", read_duration);
    if (whole_duration && !manifest_.periods.empty() && !manifest_.periods.back().duration) {
      Period& last = manifest_.periods.back();
      last.duration = std::max(Duration(0), *whole_duration - last.start);
    }
    return std::move(manifest_);
  }

 private:
  void read_period(const pugi::xml_node& node, Inherited inherited) {
    Period period;
    period.index = static_cast<uint32_t>(manifest_.periods.size());
    if (!manifest_.periods.empty()) {
      Period& before = manifest_.periods.back();
      period.start = before.start + before.duration.value_or(Duration(0));
    }
    period.start = attribute(node, "start", read_duration).value_or(period.start);
    period.duration = attribute(node, "duration", read_duration);
    if (!in_time(to_seconds(period.start))) return wrong("a Period begins beyond all times");
    period.start_wall = manifest_.availability_start + period.start;
    inherit(node, inherited);
    bool told = false;
    for (const pugi::xml_node set : node.children("AdaptationSet")) {
      Inherited of_set = inherited;
      inherit(set, of_set);
      const pugi::xml_node reference = set.child("ProducerReferenceTime");
      if (const auto wall = attribute(reference, "wallClockTime", read_utc); wall && !std::exchange(told, true)) {
        const double into_s = into_period_s(number_of(reference, "presentationTime"), of_set.segments);
        if (std::abs(into_s) > reference_s_max) return wrong("a ProducerReferenceTime is of another time");
        period.start_wall = *wall - Duration(std::llround(into_s * 1e9));
      }
      for (const pugi::xml_node each : set.children("Representation")) {
        if (++representations_ > representations_max) return wrong("it has too many Representations");
        read_representation(each, of_set, period);
      }
      ++sets_;
    }
    manifest_.periods.push_back(std::move(period));
  }

  void read_representation(const pugi::xml_node& node, Inherited inherited, Period& period) {
    inherit(node, inherited);
    if (inherited.segments.media.empty()) return;  // its segments are named in another way
    Representation r;
    r.kind = inherited.mime.starts_with("audio") ? Kind::audio : Kind::video;
    r.set = sets_;
    r.name = node.attribute("id").value();
    r.codecs = inherited.codecs;
    r.bandwidth = number_of(node, "bandwidth");
    r.width = static_cast<uint32_t>(std::min<uint64_t>(number_of(node, "width"), UINT32_MAX));
    r.height = static_cast<uint32_t>(std::min<uint64_t>(number_of(node, "height"), UINT32_MAX));
    r.segments = std::move(inherited.segments);
    if (!is_in_time(r.segments, period)) return wrong("a Representation reaches beyond all times");
    for (std::string* address : {&r.segments.media, &r.segments.initialization}) {
      replace_all(*address, "$RepresentationID$", r.name);
      replace_all(*address, "$Bandwidth$", fmt::to_string(r.bandwidth));
      if (!address->empty()) *address = joined(inherited.base, *address);
    }
    period.representations.push_back(std::move(r));
  }

  void inherit(const pugi::xml_node& node, Inherited& inherited) {
    if (const pugi::xml_node base = node.child("BaseURL")) {
      inherited.base = joined(inherited.base, base.text().get());
      read_availability(base, inherited.segments);
    }
    if (const pugi::xml_attribute mime = node.attribute("mimeType")) inherited.mime = mime.value();
    if (const pugi::xml_attribute type = node.attribute("contentType"); type && inherited.mime.empty()) {
      inherited.mime = type.value();
    }
    if (const pugi::xml_attribute codecs = node.attribute("codecs")) inherited.codecs = codecs.value();
    if (const pugi::xml_node segments = node.child("SegmentTemplate")) read_template(segments, inherited.segments);
  }

  void read_template(const pugi::xml_node& node, Template& out) {
    if (const auto timescale = attribute(node, "timescale", whole<uint32_t>)) {
      if (*timescale == 0) wrong("SegmentTemplate@timescale is 0");
      if (*timescale > timescale_max) wrong("SegmentTemplate@timescale is finer than a nanosecond");
      out.timescale = std::max(1u, *timescale);
    }
    if (const pugi::xml_attribute media = node.attribute("media")) out.media = media.value();
    if (const pugi::xml_attribute header = node.attribute("initialization")) out.initialization = header.value();
    out.start_number = attribute(node, "startNumber", whole<uint64_t>).value_or(out.start_number);
    if (const auto offset = attribute(node, "presentationTimeOffset", whole<uint64_t>)) {
      out.presentation_time_offset = *offset;
    }
    if (const auto duration = attribute(node, "duration", whole<uint64_t>)) {
      if (*duration == 0) wrong("SegmentTemplate@duration is 0");
      out.duration = duration;
    }
    read_availability(node, out);
    if (const pugi::xml_node timeline = node.child("SegmentTimeline")) read_timeline(timeline, out);
  }

  void read_availability(const pugi::xml_node& node, Template& out) {
    const pugi::xml_attribute offset = node.attribute("availabilityTimeOffset");
    if (!offset) return;
    if (std::string_view(offset.value()) == "INF") {
      out.availability_offset = availability_offset_max;
      return;
    }
    const auto value = seconds(offset.as_double(-1));
    if (!value) return wrong("availabilityTimeOffset is no time");
    out.availability_offset = std::min<Duration>(*value, availability_offset_max);
  }

  void read_timeline(const pugi::xml_node& node, Template& out) {
    out.timeline.clear();
    uint64_t time = 0;
    bool open = false;  // the run before has a negative @r
    for (const pugi::xml_node s : node.children("S")) {
      if (++runs_ > runs_max) return wrong("it has too many S");
      const auto told = attribute(s, "t", whole<uint64_t>);
      const uint64_t duration = number_of(s, "d");
      const int64_t repeats = attribute(s, "r", whole<int64_t>).value_or(0);
      if (duration == 0) return wrong("an S has no duration");
      if (open) {
        Run& before = out.timeline.back();
        if (!told || *told <= before.start) return wrong("an S behind an open one has no time");
        before.count = (*told - before.start + before.duration - 1) / before.duration;
      }
      time = told.value_or(time);
      open = repeats < 0;
      const uint64_t count = open ? 1 : static_cast<uint64_t>(repeats) + 1;
      out.timeline.push_back({time, duration, open ? endless : count});
      uint64_t all = 0;  // and where the next begins, if it does not say so
      if (__builtin_mul_overflow(duration, count, &all) || __builtin_add_overflow(time, all, &time)) {
        return wrong("a SegmentTimeline reaches beyond all times");
      }
    }
  }

  // Empty where it is not there; where it cannot be understood, the manifest is wrong.
  template <class Read>
  auto attribute(const pugi::xml_node& node, const char* name, Read read) -> decltype(read(std::string_view())) {
    const pugi::xml_attribute found = node.attribute(name);
    if (!found) return std::nullopt;
    auto value = read(std::string_view(found.value()));
    if (!value) {
      wrong(fmt::format("{}@{} cannot be understood: {}", node.name(), name,
                        std::string_view(found.value()).substr(0, 80)));
    }
    return value;
  }
  uint64_t number_of(const pugi::xml_node& node, const char* name) {
    return attribute(node, name, whole<uint64_t>).value_or(0);
  }
  Duration duration_of(const pugi::xml_node& node, const char* name) {
    return attribute(node, name, read_duration).value_or(Duration(0));
  }
  Duration milliseconds_of(const pugi::xml_node& node, const char* name) {
    return seconds(static_cast<double>(number_of(node, name)) / 1000).value_or(Duration(0));
  }
  static double into_period_s(uint64_t time, const Template& segments) {
    return (static_cast<double>(time) - static_cast<double>(segments.presentation_time_offset)) / segments.timescale;
  }
  // `s` of the timeline, which begins at availability_start.
  bool in_time(double s) const {
    return s <= duration_s_max && to_seconds(manifest_.availability_start.time_since_epoch()) + s <= instant_s_max;
  }
  bool is_in_time(const Template& segments, const Period& period) const {
    const double start_s = to_seconds(period.start);
    const auto reaches = [&](uint64_t time) {
      const double into_s = into_period_s(time, segments);
      return into_s >= -duration_s_max && in_time(start_s + into_s);
    };
    if (!reaches(segments.presentation_time_offset)) return false;
    if (segments.duration && !in_time(static_cast<double>(*segments.duration) / segments.timescale)) return false;
    return std::ranges::all_of(segments.timeline, [&](const Run& run) {
      const uint64_t count = run.count == endless ? 1 : run.count;
      return reaches(run.start) && reaches(run.start + count * run.duration);
    });
  }
  void wrong(std::string words) {
    if (!wrong_) wrong_ = Error{std::move(words)};
  }

  Manifest manifest_;
  uint32_t sets_ = 0;
  size_t representations_ = 0;
  size_t runs_ = 0;
  std::optional<Error> wrong_;
};

}  // namespace

Result<Manifest> read_manifest(std::string_view text) { return Reader().read(text); }

std::string segment_address(std::string_view address, uint64_t number, uint64_t time) {
  std::string out;
  while (true) {
    const size_t begin = address.find('$');
    const size_t end = begin == address.npos ? address.npos : address.find('$', begin + 1);
    if (end == address.npos) return out.append(address);
    out.append(address.substr(0, begin));
    std::string_view name = address.substr(begin + 1, end - begin - 1);
    address.remove_prefix(end + 1);
    int width = 1;
    if (const size_t percent = name.find("%0"); percent != name.npos && name.ends_with('d')) {
      width = std::clamp(whole<int>(name.substr(percent + 2, name.size() - percent - 3)).value_or(1), 1, width_max);
      name = name.substr(0, percent);
    }
    if (name.empty()) {
      out += '$';
    } else if (name == "Number") {
      out += fmt::format("{:0{}}", number, width);
    } else if (name == "Time") {
      out += fmt::format("{:0{}}", time, width);
    }
  }
}

}  // namespace klieg::wire::dash
