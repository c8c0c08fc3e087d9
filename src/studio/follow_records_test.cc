#include "studio/follow_records.h"

#include <gtest/gtest.h>

#include "studio/records_test.h"

namespace klieg::studio {
namespace {

class FollowRecords : public Records {};
INSTANTIATE_ON_BOTH_ENGINES(FollowRecords);

TEST_P(FollowRecords, following_has_a_direction_and_counts_once) {
  EXPECT_EQ(follow(*database, anna, ben, start), FollowIs::there);
  EXPECT_EQ(follow(*database, anna, ben, start), FollowIs::there);
  EXPECT_EQ(follows(*database, anna, ben), true);
  EXPECT_EQ(follows(*database, ben, anna), false);
  EXPECT_EQ(count_follows(*database, ben), (FollowCounts{.followers = 1, .following = 0}));
  EXPECT_EQ(count_follows(*database, anna), (FollowCounts{.followers = 0, .following = 1}));
  ASSERT_DONE(unfollow(*database, anna, ben));
  ASSERT_DONE(unfollow(*database, anna, ben));
  EXPECT_EQ(follows(*database, anna, ben), false);
}

TEST_P(FollowRecords, nobody_follows_themselves_or_who_is_not_there) {
  EXPECT_EQ(follow(*database, anna, anna, start), FollowIs::not_there);
  EXPECT_EQ(follow(*database, anna, 999, start), FollowIs::not_there);
}

TEST_P(FollowRecords, blocking_ends_it_both_ways_and_looks_like_nobody) {
  ASSERT_DONE(follow(*database, anna, ben, start));
  ASSERT_DONE(follow(*database, ben, anna, start));
  ASSERT_DONE(block(*database, anna, ben, start));
  ASSERT_DONE(block(*database, anna, ben, start));
  EXPECT_EQ(blocks(*database, anna, ben), true);
  EXPECT_EQ(blocks(*database, ben, anna), false);
  EXPECT_EQ(follows(*database, anna, ben), false);
  EXPECT_EQ(follows(*database, ben, anna), false);
  EXPECT_EQ(follow(*database, ben, anna, start), FollowIs::not_there);
  EXPECT_EQ(follow(*database, anna, ben, start), FollowIs::there);  // the other direction is the blocker's to choose
  ASSERT_DONE(unblock(*database, anna, ben));
  EXPECT_EQ(follow(*database, ben, anna, start), FollowIs::there);
}

TEST_P(FollowRecords, followers_come_page_by_page_each_once) {
  std::vector<int64_t> expected, listed;
  for (int i = 0; i < 7; ++i) {
    expected.push_back(person("f" + std::to_string(i)));
    ASSERT_EQ(follow(*database, expected.back(), anna, start), FollowIs::there);
  }
  for (int64_t after = 0;;) {
    const auto page = list_followers(*database, anna, after, 3);
    ASSERT_DONE(page);
    if (page->empty()) break;
    for (const Account& account : *page) listed.push_back(account.id);
    after = listed.back();
  }
  EXPECT_EQ(listed, expected);
  EXPECT_EQ(list_following(*database, expected[0], 0, 10)->at(0).name, "anna");
}

}  // namespace
}  // namespace klieg::studio
