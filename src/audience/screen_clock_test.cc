#include "audience/screen_clock.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klieg::audience {
namespace {

constexpr LoopTime start = LoopTime(1000s);
constexpr MediaTime newest = MediaTime(600s);

TEST(LiveEdge, goes_on_with_our_clock_between_stamps_and_stands_when_they_stay_away) {
  LiveEdge edge;
  EXPECT_EQ(edge.at(start), std::nullopt);
  edge.stamp(newest, start);
  EXPECT_EQ(edge.at(start + 700ms), newest + 700ms);
  EXPECT_EQ(edge.at(start + 60s), newest + LiveEdge::carried_on_max);
}

TEST(LiveEdge, never_goes_back) {
  LiveEdge edge;
  edge.stamp(newest, start);
  edge.stamp(newest + 900ms, start + 1s);  // a late stamp
  EXPECT_EQ(edge.at(start + 1s), newest + 1s);
}

TEST(ScreenClock, nobody_sees_what_is_not_born_or_has_left) {
  const ScreenLimits limits;
  EXPECT_EQ(ScreenClock().believe(newest + 3600s, newest, start), newest + limits.ahead_max);
  EXPECT_EQ(ScreenClock().believe(newest - 3600s, newest, start), newest - limits.lag_max);
  EXPECT_EQ(ScreenClock().believe(MediaTime(-5s), MediaTime(1s), start), MediaTime());
}

TEST(ScreenClock, going_back_is_believed_once_in_a_while) {
  ScreenClock clock;
  EXPECT_EQ(clock.believe(newest - 1s, newest, start), newest - 1s);
  EXPECT_EQ(clock.believe(newest - 30s, newest, start + 1s), newest - 30s);
  EXPECT_EQ(clock.believe(newest - 10s, newest, start + 2s), newest - 10s);
  EXPECT_EQ(clock.believe(newest - 30s, newest, start + 3s), newest - 10s) << "again, and too soon";
  EXPECT_EQ(clock.believe(newest - 30s, newest, start + 6s), newest - 30s);
}

TEST(ScreenClock, a_screen_that_is_taken_to_stand_leaves_the_window_with_what_it_shows) {
  ScreenClock clock;
  clock.believe(newest - 30s, newest, start);
  clock.believe(newest - 60s, newest, start);
  EXPECT_EQ(clock.believe(MediaTime(), newest + 120s, start + 1s), newest + 120s - ScreenLimits().lag_max);
}

// A viewer with any delay, who stalls, catches up, skips to live and rewinds now and then.
RC_GTEST_PROP(ScreenClock, who_tells_the_truth_is_never_corrected, ()) {
  ScreenClock clock;
  LoopTime now = start;
  MediaTime edge = newest;
  Duration behind = std::chrono::milliseconds(*rc::gen::inRange(0, 60'000));
  LoopTime rewound = LoopTime::min();
  for (const int step : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 100))) {
    const Duration passed = std::chrono::milliseconds(50 + step * 30);
    now += passed;
    edge += passed;
    if (step < 10) behind += passed;                        // stalled, paused
    if (step >= 10 && step < 20) behind = behind * 9 / 10;  // catches up
    if (step >= 20 && step < 25) behind = 300ms;            // skips to live
    if (step >= 25 && step < 30 && now >= rewound + 5s) {   // rewinds
      behind += 20s;
      rewound = now;
    }
    behind = std::min<Duration>(behind, ScreenLimits().lag_max);
    const Duration jitter = std::chrono::milliseconds(step % 7 * 10);
    const MediaTime shown = std::max(edge - behind - jitter, edge - ScreenLimits().lag_max);
    RC_ASSERT(clock.believe(shown, edge, now) == shown);
  }
}

RC_GTEST_PROP(ScreenClock, whatever_is_claimed_lies_where_it_can_be_and_seldom_goes_back, ()) {
  ScreenClock clock;
  const ScreenLimits limits;
  LoopTime now = start;
  MediaTime edge = newest;
  MediaTime before = MediaTime();
  std::vector<LoopTime> went_back;
  for (const int64_t claim : *rc::gen::container<std::vector<int64_t>>(rc::gen::arbitrary<int64_t>())) {
    now += 100ms;
    edge += 100ms;
    // Every other one near the edge, where it matters.
    const MediaTime claimed =
        claim % 2 == 0 ? MediaTime(Duration(claim)) : edge - std::chrono::milliseconds(claim % 90'000);
    const MediaTime seen = clock.believe(claimed, edge, now);
    RC_ASSERT(seen >= edge - limits.lag_max);
    RC_ASSERT(seen <= edge + limits.ahead_max);
    if (seen < before - limits.jitter_max) went_back.push_back(now);
    before = std::max(seen, went_back.empty() || went_back.back() != now ? before : seen);
  }
  for (size_t i = 1; i < went_back.size(); ++i) RC_ASSERT(went_back[i] - went_back[i - 1] >= limits.back_every);
}

}  // namespace
}  // namespace klieg::audience
