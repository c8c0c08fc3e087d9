#include "codec/yield.h"

#include <gtest/gtest.h>

namespace klieg::codec {
namespace {

// After how many samples of this duration it is said that nothing comes of them.
int patience(Duration duration) {
  Yield yield;
  for (int given = 1; given < 1000; ++given) {
    if (yield.gave_nothing(duration, 0)) return given;
  }
  return 0;
}

TEST(Yield, nothing_in_three_seconds_is_said) { EXPECT_EQ(patience(100ms), 30); }

TEST(Yield, few_samples_may_all_be_inside_the_decoder) { EXPECT_EQ(patience(1s), 17); }

TEST(Yield, it_is_said_once) {
  Yield yield;
  int times = 0;
  for (int given = 0; given < 100; ++given) times += yield.gave_nothing(100ms, 0);
  EXPECT_EQ(times, 1);
  yield.begin();
  for (int given = 0; given < 100; ++given) times += yield.gave_nothing(100ms, 0);
  EXPECT_EQ(times, 2) << "and once more of what begins anew";
}

TEST(Yield, one_frame_is_enough) {
  Yield yield;
  for (int given = 0; given < 20; ++given) EXPECT_FALSE(yield.gave_nothing(100ms, 0));
  EXPECT_FALSE(yield.gave_nothing(100ms, 1));
  for (int given = 0; given < 100; ++given) EXPECT_FALSE(yield.gave_nothing(100ms, 0)) << "it is broken, not unknown";
}

}  // namespace
}  // namespace klieg::codec
