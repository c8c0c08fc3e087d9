#include "sim/delivery.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace klieg::sim {
namespace {

Uplink steady(size_t frames) {
  Uplink uplink{.name = "steady", .frame_interval = 40ms, .frames = {}};
  for (size_t i = 0; i < frames; ++i) {
    const Duration at = static_cast<int64_t>(i) * Duration(40ms);
    uplink.frames.push_back({MediaTime(at), LoopTime(at + 10ms)});
  }
  return uplink;
}

TEST(Delivery, a_pushed_frame_arrives_when_the_server_has_it) {
  const auto frames = pushed(steady(3));
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[2].arrived, LoopTime(90ms));
  EXPECT_EQ(frames[2].piece.to, MediaTime(120ms));
}

TEST(Delivery, seventy_five_frames_of_25_a_second_are_a_segment_and_the_rest_another) {
  const auto segments = cut(steady(160), 3s);
  ASSERT_EQ(segments.size(), 3u);
  EXPECT_EQ(segments[0].piece.to, MediaTime(3s));
  EXPECT_EQ(segments[0].arrived, LoopTime(2970ms));
  EXPECT_EQ(segments[1].piece.from, MediaTime(3s));
  EXPECT_EQ(segments[2].piece.to, MediaTime(6400ms));
}

TEST(Delivery, a_segment_waits_for_the_next_poll) {
  const std::vector<Delivery> segments{
      {{}, LoopTime(0s)}, {{}, LoopTime(500ms)}, {{}, LoopTime(3s)}, {{}, LoopTime(7s)}};
  const auto delays = polling_delays(segments, 2s, 500ms);
  EXPECT_EQ(delays, (std::vector<Duration>{500ms, 0ms, 1500ms, 1500ms}));
}

RC_GTEST_PROP(Delivery, a_poll_is_waited_for_less_than_an_interval_and_lies_on_the_poller_s_grid, (uint16_t at_ms)) {
  const LoopTime at{std::chrono::milliseconds(at_ms)};
  const auto phase = std::chrono::milliseconds(*rc::gen::inRange(0, 2800));
  const Duration delay = polling_delays({{{}, at}}, 2800ms, phase).front();
  RC_ASSERT(delay >= 0s && delay <= 2800ms);
  RC_ASSERT((at.time_since_epoch() + delay - phase) % Duration(2800ms) == 0s);
}

TEST(Delivery, nothing_overtakes_on_the_way_to_the_edge) {
  Random random(1);
  auto segments = cut(steady(3000), 200ms);
  move_to_edge(segments, random);
  EXPECT_TRUE(std::ranges::is_sorted(segments, {}, &Delivery::arrived));
  EXPECT_GT(segments.front().arrived, LoopTime(300ms));
}

}  // namespace
}  // namespace klieg::sim
