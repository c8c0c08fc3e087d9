#include "audience/sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

namespace klieg::audience {
namespace {

using media::AccountId;
using media::Standing;

constexpr LoopTime start = LoopTime(1000s);

media::Comment comment(media::CommentId id, uint64_t author, Standing standing = Standing::stranger) {
  return {id, {AccountId{author}, "n", standing}, "text", MediaTime(), WallTime()};
}
std::vector<media::CommentId> ids(const std::vector<media::Comment>& comments) {
  std::vector<media::CommentId> all;
  for (const media::Comment& one : comments) all.push_back(one.id);
  return all;
}

TEST(Sample, shows_everything_that_can_be_read) {
  Sample sample(1);
  LoopTime now = start;
  for (media::CommentId id = 1; id < 200; ++id, now += 125ms) {
    sample.offer(comment(id, id % 3));
    EXPECT_EQ(sample.turn(now).size(), 1u);
  }
  EXPECT_EQ(sample.left_out(), 0u);
}

TEST(Sample, shows_no_more_than_can_be_read_whoever_floods) {
  Sample sample(1);
  const SampleSettings settings;
  uint64_t shown = 0;
  media::CommentId id = 0;
  for (int turn = 0; turn < 400; ++turn) {
    for (uint64_t i = 0; i < 100; ++i) sample.offer(comment(++id, i));
    const auto comments = sample.turn(start + turn * 250ms);
    EXPECT_TRUE(std::ranges::is_sorted(ids(comments)));
    shown += comments.size();
  }
  EXPECT_GE(shown, 100 * settings.per_second_max - 1);
  EXPECT_LE(shown, 100 * settings.per_second_max + settings.burst_max);
}

TEST(Sample, the_broadcaster_and_moderators_are_always_shown_and_take_nobodys_place) {
  Sample sample(1, {.per_second_max = 4, .burst_max = 1});
  for (media::CommentId id = 1; id <= 50; ++id) {
    sample.offer(comment(id, id, id % 10 == 0 ? Standing::moderator : Standing::stranger));
  }
  const auto shown = sample.turn(start);
  EXPECT_EQ(shown.size(), 5u + 1u);
}

TEST(Sample, of_nothing_is_left_out_where_there_is_none) {
  Sample sample(1, {.per_second_max = 0});
  for (media::CommentId id = 1; id <= 500; ++id) sample.offer(comment(id, id));
  EXPECT_EQ(sample.turn(start).size(), 500u);
}

// 40 authors, the first of whom writes five times as much as the others; 2,000 turns of which each shows a few.
TEST(Sample, is_fair_to_every_author_however_much_he_writes) {
  Sample sample(7, {.per_second_max = 20, .burst_max = 5});
  std::map<AccountId, uint64_t> shown;
  uint64_t all = 0;
  media::CommentId id = 0;
  for (int turn = 0; turn < 2'000; ++turn) {
    for (uint64_t author = 0; author < 40; ++author) {
      for (int i = 0; i < (author == 0 ? 5 : 1); ++i) sample.offer(comment(++id, author));
    }
    for (const media::Comment& one : sample.turn(start + turn * 250ms)) {
      ++shown[one.author.account];
      ++all;
    }
  }
  // Each author's share is binomial around the 40th of all: 250, of which the deviation is 16.
  const double fair = static_cast<double>(all) / 40;
  EXPECT_EQ(shown.size(), 40u);
  for (const auto& [author, count] : shown) EXPECT_NEAR(static_cast<double>(count), fair, 0.25 * fair);
}

RC_GTEST_PROP(Sample, another_node_shows_others, (uint64_t seed)) {
  Sample here(seed), there(seed + 1);
  std::vector<media::CommentId> seen;
  for (media::CommentId id = 1; id <= 1'000; ++id) {
    here.offer(comment(id, id));
    there.offer(comment(id, id));
  }
  const auto one = ids(here.turn(start)), other = ids(there.turn(start));
  RC_ASSERT(one.size() == SampleSettings().burst_max);
  RC_ASSERT(one != other);
}

}  // namespace
}  // namespace klieg::audience
