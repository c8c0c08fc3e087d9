#include "net/pace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace klieg::net {
namespace {

TEST(Pace, sends_at_once_while_that_is_cheap) {
  const Pace pace;
  EXPECT_EQ(pace.window(1), 0ms);
  EXPECT_EQ(pace.window(300), 0ms);
}

TEST(Pace, the_window_grows_with_viewers_to_a_tenth_of_a_second) {
  const Pace pace;
  EXPECT_NEAR(to_seconds(pace.window(2000)), 0.0303, 0.001);
  EXPECT_EQ(pace.window(8000), 100ms);
  EXPECT_EQ(pace.window(1'000'000), 100ms);
}

TEST(Pace, the_window_grows_with_the_loops_delay_and_shrinks_again) {
  Pace pace;
  for (int i = 0; i < 10; ++i) pace.served(100, 4ms);  // 40 us a push: something else is going on
  EXPECT_GT(pace.window(200), 15ms);
  for (int i = 0; i < 50; ++i) pace.served(100, 500us);
  EXPECT_EQ(pace.window(200), 0ms);
}

TEST(Pace, one_push_that_met_a_long_turn_changes_little) {
  Pace pace;
  pace.served(1, 2ms);
  EXPECT_LT(pace.window(300), 10ms);
}

// A loop in virtual time, where a push takes 5 us, a chunk comes every 15 ms and a turn takes at least 10 us.
struct Hall {
  explicit Hall(size_t viewers) : sent(viewers), behind(viewers) {}

  void run(Duration time) {
    const LoopTime until = now + time;
    LoopTime chunk_at = now;
    std::optional<LoopTime> turn_at;
    while (now < until) {
      if (chunk_at <= now) {
        born.push_back(now);
        chunk_at += 15ms;
        round.renew(sent.size(), now);
        if (!turn_at) turn_at = now;
      }
      if (turn_at && *turn_at <= now) turn_at = turn();
      const LoopTime next = turn_at ? std::min(chunk_at, *turn_at) : chunk_at;
      now = std::max(now + 10us, next);
    }
  }
  std::optional<LoopTime> turn() {
    const LoopTime began = now;
    size_t pushes = 0;
    const size_t visits = round.take(sent.size(), pace, now);
    largest_turn = std::max(largest_turn, visits);
    for (size_t i = 0; i < visits; ++i) {
      const size_t viewer = position++ % sent.size();
      if (sent[viewer] == born.size()) continue;
      now += 5us;
      delay_max = std::max(delay_max, now - born[sent[viewer]]);
      behind[viewer] = std::max(behind[viewer], born.size() - sent[viewer]);
      sent[viewer] = born.size();
      ++pushes;
    }
    all_pushes += pushes;
    pace.served(pushes, now - began);
    return round.next(sent.size(), pace, now);
  }

  Pace pace;
  Round round;
  LoopTime now{1000s};
  std::vector<LoopTime> born;
  std::vector<size_t> sent, behind;
  size_t position = 0, largest_turn = 0, all_pushes = 0;
  Duration delay_max{0};
};

TEST(Round, few_viewers_get_each_frame_by_itself_and_at_once) {
  Hall hall(50);
  hall.run(2s);
  EXPECT_LE(hall.delay_max, 1ms);
  EXPECT_EQ(*std::ranges::max_element(hall.behind), 1u);
}

TEST(Round, many_get_what_gathered_over_the_window_each_at_a_time_of_its_own) {
  Hall hall(2000);
  hall.run(3s);
  EXPECT_LE(hall.delay_max, 35ms);
  EXPECT_LE(hall.largest_turn, 100u);
  EXPECT_LT(to_seconds(5us * static_cast<int64_t>(hall.all_pushes)), 0.36 * 3) << "a third of the loop";
}

TEST(Round, at_8000_and_15000_nobody_waits_longer_than_the_window_and_a_step) {
  for (size_t viewers : {8'000u, 15'000u}) {
    Hall hall(viewers);
    hall.run(3s);
    EXPECT_LE(hall.delay_max, 110ms) << viewers;
    EXPECT_LE(hall.largest_turn, 100u);
  }
}

TEST(Round, rests_once_everybody_was_visited) {
  Pace pace;
  Round round;
  EXPECT_FALSE(round.next(10, pace, LoopTime(1s)));
  round.renew(10, LoopTime(1s));
  EXPECT_EQ(round.next(10, pace, LoopTime(1s)), LoopTime(1s));
  EXPECT_EQ(round.take(10, pace, LoopTime(1s)), 10u);
  EXPECT_FALSE(round.next(10, pace, LoopTime(1s)));
}

TEST(Round, is_content_with_nobody) {
  Pace pace;
  Round round;
  round.renew(5, LoopTime(1s));
  EXPECT_EQ(round.take(0, pace, LoopTime(1s)), 0u);
  EXPECT_FALSE(round.next(0, pace, LoopTime(1s)));
}

}  // namespace
}  // namespace klieg::net
