#include "wire/utc.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klieg::wire {
namespace {

TEST(Utc, the_epoch_and_a_leap_day_read_as_the_calendar_says) {
  EXPECT_EQ(utc_text(WallTime(0s)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(utc_text(WallTime(1709210096s + 7ms)), "2024-02-29T12:34:56.007Z");
}

TEST(Utc, what_is_finer_than_a_millisecond_is_rounded_down) {
  EXPECT_EQ(utc_text(WallTime(999'999us)), "1970-01-01T00:00:00.999Z");
}

RC_GTEST_PROP(Utc, what_was_written_is_read_again, (uint32_t s, uint16_t ms)) {
  const WallTime time(std::chrono::seconds(s) + std::chrono::milliseconds(ms));
  RC_ASSERT(read_utc(utc_text(time)) == time);
}

TEST(Utc, is_read_with_an_offset_and_any_fraction) {
  EXPECT_EQ(read_utc("2024-02-29T13:34:56+01:00"), WallTime(1709210096s));
  EXPECT_EQ(read_utc("2024-02-29T12:34:56.0075Z"), WallTime(1709210096s + 7500us));
  EXPECT_EQ(read_utc("2024-02-29T10:04:56-0230"), WallTime(1709210096s));
}

TEST(Utc, of_other_text_is_nothing) {
  for (const char* text : {"", "2024", "2024-02-30T00:00:00Z", "2024-02-29T12:34:56", "2024-02-29 12:34:56Z",
                           "2024-02-29T12:34:56Zx", "2024-02-29T25:00:00Z", "9999-02-28T00:00:00Z"}) {
    EXPECT_FALSE(read_utc(text)) << text;
  }
}

}  // namespace
}  // namespace klieg::wire
