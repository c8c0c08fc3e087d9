#include "player/cushion.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace klieg::player {
namespace {

// Segments of 3 s, each some time after its end.
class Segments {
 public:
  void come(Duration after_end) {
    const MediaTime from{index * 3s};
    ++index;
    now = LoopTime(index * 3s + after_end);
    cushion.arrived({from, from + 3s}, now);
  }
  Duration reserve(Duration worst_after_end) { return *cushion.target(now) - 3s - worst_after_end; }

  Cushion cushion;
  int64_t index = 0;
  LoopTime now;
};

TEST(Cushion, knows_nothing_before_a_piece_came) { EXPECT_FALSE(Cushion().target(LoopTime(1s))); }

TEST(Cushion, keeps_a_piece_in_reserve_while_little_is_known_and_a_third_once_much_is) {
  Segments segments;
  segments.come(500ms);
  EXPECT_EQ(segments.reserve(500ms), 3s);
  for (int i = 0; i < 39; ++i) segments.come(500ms);
  EXPECT_EQ(segments.reserve(500ms), 1s);
}

TEST(Cushion, a_late_piece_raises_it_at_once_and_it_falls_slowly_once_that_is_forgotten) {
  Segments segments;
  for (int i = 0; i < 80; ++i) segments.come(100ms);
  EXPECT_EQ(segments.reserve(100ms), 1s);
  segments.come(4100ms);
  EXPECT_GE(segments.reserve(4100ms), 1s);
  const Duration high = *segments.cushion.target(segments.now);
  const LoopTime was = segments.now;
  for (int i = 0; i < 42; ++i) segments.come(100ms);
  const Duration fallen = high - *segments.cushion.target(segments.now);
  EXPECT_GT(fallen, 0s);
  EXPECT_LE(to_seconds(fallen), 0.05 * to_seconds(segments.now - was) + 0.001);
  for (int i = 0; i < 40; ++i) {
    segments.come(100ms);
    segments.cushion.target(segments.now);
  }
  EXPECT_EQ(segments.reserve(100ms), 1s);
}

TEST(Cushion, each_stall_in_memory_is_a_reserve_more) {
  Segments segments;
  for (int i = 0; i < 80; ++i) segments.come(100ms);
  segments.cushion.stalled(segments.now);
  EXPECT_EQ(segments.reserve(100ms), 2s);
  for (int i = 0; i < 9; ++i) segments.cushion.stalled(segments.now);
  EXPECT_EQ(segments.reserve(100ms), 5s);
}

RC_GTEST_PROP(Cushion, is_never_less_than_what_the_worst_piece_in_memory_needed, (std::vector<uint16_t> late_ms)) {
  Cushion cushion;
  LoopTime now;
  std::vector<std::pair<LoopTime, Duration>> lags;
  for (size_t i = 0; i < late_ms.size(); ++i) {
    const MediaTime from{static_cast<int64_t>(i) * 2s};
    now = std::max(now, LoopTime(from.time_since_epoch() + std::chrono::milliseconds(late_ms[i] % 20'000)));
    cushion.arrived({from, from + 2s}, now);
    lags.emplace_back(now, now.time_since_epoch() - from.time_since_epoch());
    const Duration target = *cushion.target(now);
    for (const auto& [at, lag] : lags) {
      if (at >= now - Cushion::memory) RC_ASSERT(target >= lag + Cushion::reserve_min);
    }
  }
}

}  // namespace
}  // namespace klieg::player
