#include "base/reconnecting.h"

#include <gtest/gtest.h>

namespace klieg {
namespace {

constexpr LoopTime start = LoopTime(1000s);

TEST(Reconnecting, the_first_attempt_and_the_one_after_a_loss_are_due_at_once) {
  Reconnecting reconnecting(1);
  EXPECT_TRUE(reconnecting.due(start));
  reconnecting.reached();
  reconnecting.lost(start + 1s);
  EXPECT_FALSE(reconnecting.due(start));
  EXPECT_TRUE(reconnecting.due(start + 1s));
}

TEST(Reconnecting, each_failure_doubles_the_pause_up_to_the_longest) {
  Reconnecting reconnecting(1);
  Duration expected = Reconnecting::first_rest;
  for (int i = 0; i < 20; ++i) {
    reconnecting.failed(start);
    const Duration pause = reconnecting.next_at() - start;
    EXPECT_GE(pause, expected);
    EXPECT_LE(pause, expected + expected / 4);
    expected = std::min(Reconnecting::longest_rest, expected * 2);
  }
  EXPECT_EQ(expected, Reconnecting::longest_rest);
}

TEST(Reconnecting, success_makes_the_pauses_short_again) {
  Reconnecting reconnecting(1);
  for (int i = 0; i < 20; ++i) reconnecting.failed(start);
  reconnecting.reached();
  reconnecting.failed(start);
  EXPECT_LE(reconnecting.next_at() - start, Reconnecting::first_rest * 5 / 4);
}

TEST(Reconnecting, nodes_with_different_seeds_do_not_come_back_together) {
  Reconnecting one(1), other(2);
  one.failed(start);
  other.failed(start);
  EXPECT_NE(one.next_at(), other.next_at());
}

}  // namespace
}  // namespace klieg
