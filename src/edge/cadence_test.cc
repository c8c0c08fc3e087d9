#include "edge/cadence.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <functional>
#include <string>

namespace klieg::edge {
namespace {

constexpr LoopTime start{1000s};

void born(Cadence& cadence, std::string_view path, LoopTime at) { cadence.on_born(path, at, at); }

// Births every `interval`, of the numbers first, first + step, ...
void born(Cadence& cadence, const std::function<std::string(int64_t)>& name, int64_t first, int64_t step, size_t count,
          Duration interval) {
  for (size_t i = 0; i < count; ++i) {
    born(cadence, name(first + static_cast<int64_t>(i) * step), start + static_cast<int64_t>(i) * interval);
  }
}

TEST(Cadence, the_next_of_a_series_is_due_an_interval_after_the_last) {
  for (const char* form : {"/a/seg-{}.m4s", "/a/chunk_{:05}.ts", "/a/part-3.{}.m4s", "/a.1/3-{}x.mp4", "/2/{}"}) {
    const auto name = [&](int64_t number) { return fmt::format(fmt::runtime(form), number); };
    Cadence cadence;
    born(cadence, name, 8, 1, 4, 1s);  // 8 to 11: one digit becomes two
    const auto expected = cadence.expected(name(12), start + 3'200ms);
    ASSERT_TRUE(expected) << form;
    EXPECT_EQ(expected->due, start + 4s);
    EXPECT_EQ(expected->interval, 1s);
    EXPECT_EQ(expected->until, start + 5'200ms);
  }
}

const auto segment = [](int64_t number) { return "/live/seg-" + std::to_string(number) + ".m4s"; };

TEST(Cadence, numbers_that_are_times_are_due_in_proportion) {
  Cadence cadence;
  born(cadence, segment, 180'180, 180'180, 4, 2s);
  const auto next = cadence.expected(segment(5 * 180'180), start + 6'500ms);
  ASSERT_TRUE(next);
  EXPECT_NEAR(to_seconds(next->due - start), 8, 1e-6);
  EXPECT_NEAR(to_seconds(next->interval), 2, 1e-6);
  EXPECT_FALSE(cadence.expected(segment(7 * 180'180), start + 6'500ms));  // due in 5.5 s
}

TEST(Cadence, two_intervals_at_least_are_needed) {
  Cadence cadence;
  born(cadence, segment, 1, 1, 2, 1s);
  EXPECT_FALSE(cadence.expected(segment(3), start + 1s));
  born(cadence, segment(3), start + 2s);
  EXPECT_TRUE(cadence.expected(segment(4), start + 2s));
}

TEST(Cadence, only_what_is_about_to_be_born_is_expected) {
  Cadence cadence;
  born(cadence, segment, 1, 1, 5, 1s);  // the last at start + 4s
  const LoopTime now = start + 4'100ms;
  EXPECT_FALSE(cadence.expected(segment(5), now));
  EXPECT_FALSE(cadence.expected(segment(0), now));
  EXPECT_TRUE(cadence.expected(segment(6), now));
  EXPECT_FALSE(cadence.expected(segment(8), now));  // in 2.9 s, and two intervals are held
  EXPECT_FALSE(cadence.expected("/live/seg-x.m4s", now));
  EXPECT_FALSE(cadence.expected("/other/seg-6.m4s", now));
  EXPECT_FALSE(cadence.expected("/live/seg-6.ts", now));
  EXPECT_TRUE(cadence.expected(segment(6), start + 6'999ms));
  EXPECT_FALSE(cadence.expected(segment(6), start + 7s));  // two intervals late: the series has ended
}

TEST(Cadence, an_odd_interval_or_two_do_not_change_it) {
  Cadence cadence;
  LoopTime now = start;
  int64_t number = 0;
  for (const Duration step : {2000ms, 2000ms, 7000ms, 100ms, 2000ms}) {
    born(cadence, segment(number++), now);
    now += step;
  }
  born(cadence, segment(number++), now);
  EXPECT_EQ(cadence.expected(segment(number), now).value().due, now + 2s);
}

TEST(Cadence, births_that_nobody_witnessed_leave_the_interval_as_it_is) {
  Cadence cadence;
  for (const int64_t second : {0, 1, 3, 4, 7}) born(cadence, segment(second), start + Duration(second * 1s));
  const auto expected = cadence.expected(segment(8), start + 7s);
  ASSERT_TRUE(expected);
  EXPECT_EQ(expected->due, start + 8s);
  EXPECT_EQ(expected->interval, 1s);
}

TEST(Cadence, a_series_that_begins_anew_is_learnt_anew) {
  Cadence cadence;
  born(cadence, segment, 100, 1, 5, 4s);
  born(cadence, segment(1), start + 20s);
  born(cadence, segment(2), start + 21s);
  EXPECT_FALSE(cadence.expected(segment(3), start + 21s));
  born(cadence, segment(3), start + 22s);
  EXPECT_EQ(cadence.expected(segment(4), start + 22s).value().due, start + 23s);
}

TEST(Cadence, what_is_no_live_edge_is_not_expected) {
  Cadence fast, slow;
  born(fast, segment, 1, 1, 5, 99ms);
  EXPECT_FALSE(fast.expected(segment(6), start + 5 * 99ms));
  born(slow, segment, 1, 1, 5, 61s);
  EXPECT_FALSE(slow.expected(segment(6), start + 5 * 61s));
}

TEST(Cadence, a_number_far_beyond_the_next_is_no_birth_of_the_far_future) {
  Cadence cadence;
  born(cadence, segment, 1, 1, 5, 2s);
  EXPECT_FALSE(cadence.expected(segment(999'999'999'999'999), start + 8s));
  born(cadence, segment(999'999'999'999'999), start + 9s);
  EXPECT_FALSE(cadence.expected(segment(5), start + 9s));
}

TEST(Cadence, numbers_beyond_all_measure_are_no_numbers) {
  Cadence cadence;
  for (int i = 0; i < 5; ++i) born(cadence, "/seg-123456789012345" + std::to_string(i) + ".ts", start + i * 1s);
  born(cadence, "/" + std::string(Cadence::path_size_max, 'x') + "1", start);
  EXPECT_EQ(cadence.series(), 0u);
}

TEST(Cadence, the_series_born_longest_ago_makes_room) {
  Cadence cadence;
  born(cadence, segment, 1, 1, 5, 1s);
  for (size_t i = 0; i + 1 < Cadence::series_max; ++i) born(cadence, fmt::format("/{}/seg-1.ts", i), start + 5s);
  EXPECT_TRUE(cadence.expected(segment(6), start + 4s));
  born(cadence, "/one/more-1.ts", start + 5s);
  EXPECT_EQ(cadence.series(), Cadence::series_max);
  EXPECT_FALSE(cadence.expected(segment(6), start + 4s));
}

// An origin that gives birth every two seconds and a node that asks it: how often, and how late.
TEST(Cadence, a_node_that_asks_as_told_asks_seldom_and_learns_of_births_soon) {
  Cadence cadence;
  Random random(7);
  const auto born_at = [](int64_t number) { return start + Duration(number * 2s); };
  LoopTime now = start;
  for (int64_t number = 1; number <= 3; ++number) {  // first by asking all the time
    while (now < born_at(number)) now += 100ms;
    born(cadence, segment(number), now += 90ms);
  }
  int asked = 0;
  Duration late{0};
  constexpr int64_t last = 103;
  for (int64_t number = 4; number <= last; ++number) {
    const LoopTime wanted = now;
    for (;;) {
      const auto expected = cadence.expected(segment(number), now);
      ASSERT_TRUE(expected);
      now = Cadence::ask_at(*expected, now, random);
      ASSERT_LT(now - wanted, Cadence::hold_max);
      ++asked;
      if (now >= born_at(number)) break;
    }
    late += now - born_at(number);
    born(cadence, segment(number), now);
  }
  EXPECT_LE(asked, 3 * 100);
  EXPECT_LE(late / 100, 125ms);
}

RC_GTEST_PROP(Cadence, never_holds_longer_than_it_may_and_never_asks_in_the_past, ()) {
  Cadence cadence;
  Random random(*rc::gen::arbitrary<uint64_t>());
  LoopTime now = start;
  int64_t number = 0;
  for (const auto& [step, milliseconds] : *rc::gen::container<std::vector<std::pair<int, int>>>(
           rc::gen::pair(rc::gen::inRange(-3, 6), rc::gen::inRange(0, 9'000)))) {
    number = std::max<int64_t>(0, number + step);
    const LoopTime missing_at = now;
    now += Duration(milliseconds * 1ms);
    milliseconds % 3 == 0 ? cadence.on_found(segment(number), now) : cadence.on_born(segment(number), missing_at, now);
    const LoopTime asked = now + Duration(*rc::gen::inRange<int64_t>(0, 20'000) * 1ms);
    const auto expected = cadence.expected(segment(number + *rc::gen::inRange(-2, 9)), asked);
    if (!expected) continue;
    RC_ASSERT(expected->until > asked);
    RC_ASSERT(expected->until - asked <= std::min(2 * expected->interval, Cadence::hold_max));
    RC_ASSERT(expected->due - asked <= std::min(2 * expected->interval, Cadence::hold_max));
    RC_ASSERT(Cadence::first_question(*expected, asked, random) >= asked);
    RC_ASSERT(Cadence::first_question(*expected, asked, random) < expected->until);
    RC_ASSERT(Cadence::ask_at(*expected, asked, random) > asked);
  }
}

}  // namespace
}  // namespace klieg::edge
