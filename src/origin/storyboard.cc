#include "origin/storyboard.h"

#include <fmt/format.h>

#include <iterator>

#include "origin/manifests.h"
#include "origin/names.h"
#include "wire/utc.h"

namespace klieg::origin {
namespace {

// How long the newest picture is shown that has no successor yet.
constexpr Duration last_shown = 5s;

std::string cue_time(Duration since_zero) {
  const int64_t ms = to_ms(since_zero);
  return fmt::format("{:02}:{:02}:{:02}.{:03}", ms / 3'600'000, ms / 60'000 % 60, ms / 1000 % 60, ms % 1000);
}

}  // namespace

std::string storyboard_of(const Window& window) {
  std::string out = "WEBVTT\n";
  if (window.periods().empty()) return out;
  const WallTime zero = availability_start(window);
  fmt::format_to(std::back_inserter(out), "\nNOTE PROGRAM-DATE-TIME={} is 00:00:00.000\n", wire::utc_text(zero));
  const auto& pictures = window.thumbnails();
  const auto begin_of = [&](const Picture& picture) {
    const auto& periods = window.periods();
    const media::PeriodBegun* period = &periods.front();
    for (const media::PeriodBegun& one : periods) {
      if (one.start <= picture.born.at) period = &one;
    }
    return window.wall_of(*period, picture.born.at) - zero;
  };
  for (auto picture = pictures.begin(); picture != pictures.end(); ++picture) {
    const Duration begin = begin_of(picture->second);
    const auto next = std::next(picture);
    const Duration end = next == pictures.end() ? begin + last_shown : begin_of(next->second);
    // The server's clock may have been set back between two periods.
    if (begin < Duration(0) || end <= begin) continue;
    fmt::format_to(std::back_inserter(out), "\n{} --> {}\n{}\n", cue_time(begin), cue_time(end),
                   thumbnail_name(picture->first));
  }
  return out;
}

}  // namespace klieg::origin
