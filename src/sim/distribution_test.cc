#include "sim/distribution.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klieg::sim {
namespace {

TEST(Curve, of_values_steps_once_for_each) {
  const Curve curve = Curve::of({3, 1, 2, 4});
  EXPECT_DOUBLE_EQ(*curve.value(0.25), 1);
  EXPECT_DOUBLE_EQ(*curve.value(1), 4);
  EXPECT_DOUBLE_EQ(curve.share(2), 0.5);
  EXPECT_DOUBLE_EQ(curve.share(0.5), 0);
  EXPECT_DOUBLE_EQ(curve.share(9), 1);
  EXPECT_DOUBLE_EQ(curve.mean(), 2.5);
}

TEST(Curve, is_straight_between_points_and_unknown_beyond_the_last) {
  const Point points[] = {{0.1, 1}, {0.5, 3}, {0.9, 11}};
  const Curve curve(points);
  EXPECT_DOUBLE_EQ(*curve.value(0.3), 2);
  EXPECT_DOUBLE_EQ(*curve.value(0.01), 1);
  EXPECT_FALSE(curve.value(0.95));
  EXPECT_DOUBLE_EQ(curve.share(7), 0.7);
  EXPECT_DOUBLE_EQ(curve.share(100), 0.9);
}

TEST(Curve, of_nothing_knows_nothing) {
  EXPECT_FALSE(Curve::of({}).value(0.5));
  EXPECT_EQ(Curve::of({}).share(1), 0);
  EXPECT_EQ(Curve::of({}).mean(), 0);
}

RC_GTEST_PROP(Curve, value_and_share_are_each_others_inverse, (std::vector<uint16_t> drawn, uint8_t at)) {
  RC_PRE(!drawn.empty());
  const Curve curve = Curve::of(std::vector<double>(drawn.begin(), drawn.end()));
  const double share = (at + 1) / 256.0;
  RC_ASSERT(curve.share(*curve.value(share)) >= share - 1e-9);
}

}  // namespace
}  // namespace klieg::sim
