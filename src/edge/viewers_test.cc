#include "edge/viewers.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <string>

namespace klieg::edge {
namespace {

constexpr LoopTime start{1000s};
constexpr SipKey key{1, 2};

TEST(Viewers, a_player_is_one_however_many_requests_and_addresses_it_has) {
  Viewers viewers(key);
  viewers.saw({"s1", "", "203.0.113.7"}, start);
  viewers.saw({"s1", "", "203.0.113.8"}, start + 1s);
  EXPECT_EQ(viewers.count(start + 1s), 1u);
  viewers.saw({"s2", "", "203.0.113.7"}, start + 1s);
  EXPECT_EQ(viewers.count(start + 1s), 2u);
}

TEST(Viewers, the_session_counts_before_the_cookie_and_the_cookie_before_the_address) {
  Viewers viewers(key);
  viewers.saw({"s", "klieg_viewer=c", "203.0.113.7"}, start);
  viewers.saw({"s", "klieg_viewer=d", "203.0.113.7"}, start);
  EXPECT_EQ(viewers.count(start), 1u);
  viewers.saw({"", "a=b; klieg_viewer=c; x", "203.0.113.7"}, start);
  viewers.saw({"", "klieg_viewer=c", "203.0.113.8"}, start);
  EXPECT_EQ(viewers.count(start), 2u);
  viewers.saw({"", "klieg_viewers=c; x_klieg_viewer=d; klieg_viewer; klieg_viewer=", "203.0.113.7"}, start);
  viewers.saw({"", "", "203.0.113.7"}, start);
  viewers.saw({std::string(300, 'x'), "", "203.0.113.7"}, start);
  EXPECT_EQ(viewers.count(start), 3u);
}

TEST(Viewers, what_is_the_same_text_in_another_place_is_somebody_else) {
  Viewers viewers(key);
  viewers.saw({"x", "", ""}, start);
  viewers.saw({"", "klieg_viewer=x", ""}, start);
  viewers.saw({"", "", "x"}, start);
  EXPECT_EQ(viewers.count(start), 3u);
}

TEST(Viewers, who_says_nothing_for_a_window_has_left) {
  Viewers viewers(key);
  viewers.saw({"a", "", ""}, start);
  viewers.saw({"b", "", ""}, start + 10s);
  EXPECT_EQ(viewers.count(start + Viewers::window), 2u);
  EXPECT_EQ(viewers.count(start + Viewers::window + 1ns), 1u);
  viewers.saw({"b", "", ""}, start + 20s);
  EXPECT_EQ(viewers.count(start + 35s), 1u);
  EXPECT_EQ(viewers.count(start + 36s), 0u);
}

TEST(Viewers, who_was_seen_on_several_loops_is_one) {
  Viewers one(key), two(key);
  for (int i = 0; i < 100; ++i) one.saw({std::to_string(i), "", ""}, start);
  for (int i = 50; i < 150; ++i) two.saw({std::to_string(i), "", ""}, start);
  const Viewers::Sample samples[] = {one.sample(start), two.sample(start)};
  EXPECT_EQ(Viewers::total_of(samples), 150u);
}

// `first` to `last` are all seen once in the second.
void saw_all(Viewers& viewers, size_t first, size_t last, LoopTime now) {
  for (size_t i = first; i < last; ++i) viewers.saw({std::to_string(i), "", ""}, now);
}

TEST(Viewers, as_many_as_are_kept_are_counted_exactly) {
  Viewers viewers(key);
  saw_all(viewers, 0, Viewers::kept_max, start);
  EXPECT_EQ(viewers.count(start), Viewers::kept_max);
}

TEST(Viewers, more_are_estimated_within_four_standard_errors) {
  for (const size_t there : {20'000, 100'000, 400'000}) {
    Viewers viewers(key);
    saw_all(viewers, 0, there, start);
    const auto sample = viewers.sample(start);
    EXPECT_LE(sample.identities.size(), Viewers::kept_max);
    EXPECT_GE(sample.identities.size(), Viewers::kept_max / 2 - 400);
    EXPECT_NEAR(static_cast<double>(viewers.count(start)), static_cast<double>(there),
                static_cast<double>(there) * 0.045);
  }
}

TEST(Viewers, a_crowd_that_leaves_is_counted_exactly_again_and_never_by_half) {
  Viewers viewers(key);
  saw_all(viewers, 0, 100'000, start);
  LoopTime now = start;
  for (int second = 1; second < 60; ++second) {
    now = start + Duration(second * 1s);
    saw_all(viewers, 0, 1'000, now);
    const double counted = static_cast<double>(viewers.count(now));
    if (now - start > Viewers::window) {
      EXPECT_NEAR(counted, 1'000, 400) << second;
    }
    if (now - start > 2 * Viewers::window + 1s) {
      EXPECT_EQ(counted, 1'000) << second;
    }
  }
}

TEST(Viewers, loops_that_keep_different_shares_are_joined) {
  Viewers crowded(key), quiet(key);
  saw_all(crowded, 0, 100'000, start);
  saw_all(quiet, 99'000, 101'000, start);
  const Viewers::Sample samples[] = {crowded.sample(start), quiet.sample(start)};
  EXPECT_NEAR(static_cast<double>(Viewers::total_of(samples)), 101'000, 4'500);
}

RC_GTEST_PROP(Viewers, are_those_seen_in_the_window_whatever_comes_when, ()) {
  Viewers viewers(key);
  std::map<int, LoopTime> last;
  LoopTime now = start;
  for (const auto& [who, milliseconds] : *rc::gen::container<std::vector<std::pair<int, int>>>(
           rc::gen::pair(rc::gen::inRange(0, 30), rc::gen::inRange(0, 4'000)))) {
    now += Duration(milliseconds * 1ms);
    viewers.saw({std::to_string(who), "", ""}, now);
    last[who] = now;
    const auto present =
        std::ranges::count_if(last, [&](const auto& seen) { return now - seen.second <= Viewers::window; });
    RC_ASSERT(viewers.count(now) == static_cast<uint64_t>(present));
  }
}

}  // namespace
}  // namespace klieg::edge
