#include "player/pace.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klieg::player {
namespace {

// The cases of web/src/playback/pace.test.ts: the two laws are one.
double at(Duration behind, Duration ahead, double rate = 1) {
  return pace({.behind = behind, .target = 600ms, .ahead = ahead, .rate = rate}, of_parts);
}

TEST(Pace, is_1_at_the_target) { EXPECT_EQ(at(600ms, 500ms), 1); }

TEST(Pace, is_faster_behind_the_target_the_further_the_faster) {
  EXPECT_EQ(at(900ms, 800ms), 1.05);
  EXPECT_EQ(at(2000ms, 1800ms), 1.1);
}

TEST(Pace, goes_on_until_the_target_is_reached_and_then_does_not_flutter) {
  EXPECT_EQ(at(700ms, 600ms, 1.05), 1.05);
  EXPECT_EQ(at(630ms, 500ms, 1.05), 1);
  EXPECT_EQ(at(700ms, 600ms), 1);
}

TEST(Pace, never_spends_the_last_parts_to_catch_up) { EXPECT_EQ(at(2000ms, 250ms), 1); }

TEST(Pace, is_slower_when_nearly_dry_at_the_live_edge_until_a_part_is_in_hand_again) {
  EXPECT_EQ(at(600ms, 50ms), 0.97);
  EXPECT_EQ(at(600ms, 200ms, 0.97), 0.97);
  EXPECT_EQ(at(600ms, 350ms, 0.97), 1);
}

TEST(Pace, is_slower_when_nearer_to_the_edge_than_the_target_until_it_is_reached) {
  EXPECT_EQ(at(400ms, 400ms), 0.97);
  EXPECT_EQ(at(500ms, 500ms), 1);
  EXPECT_EQ(at(500ms, 500ms, 0.97), 0.97);
  EXPECT_EQ(at(580ms, 500ms, 0.97), 1);
}

TEST(Pace, is_1_for_a_viewer_who_watches_the_past) { EXPECT_EQ(at(20s, 10s), 1); }

TEST(Pace, of_chunks_keeps_within_frames_of_the_target) {
  const auto of = [](Duration behind, Duration ahead, double rate = 1) {
    return pace({.behind = behind, .target = 200ms, .ahead = ahead, .rate = rate}, of_chunks);
  };
  EXPECT_EQ(of(250ms, 200ms), 1);
  EXPECT_EQ(of(270ms, 200ms), 1.05);
  EXPECT_EQ(of(220ms, 200ms, 1.05), 1.05);
  EXPECT_EQ(of(210ms, 200ms, 1.05), 1);
  EXPECT_EQ(of(270ms, 60ms), 1);
  EXPECT_EQ(of(200ms, 30ms), 0.97);
  EXPECT_EQ(of(130ms, 100ms), 0.97);
}

RC_GTEST_PROP(Pace, never_leaves_what_can_be_listened_to_and_never_hurries_into_a_stall, ()) {
  const auto ms = [](int from, int to) { return std::chrono::milliseconds(*rc::gen::inRange(from, to)); };
  const Position position{.behind = ms(0, 20'000),
                          .target = ms(0, 10'000),
                          .ahead = ms(0, 5'000),
                          .rate = *rc::gen::element(slowest, 1.0, 1.05, fastest)};
  const PaceLaw law = *rc::gen::element(of_parts, of_chunks);
  const double rate = pace(position, law);
  RC_ASSERT(rate >= slowest && rate <= fastest);
  if (rate > 1) RC_ASSERT(position.ahead >= law.spare);
  if (rate > 1) RC_ASSERT(position.behind > position.target);
}

}  // namespace
}  // namespace klieg::player
