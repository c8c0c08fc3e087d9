#include "edge/guests.h"

#include <gtest/gtest.h>

#include <string>

namespace klieg::edge {
namespace {

constexpr WallTime noon{1'800'000'000s};
const wire::PathKey key("a secret of all nodes");

class GuestsTest : public testing::Test {
 protected:
  static std::string path_for(uint64_t viewer, WallTime issued = noon, Duration good_for = 300s) {
    return "/t/" + key.sign("ada", {.viewer = viewer, .issued = issued, .expires = issued + good_for}) +
           "/live/ada/push";
  }
  Guests::Verdict judge(const std::string& path, WallTime now = noon) {
    return guests.judge(*wire::parse_token_path(path), now);
  }
  std::unique_ptr<media::Pass> let_in(const std::string& path, bool& over) {
    auto pass = guests.let_in(*wire::parse_token_path(path));
    pass->when_over([&over] { over = true; });
    return pass;
  }
  void revoke(std::optional<uint64_t> viewer, WallTime until = noon) {
    guests.revoke({"ada", viewer, wire::seconds_of(until)});
  }
  Guests guests{"a secret of all nodes"};
};

TEST_F(GuestsTest, a_revoked_token_is_refused_and_one_made_later_is_good) {
  revoke(7);
  EXPECT_EQ(judge(path_for(7)), Guests::Verdict::revoked);
  EXPECT_EQ(judge(path_for(7, noon - 60s)), Guests::Verdict::revoked);
  EXPECT_EQ(judge(path_for(7, noon + 1s)), Guests::Verdict::trusted);
  EXPECT_EQ(judge(path_for(8)), Guests::Verdict::trusted);
  revoke(std::nullopt);
  EXPECT_EQ(judge(path_for(8)), Guests::Verdict::revoked);
  EXPECT_EQ(judge(path_for(0)), Guests::Verdict::revoked) << "a link, too";
}

TEST_F(GuestsTest, an_earlier_revocation_takes_nothing_of_a_later_one_back) {
  revoke(7);
  revoke(7, noon - 60s);
  EXPECT_EQ(judge(path_for(7)), Guests::Verdict::revoked);
  revoke(std::nullopt, noon + 60s);
  revoke(std::nullopt, noon);
  EXPECT_EQ(judge(path_for(8, noon + 60s)), Guests::Verdict::revoked);
}

TEST_F(GuestsTest, of_another_channel_nothing_is_revoked) {
  guests.revoke({"bob", std::nullopt, wire::seconds_of(noon)});
  EXPECT_EQ(judge(path_for(7)), Guests::Verdict::trusted);
}

TEST_F(GuestsTest, who_is_here_by_a_revoked_token_is_told_once_and_the_others_are_not) {
  bool seven = false, eight = false, link = false;
  const auto of_seven = let_in(path_for(7), seven), of_eight = let_in(path_for(8), eight),
             of_link = let_in(path_for(0), link);
  revoke(7);
  EXPECT_TRUE(seven);
  EXPECT_FALSE(eight || link);
  seven = false;
  revoke(std::nullopt);
  EXPECT_TRUE(eight && link);
  EXPECT_FALSE(seven) << "he was told already";
}

TEST_F(GuestsTest, who_is_told_may_leave_and_take_others_with_him) {
  auto first = guests.let_in(*wire::parse_token_path(path_for(7)));
  auto second = guests.let_in(*wire::parse_token_path(path_for(7)));
  int told = 0;
  const auto both_leave = [&] {
    ++told;
    first.reset();
    second.reset();
  };
  first->when_over(both_leave);
  second->when_over(both_leave);
  revoke(7);
  EXPECT_EQ(told, 1);
}

TEST_F(GuestsTest, a_token_is_renewed_for_a_day_and_revoked_with_all_that_came_of_it) {
  const std::string first = path_for(7);
  const auto renewed = guests.renew(*wire::parse_token_path(first), noon + 240s);
  EXPECT_EQ(renewed.expires, noon + 240s + wire::guest_token_life);
  const std::string second = "/t/" + renewed.token + "/live/ada/push";
  EXPECT_EQ(judge(second, noon + 480s), Guests::Verdict::trusted);
  EXPECT_EQ(judge(first, noon + 480s), Guests::Verdict::expired);
  const WallTime late = noon + wire::guest_chain_life - 60s;
  EXPECT_EQ(guests.renew(*wire::parse_token_path(second), late).expires, noon + wire::guest_chain_life);
  revoke(7);
  EXPECT_EQ(judge(second, noon + 480s), Guests::Verdict::revoked);
}

TEST_F(GuestsTest, a_link_lives_as_long_as_it_says) {
  const std::string link = path_for(0, noon, 60s);
  EXPECT_EQ(guests.renew(*wire::parse_token_path(link), noon + 59s).expires, noon + 60s);
  bool over = false;
  const auto pass = let_in(link, over);
  EXPECT_EQ(guests.next_end(), noon + 60s);
  guests.expire(noon + 59s);
  EXPECT_FALSE(over);
  guests.expire(noon + 60s);
  EXPECT_TRUE(over);
  EXPECT_FALSE(guests.next_end());
}

TEST_F(GuestsTest, more_accounts_than_can_be_told_apart_are_revoked_all_at_once) {
  for (uint64_t viewer = 1; viewer <= Guests::viewers_max; ++viewer) revoke(viewer);
  EXPECT_EQ(judge(path_for(Guests::viewers_max + 2)), Guests::Verdict::trusted);
  revoke(Guests::viewers_max + 1);
  EXPECT_EQ(judge(path_for(Guests::viewers_max + 2)), Guests::Verdict::revoked);
}

}  // namespace
}  // namespace klieg::edge
