#include "audience/polls.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/random.h"

namespace klieg::audience {
namespace {

using media::AccountId;
using media::Refusal;

constexpr LoopTime start = LoopTime(1000s);
constexpr MediaTime newest = MediaTime(600s);
const media::OpenPoll question{"which?", {"a", "b", "c"}, 60s};

std::vector<media::PollCounted> counts(Polls& polls, MediaTime at, LoopTime now) {
  std::vector<media::RoomEvent> events;
  polls.count(at, now, events);
  std::vector<media::PollCounted> all;
  for (const media::RoomEvent& event : events) all.push_back(std::get<media::PollCounted>(event));
  return all;
}

TEST(Polls, open_where_no_screen_has_been_and_for_as_long_as_was_said) {
  Polls polls;
  const auto poll = polls.open(question, newest);
  ASSERT_TRUE(poll);
  EXPECT_FALSE(is_open(*poll, newest - 1ms));
  EXPECT_TRUE(is_open(*poll, newest));
  EXPECT_TRUE(is_open(*poll, newest + 60s - 1ms));
  EXPECT_FALSE(is_open(*poll, newest + 60s));
}

TEST(Polls, one_account_has_one_vote_by_whichever_node_it_comes) {
  Polls polls;
  const auto poll = polls.open(question, newest);
  const std::array here{AccountId{1}, AccountId{2}};
  const std::array there{AccountId{2}, AccountId{3}, AccountId{3}};
  EXPECT_EQ(polls.cast(poll->id, 0, here).size(), 2u);
  EXPECT_EQ(polls.cast(poll->id, 1, there), (std::vector{AccountId{3}}));
  EXPECT_TRUE(counts(polls, newest, start).empty()) << "nothing is safe";
  polls.show(poll->id, 0, 2);
  polls.show(poll->id, 1, 1);
  EXPECT_EQ(counts(polls, newest, start), (std::vector<media::PollCounted>{{poll->id, {2, 1, 0}}}));
  EXPECT_TRUE(counts(polls, newest, start).empty()) << "nothing has changed";
}

TEST(Polls, what_comes_when_the_result_stands_is_too_late) {
  Polls polls;
  const auto poll = polls.open(question, newest);
  EXPECT_TRUE(counts(polls, newest + 60s, start + 60s).empty());
  EXPECT_TRUE(polls.takes(poll->id, 0));
  EXPECT_EQ(counts(polls, newest + 150s, start + 60s + Polls::wait_after_close),
            (std::vector<media::PollCounted>{{poll->id, {0, 0, 0}, media::Counting::final}}));
  EXPECT_EQ(polls.takes(poll->id, 0).error(), Refusal::too_late);
  EXPECT_EQ(polls.takes(poll->id + 1, 0).error(), Refusal::unknown);
}

TEST(Polls, what_is_no_option_is_unknown) {
  Polls polls;
  const auto poll = polls.open(question, newest);
  EXPECT_TRUE(polls.takes(poll->id, 2));
  EXPECT_EQ(polls.takes(poll->id, 3).error(), Refusal::unknown);
}

TEST(Polls, there_are_few_at_once) {
  Polls polls;
  for (size_t i = 0; i < Polls::polls_max; ++i) ASSERT_TRUE(polls.open(question, newest));
  EXPECT_EQ(polls.open(question, newest).error(), Refusal::busy);
}

TEST(Polls, one_that_is_closed_early_takes_nobody_his_vote) {
  Polls polls;
  const auto poll = polls.open(question, newest);
  const auto closed = polls.close(poll->id, newest + 10s);
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->closes, newest + 10s);
  EXPECT_TRUE(counts(polls, newest + 10s, start + 10s).empty());
  EXPECT_EQ(polls.close(poll->id, newest + 11s).error(), Refusal::unknown) << "it is closing";
  // A screen 60 s behind shows the ninth second now, and its vote counts.
  ASSERT_TRUE(polls.takes(poll->id, 1));
  EXPECT_EQ(polls.cast(poll->id, 1, std::array{AccountId{9}}).size(), 1u);
}

TEST(Polls, a_result_waits_until_all_of_its_votes_are_safe) {
  Polls polls;
  const auto poll = polls.open(question, newest);
  polls.cast(poll->id, 1, std::array{AccountId{9}});
  EXPECT_TRUE(counts(polls, newest + 60s, start).empty());
  EXPECT_TRUE(counts(polls, newest + 60s, start + Polls::wait_after_close).empty());
  polls.show(poll->id, 1, 1);
  EXPECT_EQ(counts(polls, newest + 60s, start + Polls::wait_after_close),
            (std::vector<media::PollCounted>{{poll->id, {0, 1, 0}, media::Counting::final}}));
}

TEST(Polls, of_a_broadcast_that_ends_close_with_it) {
  Polls polls;
  const auto poll = polls.open(question, newest);
  EXPECT_EQ(polls.close_all(newest + 5s), (std::vector<media::PollClosed>{{poll->id, newest + 5s}}));
  counts(polls, newest + 5s, start);
  EXPECT_EQ(counts(polls, newest + 5s, start + Polls::wait_after_close).at(0).counting, media::Counting::final);
}

// Voters at 0.3, 1.3, 11 s and as far behind as anybody can be, by several nodes; each votes at some moment of the poll
// on his own screen, the last of them in its last moment, and his vote is on its way for as long as that may take.
RC_GTEST_PROP(Polls, lose_no_vote_for_lagging, (uint64_t seed)) {
  Random random(seed);
  Polls polls;
  const auto poll = polls.open(question, newest);
  std::array<uint64_t, 3> expected{};
  std::multimap<LoopTime, std::pair<uint8_t, AccountId>> arriving;
  const std::array<Duration, 4> delays{300ms, 1300ms, 11s, ScreenLimits().lag_max};
  for (uint64_t voter = 1; voter <= 400; ++voter) {
    const Duration delay = delays[voter % delays.size()];
    const bool last_moment = voter % 3 == 0;
    const Duration into = last_moment ? Duration(60s) - 1ms : std::chrono::milliseconds(random.below(60'000));
    const MediaTime screen = newest + into;
    RC_ASSERT(is_open(*poll, screen));
    const LoopTime given = start + into + delay;
    const auto option = static_cast<uint8_t>(random.below(3));
    const Duration on_its_way = last_moment ? Polls::delivery_max : std::chrono::milliseconds(random.below(5'000));
    arriving.emplace(given + on_its_way, std::pair(option, AccountId{voter}));
    ++expected[option];
  }
  std::vector<media::PollCounted> final;
  LoopTime now = start;
  const auto count_until = [&](LoopTime until) {
    for (; now < until; now += 250ms) {
      for (const media::PollCounted& counted : counts(polls, newest + (now - start), now)) {
        if (counted.counting == media::Counting::final) final.push_back(counted);
      }
    }
  };
  for (const auto& [when, vote] : arriving) {
    count_until(when);
    RC_ASSERT(polls.takes(poll->id, vote.first).has_value());
    RC_ASSERT(polls.cast(poll->id, vote.first, std::array{vote.second}).size() == 1u);
    polls.show(poll->id, vote.first, 1);
  }
  count_until(start + 60s + Polls::wait_after_close + 1s);
  RC_ASSERT(final.size() == 1u);
  RC_ASSERT(std::ranges::equal(final[0].votes, expected));
}

RC_GTEST_PROP(Polls, come_back_from_what_was_written_down_as_they_were, (uint64_t seed)) {
  Random random(seed);
  Polls polls, restored;
  std::vector<media::RoomEvent> journal;
  const auto poll = polls.open(question, newest);
  journal.emplace_back(media::PollOpened{*poll});
  for (int i = 0; i < 50; ++i) {
    const auto option = static_cast<uint8_t>(random.below(3));
    const std::array accounts{AccountId{1 + random.below(40)}, AccountId{1 + random.below(40)}};
    if (auto counted = polls.cast(poll->id, option, accounts); !counted.empty()) {
      polls.show(poll->id, option, counted.size());
      journal.emplace_back(media::VotesCast{poll->id, option, std::move(counted)});
    }
  }
  if (random.below(2) == 0) journal.emplace_back(*polls.close(poll->id, newest + 9s));
  for (const media::RoomEvent& event : journal) restored.restore(event);
  const LoopTime closed = start + 60s;
  RC_ASSERT(counts(polls, newest + 60s, closed) == counts(restored, newest + 60s, closed));
  for (uint64_t account = 1; account <= 40; ++account) {
    const std::array one{AccountId{account}};
    RC_ASSERT(polls.cast(poll->id, 0, one) == restored.cast(poll->id, 0, one));
  }
}

}  // namespace
}  // namespace klieg::audience
