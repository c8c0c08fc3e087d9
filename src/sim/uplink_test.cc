#include "sim/uplink.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>

namespace klieg::sim {
namespace {

RC_GTEST_PROP(Uplink, of_an_arrival_every_capture_is_before_it_in_order_and_an_interval_after_the_one_before,
              (std::vector<uint8_t> steps_ms)) {
  std::vector<LoopTime> arrivals;
  LoopTime now{5s};
  for (const uint8_t step : steps_ms) arrivals.push_back(now += std::chrono::milliseconds(step));
  const auto frames = captured_at_the_latest(arrivals, 40ms);
  RC_ASSERT(frames.size() == arrivals.size());
  for (size_t i = 0; i < frames.size(); ++i) {
    RC_ASSERT(frames[i].captured.time_since_epoch() <= frames[i].arrived.time_since_epoch());
    if (i > 0) RC_ASSERT(frames[i].captured - frames[i - 1].captured >= Duration(40ms));
  }
}

TEST(Uplink, a_burst_after_a_silence_was_held_up_and_a_silence_alone_was_not) {
  const auto at = [](std::initializer_list<int> ms) {
    std::vector<LoopTime> arrivals;
    for (const int each : ms) arrivals.emplace_back(std::chrono::milliseconds(each));
    return arrivals;
  };
  const auto burst = captured_at_the_latest(at({0, 1000, 1000, 1000}), 40ms);
  EXPECT_EQ(burst[1].captured, MediaTime(920ms));
  const auto silence = captured_at_the_latest(at({0, 1000, 1040, 1080}), 40ms);
  EXPECT_EQ(silence[1].captured, MediaTime(1000ms));
}

TEST(Uplink, made_up_is_the_same_for_the_same_seed_and_in_order) {
  Random one(7), two(7);
  for (int i = 0; i < 20; ++i) {
    const Uplink uplink = made_up_uplink(one), again = made_up_uplink(two);
    ASSERT_GE(uplink.frames.size(), frames_min);
    EXPECT_EQ(uplink.frames.back().arrived, again.frames.back().arrived);
    EXPECT_TRUE(std::ranges::is_sorted(uplink.frames, {}, &Frame::arrived));
    for (const Frame& frame : uplink.frames) {
      ASSERT_GE(frame.arrived.time_since_epoch(), frame.captured.time_since_epoch());
    }
  }
}

std::string multilive(int frames, int step_ms) {
  std::string text = "ID:somebody\nFPS=25\n";
  for (int i = 0; i < frames; ++i) text += std::to_string(1'557'665'832'990 + i * int64_t{step_ms}) + " 26 0 2857\n";
  return text;
}

TEST(Uplink, of_multilive_is_a_broadcast_for_each_id_without_the_short_ones) {
  const auto uplinks = read_multilive(multilive(300, 40) + multilive(20, 40) + multilive(500, 40));
  ASSERT_TRUE(uplinks);
  ASSERT_EQ(uplinks->size(), 2u);
  EXPECT_EQ((*uplinks)[0].frames.size(), 300u);
  EXPECT_EQ((*uplinks)[1].frames.front().captured, MediaTime(0s));
}

TEST(Uplink, of_multilive_ends_where_the_camera_was_silent) {
  std::string text = multilive(300, 40);
  for (int i = 0; i < 300; ++i) text += std::to_string(1'557'665'900'000 + i * int64_t{40}) + " 26 0 1\n";
  const auto uplinks = read_multilive(text);
  ASSERT_TRUE(uplinks);
  EXPECT_EQ(uplinks->size(), 2u);
}

TEST(Uplink, of_other_text_is_an_error) {
  EXPECT_FALSE(read_multilive("nothing of the kind\n1 2 3\n"));
  EXPECT_FALSE(read_mahimahi("x", "12\nthirteen\n", 0.5, 60s));
}

TEST(Uplink, of_mahimahi_waits_while_the_network_stands_still) {
  std::string text;  // 1500 bytes a millisecond, but for two seconds in the middle
  for (int ms = 0; ms < 30'000; ++ms) {
    if (ms < 10'000 || ms >= 12'000) text += std::to_string(ms) + "\n";
  }
  const auto uplinks = read_mahimahi("net", text, 0.5, 60s);
  ASSERT_TRUE(uplinks);
  ASSERT_EQ(uplinks->size(), 1u);
  Duration worst{0};
  for (const Frame& frame : (*uplinks)[0].frames) {
    const Duration took = frame.arrived.time_since_epoch() - frame.captured.time_since_epoch();
    EXPECT_GE(took, 0s);
    worst = std::max(worst, took);
  }
  EXPECT_NEAR(to_seconds(worst), 2, 0.1);
}

}  // namespace
}  // namespace klieg::sim
