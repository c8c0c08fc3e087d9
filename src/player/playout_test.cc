#include "player/playout.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

namespace klieg::player {
namespace {

struct Arrival {
  Piece piece;
  LoopTime at;
};

// Pieces of `duration` one after the other, complete at their ends and `late` by what is said.
std::vector<Arrival> arrivals(Duration duration, const std::vector<Duration>& late) {
  std::vector<Arrival> all;
  LoopTime before;
  for (size_t i = 0; i < late.size(); ++i) {
    const MediaTime from{static_cast<int64_t>(i) * duration};
    before = std::max(before, LoopTime((from + duration).time_since_epoch() + late[i]));
    all.push_back({{from, from + duration}, before});
  }
  return all;
}

Account play(const Policy& policy, const std::vector<Arrival>& all, const PaceLaw& law = of_parts) {
  Playout playout(policy, law);
  LoopTime now;
  for (const Arrival& arrival : all) {
    for (; now < arrival.at; now += 100ms) playout.advance(now);
    playout.arrived(arrival.piece, arrival.at);
  }
  playout.finish(now);
  return playout.account();
}

TEST(Playout, fixed_of_three_segments_waits_for_the_third) {
  Playout playout(FixedBuffer{9s}, of_parts);
  const auto all = arrivals(3s, {0s, 0s, 0s, 0s});
  for (size_t i = 0; i < 2; ++i) playout.arrived(all[i].piece, all[i].at);
  EXPECT_FALSE(playout.position());
  playout.arrived(all[2].piece, all[2].at);
  ASSERT_TRUE(playout.position());
  EXPECT_EQ(playout.position()->time_since_epoch(), 0s);
  playout.advance(all[2].at + 2s);
  EXPECT_EQ(playout.position()->time_since_epoch(), 2s);
}

TEST(Playout, fixed_of_three_segments_buffers_six_seconds_when_all_come_in_time) {
  const Account account = play(FixedBuffer{9s}, arrivals(3s, std::vector<Duration>(20, 200ms)));
  EXPECT_EQ(account.buffering_delay(), 6s);
  EXPECT_EQ(account.stalls, 0u);
  EXPECT_EQ(account.played, 60s);
  EXPECT_EQ(account.pieces, 20u);
}

TEST(Playout, a_late_piece_stalls_for_as_long_as_it_is_late_and_what_follows_is_later) {
  std::vector<Duration> late(10, 0s);
  late[4] = 1s;
  const Account account = play(FixedBuffer{0s}, arrivals(3s, late));
  EXPECT_EQ(account.stalls, 1u);
  EXPECT_EQ(account.stalled, 1s);
  EXPECT_EQ(account.buffered, 5 * Duration(1s));  // the five behind it
  EXPECT_DOUBLE_EQ(account.stall_ratio(), 1.0 / 31);
}

TEST(Playout, a_hole_in_the_timeline_is_no_stall) {
  Playout playout(FixedBuffer{0s}, of_parts);
  playout.arrived({MediaTime(0s), MediaTime(1s)}, LoopTime(1s));
  playout.arrived({MediaTime(8s), MediaTime(9s)}, LoopTime(9s));
  playout.finish(LoopTime(9s));
  EXPECT_EQ(playout.account().stalls, 0u);
  EXPECT_EQ(playout.account().played, 2s);
}

TEST(Playout, what_is_in_hand_already_is_dropped) {
  Playout playout(FixedBuffer{0s}, of_parts);
  playout.arrived({MediaTime(0s), MediaTime(2s)}, LoopTime(2s));
  playout.arrived({MediaTime(1s), MediaTime(3s)}, LoopTime(2s));
  playout.arrived({MediaTime(2s), MediaTime(2s)}, LoopTime(2s));
  EXPECT_EQ(playout.account().dropped, 2u);
}

TEST(Playout, one_that_ends_before_it_began_is_played_in_the_end) {
  const Account account = play(FixedBuffer{9s}, arrivals(3s, {0s, 0s}));
  EXPECT_EQ(account.played, 6s);
}

TEST(Playout, adaptive_comes_down_to_what_a_steady_network_needs) {
  Playout playout(AdaptiveBuffer{}, of_parts);
  LoopTime now;
  for (const Arrival& arrival : arrivals(3s, std::vector<Duration>(60, 100ms))) {
    for (; now < arrival.at; now += 100ms) playout.advance(now);
    playout.arrived(arrival.piece, arrival.at);
  }
  EXPECT_EQ(playout.account().stalls, 0u);
  const Duration lag = now.time_since_epoch() - playout.position()->time_since_epoch();
  EXPECT_LT(lag, 3s + 100ms + 1s + 300ms);  // a segment, its lateness, a third in reserve, and what pace() leaves alone
  EXPECT_GT(lag, 3s + 100ms + 500ms);
}

TEST(Playout, adaptive_comes_as_near_as_the_law_of_its_pieces_allows) {
  std::vector<Duration> late(7'500, 20ms);  // five minutes of frames
  late[100] = 500ms;                        // which two of them remember
  const auto all = arrivals(40ms, late);
  Duration ahead[2];
  for (size_t i = 0; i < 2; ++i) {
    Playout playout(AdaptiveBuffer{}, i == 0 ? of_chunks : of_parts);
    for (const Arrival& arrival : all) playout.arrived(arrival.piece, arrival.at);
    ahead[i] = all.back().piece.to - *playout.position();
  }
  EXPECT_GT(ahead[0], 60ms);
  EXPECT_LT(ahead[0], 200ms);
  EXPECT_GT(ahead[1], 290ms);
}

TEST(Playout, adaptive_grows_after_a_stall_so_that_the_like_of_it_is_none) {
  std::vector<Duration> late(1200, 20ms);
  for (size_t i = 300; i < late.size(); i += 300) late[i] = 1500ms;  // once a minute
  const auto all = arrivals(200ms, late);
  EXPECT_EQ(play(AdaptiveBuffer{}, all).stalls, 1u);
  EXPECT_GT(play(FixedBuffer{400ms}, all).stalled, 1s);
}

TEST(Playout, adaptive_is_far_less_behind_than_three_segments_and_stalls_no_more_on_what_polling_does) {
  std::vector<Duration> late;  // the beat of polls every 2.8 s against segments every 3 s
  for (int i = 0; i < 100; ++i) late.push_back(std::chrono::milliseconds((2800 - i * 200 % 2800) % 2800));
  const auto all = arrivals(3s, late);
  const Account adaptive = play(AdaptiveBuffer{}, all), fixed = play(FixedBuffer{9s}, all);
  EXPECT_EQ(adaptive.stalls, 0u);
  EXPECT_EQ(fixed.stalls, 0u);
  EXPECT_LT(2 * adaptive.buffering_delay(), fixed.buffering_delay());
}

const auto gen_arrivals = [] {
  return *rc::gen::map(rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 6'000)), [](std::vector<int> ms) {
    std::vector<Duration> late;
    for (const int each : ms) late.emplace_back(std::chrono::milliseconds(each));
    return late;
  });
};

RC_GTEST_PROP(Playout, plays_every_piece_once_and_to_the_end_whatever_comes_when, ()) {
  const auto all = arrivals(1s, gen_arrivals());
  for (const Policy& policy : {Policy(FixedBuffer{3s}), Policy(AdaptiveBuffer{})}) {
    const Account account = play(policy, all);
    RC_ASSERT(account.pieces == all.size());
    RC_ASSERT(account.played == static_cast<int64_t>(all.size()) * Duration(1s));
    RC_ASSERT(account.buffered >= 0s);
  }
}

RC_GTEST_PROP(Playout, a_larger_fixed_buffer_never_stalls_longer, ()) {
  const auto all = arrivals(1s, gen_arrivals());
  RC_ASSERT(play(FixedBuffer{6s}, all).stalled <= play(FixedBuffer{2s}, all).stalled);
}

RC_GTEST_PROP(Playout, the_position_never_goes_back_but_by_a_stall, ()) {
  const auto all = arrivals(200ms, gen_arrivals());
  Playout playout(AdaptiveBuffer{}, of_parts);
  LoopTime now;
  std::optional<MediaTime> before;
  for (const Arrival& arrival : all) {
    for (; now < arrival.at; now += 100ms) {
      playout.advance(now);
      if (before && playout.position()) RC_ASSERT(*playout.position() >= *before);
      before = playout.position();
    }
    playout.arrived(arrival.piece, arrival.at);
    before = playout.position();
  }
}

}  // namespace
}  // namespace klieg::player
