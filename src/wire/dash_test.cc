#include "wire/dash.h"

#include <gtest/gtest.h>

namespace klieg::wire::dash {
namespace {

TEST(Dash, frame_rates_are_the_fractions_that_encoders_mean) {
  EXPECT_EQ(frame_rate_text(30), "30");
  EXPECT_EQ(frame_rate_text(29.97), "30000/1001");
  EXPECT_EQ(frame_rate_text(30000.0 / 1001), "30000/1001");
  EXPECT_EQ(frame_rate_text(23.976), "24000/1001");
  EXPECT_EQ(frame_rate_text(59.94), "60000/1001");
  EXPECT_EQ(frame_rate_text(12.5), "25/2");
}

TEST(Dash, durations_are_written_to_the_microsecond_and_no_longer_than_needed) {
  EXPECT_EQ(duration_text(0s), "PT0S");
  EXPECT_EQ(duration_text(1001ms), "PT1.001S");
  EXPECT_EQ(duration_text(3600s), "PT3600S");
  EXPECT_EQ(duration_text(1'033'333'333ns), "PT1.033333S");
}

TEST(Dash, segments_that_follow_on_with_the_same_length_are_one_run) {
  std::vector<dash::Run> runs;
  append(runs, 0, 100);
  append(runs, 100, 100);
  append(runs, 200, 50);
  append(runs, 300, 50);  // after a gap
  EXPECT_EQ(runs, (std::vector<dash::Run>{{0, 100, 2}, {200, 50, 1}, {300, 50, 1}}));
}

TEST(Dash, a_timescale_is_found_in_which_the_grid_is_exact) {
  EXPECT_EQ(exact_timescale(1s, 44'100), 44'100u);
  EXPECT_EQ(exact_timescale(1001ms, 44'100), 1'000u);
  EXPECT_EQ(exact_timescale(1'033'333'333ns, 90'000), 1'000'000'000u);
}

TEST(Dash, what_comes_from_a_broadcaster_cannot_leave_its_attribute) {
  Manifest manifest;
  Period& period = manifest.periods.emplace_back();
  Representation& representation = period.representations.emplace_back();
  representation.codecs = "\"/><evil a=\"&";
  const std::string text = render(manifest);
  EXPECT_EQ(text.find("<evil"), std::string::npos);
  EXPECT_NE(text.find("&quot;/>&lt;evil a=&quot;&amp;"), std::string::npos);
}

}  // namespace
}  // namespace klieg::wire::dash
