#include "broadcaster/quantities.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klieg::broadcaster {
namespace {

TEST(quantities, what_people_type_is_understood) {
  EXPECT_EQ(parse_size("1280x720"), (PictureSize{1280, 720}));
  EXPECT_EQ(parse_rate("30"), (FrameRate{30, 1}));
  EXPECT_EQ(parse_rate("29.97"), (FrameRate{30'000, 1001}));
  EXPECT_EQ(parse_rate("23.976"), (FrameRate{24'000, 1001}));
  EXPECT_EQ(parse_rate("12.5"), (FrameRate{12'500, 1000}));
  EXPECT_EQ(parse_rate("30000/1001"), (FrameRate{30'000, 1001}));
  EXPECT_EQ(parse_bitrate("2500k"), 2'500'000u);
  EXPECT_EQ(parse_bitrate("2.5M"), 2'500'000u);
  EXPECT_EQ(parse_bitrate("800000"), 800'000u);
}

TEST(quantities, what_makes_no_sense_is_refused) {
  for (const auto text : {"", "1280", "x720", "1280x", "0x720", "1280x-1", "1280x720p", "99999x720"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
  for (const auto text : {"", "0", "-1", "fast", "30/0", "0/1", "/", "241", "1000000/1", "nan", "inf"}) {
    EXPECT_FALSE(parse_rate(text)) << text;
  }
  for (const auto text : {"", "k", "-5k", "0", "1e99", "nanM", "2500kbit"}) EXPECT_FALSE(parse_bitrate(text)) << text;
}

RC_GTEST_PROP(frame_rate, the_frame_due_is_the_last_one_whose_instant_has_come, ()) {
  const FrameRate rate{*rc::gen::inRange(1u, 120'000u), *rc::gen::inRange(1u, 2000u)};
  const Duration since(*rc::gen::inRange<int64_t>(0, 100'000'000'000'000));
  const uint64_t due = rate.frame_due(since);
  RC_ASSERT(due == 0 || rate.instant_of(due) <= since);
  RC_ASSERT(rate.instant_of(due + 1) > since);
}

TEST(frame_rate, ten_hours_of_ntsc_do_not_drift) {
  EXPECT_EQ((FrameRate{30'000, 1001}.instant_of(30'000ull * 36)), 36'036s);
}

}  // namespace
}  // namespace klieg::broadcaster
