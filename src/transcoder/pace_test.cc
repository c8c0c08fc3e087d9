#include "transcoder/pace.h"

#include <gtest/gtest.h>

#include <vector>

#include "transcoder/backoff.h"

namespace klieg::transcoder {
namespace {

using Verdict = Pace::Verdict;

struct Pacing : testing::Test {
  // A worker that lags so far and is so loaded, 25 times a second for so long; the last verdict that was no `keep`.
  Verdict run(Duration lag, double load, Duration length, std::optional<double> growth = std::nullopt) {
    Verdict last = Verdict::keep;
    for (const LoopTime end = now + length; now < end; now += 40ms) {
      pace.on_progress(now, lag, Duration(static_cast<int64_t>(load * 40e6)), 40ms);
      const Verdict verdict = pace.judge(now, growth);
      if (verdict == Verdict::keep) continue;
      last = verdict;
      verdicts.push_back(now);
    }
    return last;
  }
  LoopTime now{100s};
  Pace pace;
  std::vector<LoopTime> verdicts;
};

TEST_F(Pacing, a_worker_that_keeps_up_is_left_alone) { EXPECT_EQ(run(100ms, 0.9, 60s), Verdict::keep); }

TEST_F(Pacing, a_hiccup_is_forgiven) {
  EXPECT_EQ(run(600ms, 1.5, 400ms), Verdict::keep);
  EXPECT_EQ(run(100ms, 0.5, 1s), Verdict::keep);
  EXPECT_EQ(run(600ms, 1.5, 400ms), Verdict::keep);
}

TEST_F(Pacing, a_lasting_lag_costs_a_rung_and_then_there_is_time_to_recover) {
  EXPECT_EQ(run(600ms, 1.1, 3s), Verdict::shed_one);
  EXPECT_EQ(verdicts.size(), 1u);
  EXPECT_EQ(run(600ms, 1.1, 3s), Verdict::shed_one);
  EXPECT_EQ(verdicts.size(), 2u) << "it did not help: another";
}

TEST_F(Pacing, beyond_the_bound_all_go_at_once) { EXPECT_EQ(run(2100ms, 1.1, 40ms), Verdict::shed_all); }

TEST_F(Pacing, the_backlog_of_a_start_is_no_lag_for_a_while) {
  pace.restart(now);
  EXPECT_EQ(run(3s, 1.0, 4960ms), Verdict::keep);
  EXPECT_EQ(run(3s, 1.0, 80ms), Verdict::shed_all);

  pace.restart(now);
  run(400ms, 1.0, 1s);  // caught up: from now on it counts
  EXPECT_EQ(run(2100ms, 1.0, 40ms), Verdict::shed_all);
}

TEST_F(Pacing, a_rung_returns_only_where_its_share_would_fit) {
  EXPECT_EQ(run(100ms, 0.5, 30s, 1.6), Verdict::keep) << "0.5 x 1.6 = 0.8";
  EXPECT_EQ(run(100ms, 0.5, 9s, 1.4), Verdict::keep);
  EXPECT_EQ(run(100ms, 0.5, 2s, 1.4), Verdict::take_one);
}

TEST_F(Pacing, a_rung_that_goes_again_soon_waits_twice_as_long) {
  const auto wait_for_return = [&] {
    const LoopTime begin = now;
    while (run(100ms, 0.1, 40ms, 2.0) == Verdict::keep) {
    }
    return now - begin;
  };
  EXPECT_NEAR(to_seconds(wait_for_return()), 10, 0.2);
  for (const double expected : {20, 40, 80, 160, 300, 300}) {
    while (run(600ms, 1.1, 40ms) == Verdict::keep) {
    }
    EXPECT_NEAR(to_seconds(wait_for_return()), expected + 1, 1.2);  // the load is a mean over some seconds
  }
  run(100ms, 0.5, 61s);  // it stayed: all is forgiven
  while (run(600ms, 1.1, 40ms) == Verdict::keep) {
  }
  EXPECT_NEAR(to_seconds(wait_for_return()), 11, 1.2);
}

TEST_F(Pacing, with_nothing_made_the_wait_goes_by_the_clock) {
  run(2100ms, 1.1, 40ms);
  pace.stop();
  EXPECT_EQ(pace.judge(now, 0), Verdict::keep);
  EXPECT_EQ(pace.wake_at(), now + Pace::wait_min);
  EXPECT_EQ(pace.judge(now + Pace::wait_min, 0), Verdict::take_one);
}

TEST(BackoffAfterDeaths, four_in_thirty_seconds_are_replaced_at_once_and_the_fifth_is_not) {
  Backoff backoff;
  LoopTime now{};
  for (int i = 0; i < 4; ++i) EXPECT_EQ(backoff.on_death(now += 7s), 0s);
  EXPECT_EQ(backoff.on_death(now += 1s), 10s);
}

TEST(BackoffAfterDeaths, one_every_ten_seconds_is_replaced_for_ever) {
  Backoff backoff;
  LoopTime now{};
  for (int i = 0; i < 100; ++i) EXPECT_EQ(backoff.on_death(now += 10s), 0s);
}

TEST(BackoffAfterDeaths, rests_grow_until_one_has_helped) {
  Backoff backoff;
  LoopTime now{};
  const auto five = [&] {
    Duration rest{0};
    for (int i = 0; i < 5; ++i) rest = backoff.on_death(now);
    now += rest;
    return rest;
  };
  for (const Duration expected : {10s, 20s, 40s, 80s, 160s, 300s, 300s}) EXPECT_EQ(five(), expected);
  now += Backoff::recovered_after + 1s;
  EXPECT_EQ(five(), 10s);
}

}  // namespace
}  // namespace klieg::transcoder
