#include "broadcaster/quantities.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>

namespace klieg::broadcaster {

namespace {

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

constexpr uint32_t frames_per_second_max = 240;
constexpr double bitrate_max = 1e9;

}  // namespace

Result<PictureSize> parse_size(std::string_view text) {
  const size_t by = text.find('x');
  if (by != std::string_view::npos) {
    const auto width = number_of<int>(text.substr(0, by)), height = number_of<int>(text.substr(by + 1));
    if (width && height && *width > 0 && *height > 0 && *width <= 8192 && *height <= 8192) {
      return PictureSize{*width, *height};
    }
  }
  return fail(fmt::format("\"{}\" is not a size: write WIDTHxHEIGHT, such as 1280x720", text));
}

Result<FrameRate> parse_rate(std::string_view text) {
  std::optional<FrameRate> rate;
  if (const size_t slash = text.find('/'); slash != std::string_view::npos) {
    const auto frames = number_of<uint32_t>(text.substr(0, slash)),
               seconds = number_of<uint32_t>(text.substr(slash + 1));
    if (frames && seconds) rate = FrameRate{*frames, *seconds};
  } else if (const auto value = number_of<double>(text); value && *value > 0 && *value <= frames_per_second_max) {
    // A decimal fraction stands for one of the NTSC rates, k * 1000 / 1001, where it is near one.
    const double rounded = std::round(*value);
    if (std::abs(*value - rounded) < 1e-9) {
      rate = FrameRate{static_cast<uint32_t>(rounded), 1};
    } else if (const double ntsc = std::ceil(*value); std::abs(ntsc * 1000 / 1001 - *value) < 0.01) {
      rate = FrameRate{static_cast<uint32_t>(ntsc) * 1000, 1001};
    } else {
      rate = FrameRate{static_cast<uint32_t>(std::lround(*value * 1000)), 1000};
    }
  }
  if (!rate || rate->frames == 0 || rate->seconds == 0 || rate->frames > 1'000'000 || rate->seconds > 1'000'000 ||
      rate->frames > uint64_t{frames_per_second_max} * rate->seconds) {
    return fail(fmt::format("\"{}\" is not a frame rate: write 30, 29.97 or 30000/1001, at most {}", text,
                            frames_per_second_max));
  }
  return *rate;
}

Result<uint32_t> parse_bitrate(std::string_view text) {
  double unit = 1;
  std::string_view digits = text;
  if (text.ends_with('k') || text.ends_with('K')) unit = 1e3;
  if (text.ends_with('M')) unit = 1e6;
  if (unit > 1) digits.remove_suffix(1);
  const auto value = number_of<double>(digits);
  if (!value || !(*value * unit >= 1000) || *value * unit > bitrate_max) {
    return fail(fmt::format("\"{}\" is not a bitrate: write bits per second, such as 2500k or 2.5M", text));
  }
  return static_cast<uint32_t>(std::lround(*value * unit));
}

}  // namespace klieg::broadcaster
