#include "edge/key.h"

#include <gtest/gtest.h>

namespace klieg::edge {
namespace {

wire::QueryVariance all_but(std::string name) {
  return {wire::QueryVariance::Parameters::listed_do_not, {std::move(name)}, wire::QueryVariance::Order::matters};
}

TEST(BlockingReload, is_what_its_directives_say_wherever_they_stand) {
  const auto segment = blocking_reload_of("/v.m3u8", "_HLS_msn=12");
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->name, "/v.m3u8");
  EXPECT_EQ(segment->msn, 12u);
  EXPECT_FALSE(segment->part);
  const auto part = blocking_reload_of("/v.m3u8", "a=1&_HLS_part=3&_HLS_msn=12&_HLS_skip=YES");
  ASSERT_TRUE(part);
  EXPECT_EQ(part->name, "/v.m3u8?a=1&_HLS_skip=YES");
  EXPECT_EQ(part->msn, 12u);
  EXPECT_EQ(part->part, 3u);
}

TEST(BlockingReload, what_is_wrong_is_for_the_origin_to_say) {
  for (const std::string_view query :
       {"", "_HLS_part=1", "_HLS_msn=", "_HLS_msn=x", "_HLS_msn=-1", "_HLS_msn=1&_HLS_msn=2", "_HLS_msn=1&_HLS_part=x",
        "_HLS_msn=1&_HLS_part=1&_HLS_part=1", "_HLS_msn=99999999999999999999", "x_HLS_msn=1"}) {
    EXPECT_FALSE(blocking_reload_of("/v.m3u8", query)) << query;
  }
}

TEST(QueryRules, a_path_has_the_rule_that_its_responses_said_last) {
  QueryRules rules;
  EXPECT_EQ(rules.key_of("/a", "t=1"), "t=1");
  rules.learn("/a", all_but("t"));
  EXPECT_EQ(rules.key_of("/a", "t=1"), "");
  EXPECT_EQ(rules.key_of("/b", "t=1"), "t=1");
  rules.learn("/a", all_but("u"));
  EXPECT_EQ(rules.key_of("/a", "t=1"), "t=1");
  rules.learn("/a", {});
  EXPECT_EQ(rules.key_of("/a", "u=1"), "u=1");
}

TEST(QueryRules, where_there_is_no_room_for_more_those_that_are_there_still_change) {
  QueryRules rules;
  for (int i = 0; i < 5000; ++i) rules.learn("/" + std::to_string(i), all_but("t"));
  EXPECT_EQ(rules.key_of("/0", "t=1"), "");
  EXPECT_EQ(rules.key_of("/4999", "t=1"), "t=1");
  rules.learn("/0", all_but("u"));
  EXPECT_EQ(rules.key_of("/0", "t=1"), "t=1");
}

}  // namespace
}  // namespace klieg::edge
