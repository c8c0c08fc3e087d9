#include "player/dates.h"

#include <gtest/gtest.h>

namespace klieg::player {
namespace {

namespace dash = wire::dash;

constexpr WallTime wall(1'800'000'000s);

dash::Period period(uint64_t begins_s, WallTime at) {
  dash::Period period{.start_wall = at};
  period.representations.push_back({});
  period.representations.back().segments = {.timescale = 90'000, .presentation_time_offset = begins_s * 90'000};
  return period;
}

TEST(Dates, are_those_of_the_period_that_an_instant_lies_in) {
  dash::Manifest manifest;
  manifest.periods = {period(10, wall), period(20, wall + 15s)};
  const auto dates = Dates::of(manifest);
  ASSERT_TRUE(dates);
  EXPECT_EQ(dates->wall_of(MediaTime(12s)), wall + 2s);
  EXPECT_EQ(dates->wall_of(MediaTime(20s)), wall + 15s);
  EXPECT_EQ(dates->wall_of(MediaTime(9s)), wall - 1s) << "before the first one";
  EXPECT_EQ(dates->wall_of(MediaTime::max()), std::nullopt);
  EXPECT_EQ(dates->wall_of(MediaTime::min()), std::nullopt);
}

TEST(Dates, are_none_where_no_media_is_named) {
  dash::Manifest manifest;
  EXPECT_FALSE(Dates::of(manifest));
  manifest.periods.emplace_back();
  EXPECT_FALSE(Dates::of(manifest));
}

}  // namespace
}  // namespace klieg::player
