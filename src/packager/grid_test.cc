#include "packager/grid.h"

#include <gtest/gtest.h>

#include "packager/cutter.h"

namespace klieg::packager {
namespace {

Grid grid_for(Duration key_interval, Duration frame = 40ms) {
  return choose_grid({.key_interval = key_interval, .frame = frame});
}

TEST(Grid, is_a_multiple_of_the_key_frame_interval_near_one_second_or_else_two) {
  EXPECT_EQ(grid_for(500ms).segment, 1s);
  EXPECT_EQ(grid_for(960ms).segment, 960ms);
  EXPECT_EQ(grid_for(1001ms).segment, 1001ms);
  EXPECT_EQ(grid_for(40ms).segment, 1s);
  EXPECT_EQ(grid_for(2s).segment, 2s);
  EXPECT_EQ(grid_for(700ms).segment, 2100ms);
  EXPECT_EQ(grid_for(2s).fit, GridFit::whole);
}

TEST(Grid, is_the_key_frame_interval_rounded_up_where_that_is_longer_and_at_most_ten_seconds) {
  EXPECT_EQ(grid_for(3500ms).segment, 4s);
  EXPECT_EQ(grid_for(8341ms).segment, 9s);
  EXPECT_EQ(grid_for(8341ms).fit, GridFit::rounded_up);
  EXPECT_EQ(grid_for(10s).segment, 10s);
  EXPECT_EQ(grid_for(12s).segment, 10s);
  EXPECT_EQ(grid_for(12s).fit, GridFit::sparse);
}

TEST(Grid, promises_a_target_duration_that_no_segment_rounds_above) {
  for (const Duration interval : {800ms, 960ms, 1200ms, 1700ms, 2400ms, 3500ms, 9900ms}) {
    const Grid grid = grid_for(interval);
    EXPECT_LT(to_seconds(grid.segment_max), grid.target_duration_s + 0.5);
    EXPECT_GE(grid.segment_max, grid.segment);
  }
}

TEST(Grid, has_parts_of_whole_frames) {
  EXPECT_EQ(grid_for(1001ms, 33'366'667ns).part_target, 201ms);  // 6 frames of 29.97 fps
  EXPECT_EQ(grid_for(1s, 40ms).part_target, 201ms);              // 5 of 25
  EXPECT_EQ(grid_for(1s, 41'666'667ns).part_target, 209ms);      // 5 of 24
  EXPECT_EQ(grid_for(1s, 80ms).part_target, 241ms);              // 3 of 12.5
  EXPECT_EQ(grid_for(1s, 1s).part_target, 1001ms);
}

TEST(Cutter, ignores_an_extra_key_frame_at_a_change_of_scene) {
  Cutter cutter(grid_for(1s));
  cutter.begin(MediaTime(0s));
  EXPECT_FALSE(cutter.decide(MediaTime(400ms), 400ms, media::Sync::yes));
  EXPECT_EQ(cutter.decide(MediaTime(1s), 1s, media::Sync::yes), Cut{Phase::on_grid});
  EXPECT_EQ(cutter.decide(MediaTime(2s), 2s, media::Sync::yes), Cut{Phase::on_grid});
}

TEST(Cutter, leaves_the_grid_once_and_then_goes_by_the_segment_before) {
  Cutter cutter(grid_for(1s));
  cutter.begin(MediaTime(0s));
  EXPECT_EQ(cutter.decide(MediaTime(1300ms), 1300ms, media::Sync::yes), Cut{Phase::slipped});
  EXPECT_FALSE(cutter.decide(MediaTime(1700ms), 440ms, media::Sync::no));
  EXPECT_EQ(cutter.decide(MediaTime(2300ms), 1040ms, media::Sync::yes), Cut{Phase::off_grid});
}

}  // namespace
}  // namespace klieg::packager
