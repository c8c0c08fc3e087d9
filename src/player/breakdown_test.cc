#include "player/breakdown.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klieg::player {
namespace {

constexpr WallTime noon{1'800'000'000s};
// The server's wall clock says noon when the loop's says zero.
const ClockRelation clocks{.round_trip = 20ms, .loop_to_server_wall = noon.time_since_epoch()};

// Came in at noon and is whole 200 ms later; asked for and answered as said, after noon.
Received part(Duration asked, Duration first_byte, Duration last_byte) {
  return {.begins = noon,
          .duration = 200ms,
          .captured = {},
          .told = {},
          .transfer = {LoopTime(asked), LoopTime(first_byte), LoopTime(last_byte), 200, {}}};
}

TEST(Breakdown, of_a_held_part_has_no_waiting) {
  Breakdown breakdown;
  breakdown.add(part(50ms, 215ms, 216ms), clocks);
  EXPECT_EQ(breakdown.mean(Hop::chunking), 200ms);
  EXPECT_EQ(breakdown.mean(Hop::waiting), 0ms);
  EXPECT_EQ(breakdown.mean(Hop::origin_to_edge), 5ms);
  EXPECT_EQ(breakdown.mean(Hop::last_mile), 11ms);
  EXPECT_EQ(breakdown.mean(Hop::total), 216ms);
}

TEST(Breakdown, of_a_polled_part_waits_until_it_is_asked_for) {
  Breakdown breakdown;
  breakdown.add(part(900ms, 925ms, 930ms), clocks);
  EXPECT_EQ(breakdown.mean(Hop::waiting), 710ms);
  EXPECT_EQ(breakdown.mean(Hop::origin_to_edge), 5ms);
  EXPECT_EQ(breakdown.mean(Hop::last_mile), 15ms);
  EXPECT_EQ(breakdown.mean(Hop::total), 930ms);
}

TEST(Breakdown, of_a_part_that_a_held_playlist_told_of_late_was_on_its_way_until_then) {
  Breakdown breakdown;
  Received late = part(512ms, 537ms, 537ms);
  late.told = LoopTime(510ms);
  breakdown.add(late, clocks);
  EXPECT_EQ(breakdown.mean(Hop::waiting), 22ms);  // a round trip, and what lay between
  EXPECT_EQ(breakdown.mean(Hop::origin_to_edge), 305ms);
  EXPECT_EQ(breakdown.mean(Hop::total), 537ms);
}

TEST(Breakdown, of_a_frame_that_was_not_held_back_has_no_chunking) {
  Breakdown at_once, held_back;
  Received frame = part(-1s, 35ms, 36ms);
  frame.duration = 40ms;
  frame.holds = Holds::one_frame;
  at_once.add(frame, clocks);
  EXPECT_EQ(at_once.mean(Hop::chunking), 0ms);
  EXPECT_EQ(at_once.mean(Hop::waiting), 0ms);
  EXPECT_EQ(at_once.mean(Hop::origin_to_edge), 25ms);
  EXPECT_EQ(at_once.mean(Hop::last_mile), 11ms);
  EXPECT_EQ(at_once.mean(Hop::total), 36ms);
  frame.transfer.first_byte = frame.transfer.last_byte = LoopTime(60ms);
  held_back.add(frame, clocks);
  EXPECT_EQ(held_back.mean(Hop::chunking), 40ms);
  EXPECT_EQ(held_back.mean(Hop::total), 60ms);
}

TEST(Breakdown, knows_the_upload_where_the_camera_stamps) {
  Breakdown breakdown;
  EXPECT_FALSE(breakdown.mean(Hop::total));
  breakdown.add(part(50ms, 215ms, 216ms), clocks);
  EXPECT_FALSE(breakdown.mean(Hop::upload));
  Received stamped = part(50ms, 215ms, 216ms);
  stamped.captured = noon - 240ms;
  breakdown.add(stamped, clocks);
  EXPECT_EQ(breakdown.mean(Hop::upload), 240ms);
  breakdown.set_buffer(1s);
  EXPECT_EQ(breakdown.mean(Hop::total), 240ms + 216ms + 1s);
}

TEST(Breakdown, p95_leaves_the_worst_twentieth_out) {
  Breakdown breakdown;
  for (int i = 1; i <= 100; ++i) breakdown.add(part(50ms, 210ms + i * 1ms, 210ms + i * 1ms), clocks);
  EXPECT_EQ(breakdown.p95(Hop::origin_to_edge), 95ms);
}

RC_GTEST_PROP(Breakdown, hops_add_up_to_what_passed_from_coming_in_to_arriving,
              (uint16_t asked, uint16_t took, uint16_t more)) {
  const Duration first = std::max(Duration(asked * 1ms + 20ms), Duration(210ms)) + took * 1ms;
  Breakdown breakdown;
  breakdown.add(part(asked * 1ms, first, first + more * 1ms), clocks);
  RC_ASSERT(*breakdown.mean(Hop::total) == first + more * 1ms);
}

}  // namespace
}  // namespace klieg::player
