#include "transcoder/ladder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

namespace klieg::transcoder {
namespace {

// Live encoding without look-ahead needs about half as much again as what is usual for films of these sizes. From 480p
// down the frame rate is that of most sources: motion costs more than it gives on a small picture.
constexpr std::array<RungWish, 6> usual{{
    {.short_side = 1080, .bits_per_second = 4'500'000},
    {.short_side = 720, .bits_per_second = 2'500'000},
    {.short_side = 480, .bits_per_second = 1'200'000, .frame_rate_max = 30},
    {.short_side = 360, .bits_per_second = 700'000, .frame_rate_max = 30},
    {.short_side = 240, .bits_per_second = 350'000, .frame_rate_max = 30},
    {.kind = media::TrackKind::audio, .bits_per_second = 64'000},
}};

// Above this share of the source's short side a rung is nearly its size.
constexpr double nearly_the_source = 0.9;
// 60 fps of NTSC is 59.94 and a clock in milliseconds says 60.2: within 1 % it is the same rate.
constexpr double frame_rate_tolerance = 1.01;
// A source that does not say its frame rate.
constexpr double usual_frame_rate = 30;

constexpr size_t wishes_max = 12;  // more tracks than any player's menu holds, and than a RungId has to number
constexpr uint32_t short_side_min = 64;
constexpr uint32_t short_side_max = 4320;
constexpr uint32_t bits_per_second_min = 16'000;
constexpr uint32_t bits_per_second_max = 50'000'000;

// x264 veryfast and FFmpeg's decoder on one core of a server of 2020, in pixels of luma per second.
constexpr double encoded_pixels_per_core_second = 110e6;
constexpr double decoded_pixels_per_core_second = 450e6;
constexpr double audio_cost_in_cores = 0.01;

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// A number at the front of `text`, taken off it.
std::optional<uint32_t> take_number(std::string_view& text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

const RungWish* usual_like(const RungWish& wish) {
  const auto* found = std::ranges::find_if(
      usual, [&](const RungWish& other) { return other.kind == wish.kind && other.short_side == wish.short_side; });
  return found == usual.end() ? nullptr : found;
}

Result<RungWish> parse_rung(std::string_view word) {
  const auto wrong = [&](std::string_view why) {
    return fail(fmt::format("ladder rung \"{}\": {} (write for example 720p, 720p30, 720p:2500k, audio or audio:64k)",
                            word, why));
  };
  std::string_view rest = word;
  RungWish wish;
  uint32_t frame_rate_max = 0;
  if (take(rest, "audio")) {
    wish.kind = media::TrackKind::audio;
  } else {
    const auto side = take_number(rest);
    if (!side || !take(rest, "p")) return wrong("a rung is a height or audio");
    if (*side < short_side_min || *side > short_side_max || *side % 2 != 0) {
      return wrong(fmt::format("a height is an even number from {} to {}", short_side_min, short_side_max));
    }
    wish.short_side = *side;
    if (!rest.empty() && rest.front() != ':') {
      const auto rate = take_number(rest);
      if (!rate || *rate < 1 || *rate > 240) return wrong("a frame rate is from 1 to 240");
      frame_rate_max = *rate;
    }
  }
  if (const RungWish* like = usual_like(wish)) wish = *like;
  if (frame_rate_max) wish.frame_rate_max = frame_rate_max;
  if (take(rest, ":")) {
    const auto kilobits = take_number(rest);
    if (!kilobits || !take(rest, "k") || *kilobits > bits_per_second_max / 1000 ||
        *kilobits * 1000 < bits_per_second_min) {
      return wrong(fmt::format("a bitrate is from {}k to {}k", bits_per_second_min / 1000, bits_per_second_max / 1000));
    }
    wish.bits_per_second = *kilobits * 1000;
  }
  if (!rest.empty()) return wrong("what follows is not understood");
  if (wish.bits_per_second == 0) return wrong("this height has no usual bitrate: give it one");
  return wish;
}

uint32_t even(double length) { return std::max(2u, static_cast<uint32_t>(std::lround(length / 2)) * 2); }

double frame_rate_of(const media::VideoFormat& format) {
  return format.frame_rate > 0 ? format.frame_rate : usual_frame_rate;
}

uint32_t frame_divisor(const RungWish& wish, const media::VideoFormat& format) {
  if (wish.frame_rate_max <= 0) return 1;
  return std::max(
      1u, static_cast<uint32_t>(std::ceil(frame_rate_of(format) / (wish.frame_rate_max * frame_rate_tolerance))));
}

media::Rung video_rung(const RungWish& wish, const media::VideoFormat& format, PictureSize shown, uint32_t short_side) {
  const double scale = static_cast<double>(short_side) / std::min(shown.width, shown.height);
  return {.name = name_of(wish),
          .kind = media::TrackKind::video,
          .bits_per_second = wish.bits_per_second,
          .width = even(shown.width * scale),
          .height = even(shown.height * scale),
          .frame_divisor = frame_divisor(wish, format)};
}

}  // namespace

Result<std::vector<RungWish>> parse_rungs(std::string_view text) {
  std::vector<RungWish> wishes;
  if (trim(text).empty() || trim(text) == "none") return wishes;
  for (bool more = true; more;) {
    const size_t comma = text.find(',');
    more = comma != std::string_view::npos;
    auto wish = parse_rung(trim(text.substr(0, comma)));
    if (!wish) return std::unexpected(wish.error());
    for (const RungWish& other : wishes) {
      if (name_of(other) == name_of(*wish)) return fail(fmt::format("ladder: {} is there twice", name_of(*wish)));
    }
    wishes.push_back(*wish);
    if (wishes.size() > wishes_max) return fail(fmt::format("ladder: at most {} rungs", wishes_max));
    if (more) text.remove_prefix(comma + 1);
  }
  std::ranges::sort(wishes, [](const RungWish& a, const RungWish& b) {
    if (a.kind != b.kind) return a.kind == media::TrackKind::video;
    return a.kind == media::TrackKind::video ? a.short_side > b.short_side : a.bits_per_second > b.bits_per_second;
  });
  return wishes;
}

std::string name_of(const RungWish& wish) {
  return wish.kind == media::TrackKind::audio ? fmt::format("audio-{}k", wish.bits_per_second / 1000)
                                              : fmt::format("{}p", wish.short_side);
}

PictureSize shown_size(const media::VideoFormat& format) {
  if (format.sar_width == 0 || format.sar_height == 0) return {format.width, format.height};
  const double width = static_cast<double>(format.width) * format.sar_width / format.sar_height;
  return {static_cast<uint32_t>(std::lround(width)), format.height};
}

std::vector<media::Rung> choose_ladder(const std::vector<RungWish>& wishes, const Source& source) {
  std::vector<media::Rung> rungs;
  if (source.video) {
    const media::VideoFormat& format = source.video->video;
    const PictureSize shown = shown_size(format);
    const uint32_t short_side = std::min(shown.width, shown.height);
    const RungWish* least = nullptr;
    for (const RungWish& wish : wishes) {
      if (wish.kind != media::TrackKind::video || short_side < 2) continue;
      least = &wish;
      const double limit = source.top == TopRung::source ? short_side * nearly_the_source : short_side;
      if (wish.short_side > limit) continue;
      rungs.push_back(video_rung(wish, format, shown, wish.short_side));
    }
    if (rungs.empty() && least && source.top == TopRung::none) {
      rungs.push_back(video_rung(*least, format, shown, short_side));
    }
  }
  if (source.audio) {
    for (const RungWish& wish : wishes) {
      if (wish.kind != media::TrackKind::audio) continue;
      rungs.push_back({.name = name_of(wish), .kind = wish.kind, .bits_per_second = wish.bits_per_second});
    }
  }
  return rungs;
}

double cost_in_cores(const media::Rung& rung, double source_frame_rate) {
  if (rung.kind == media::TrackKind::audio) return audio_cost_in_cores;
  const double frame_rate = source_frame_rate > 0 ? source_frame_rate : usual_frame_rate;
  return static_cast<double>(rung.width) * rung.height * frame_rate / rung.frame_divisor /
         encoded_pixels_per_core_second;
}

double cost_in_cores(const std::vector<media::Rung>& rungs, const Source& source) {
  double cores = 0;
  double frame_rate = 0;
  if (source.video) {
    const media::VideoFormat& format = source.video->video;
    frame_rate = frame_rate_of(format);
    cores += static_cast<double>(format.width) * format.height * frame_rate / decoded_pixels_per_core_second;
  }
  for (const media::Rung& rung : rungs) cores += cost_in_cores(rung, frame_rate);
  return cores;
}

}  // namespace klieg::transcoder
