#include "player/dates.h"

namespace klieg::player {
namespace {

constexpr auto wall_max = std::chrono::seconds(7'258'118'400);  // the year 2200, as in wire/utc.h

}  // namespace

std::optional<Dates> Dates::of(const wire::dash::Manifest& manifest) {
  Dates dates;
  for (const wire::dash::Period& period : manifest.periods) {
    if (period.representations.empty()) continue;
    const wire::dash::Template& segments = period.representations.front().segments;
    const Duration from = from_ticks(static_cast<int64_t>(segments.presentation_time_offset), segments.timescale);
    dates.periods_.push_back({MediaTime(from), period.start_wall});
  }
  if (dates.periods_.empty()) return std::nullopt;
  return dates;
}

std::optional<WallTime> Dates::wall_of(MediaTime media) const {
  const Period* of = &periods_.front();
  for (const Period& period : periods_) {
    if (period.from <= media) of = &period;
  }
  const __int128 wall = static_cast<__int128>(of->wall.time_since_epoch().count()) + media.time_since_epoch().count() -
                        of->from.time_since_epoch().count();
  if (wall < 0 || wall > Duration(wall_max).count()) return std::nullopt;
  return WallTime(Duration(static_cast<int64_t>(wall)));
}

}  // namespace klieg::player
