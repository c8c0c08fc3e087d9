#include "wire/utc.h"

#include <gtest/gtest.h>

namespace klieg::wire {
namespace {

TEST(Utc, the_epoch_and_a_leap_day_read_as_the_calendar_says) {
  EXPECT_EQ(utc_text(WallTime(0s)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(utc_text(WallTime(1709210096s + 7ms)), "2024-02-29T12:34:56.007Z");
}

TEST(Utc, what_is_finer_than_a_millisecond_is_rounded_down) {
  EXPECT_EQ(utc_text(WallTime(999'999us)), "1970-01-01T00:00:00.999Z");
}

}  // namespace
}  // namespace klieg::wire
