#include "bus/broadcasts.h"

#include <gtest/gtest.h>

#include "bus/members.h"

namespace klieg::bus {
namespace {

constexpr LoopTime start = LoopTime(1000s);
using Heard = Broadcasts::Heard;
using State = BroadcastNews::State;

BroadcastNews news(int64_t number, State state, std::string node = "fra-1") {
  return {.channel = "ada", .node = std::move(node), .number = number, .state = state, .broadcast = "x.1"};
}

TEST(Broadcasts, one_is_where_its_home_says_for_as_long_as_it_says_so) {
  Broadcasts broadcasts;
  EXPECT_EQ(broadcasts.find("ada", start), nullptr);
  EXPECT_EQ(broadcasts.heard(news(1, State::claimed), start), Heard::changed);
  EXPECT_EQ(broadcasts.heard(news(1, State::live), start + 1s), Heard::changed);
  EXPECT_EQ(broadcasts.heard(news(1, State::live), start + 3s), Heard::unchanged);
  ASSERT_NE(broadcasts.find("ada", start + 3s), nullptr);
  EXPECT_EQ(broadcasts.find("ada", start + 3s)->node, "fra-1");
  EXPECT_TRUE(broadcasts.expire(start + 3s + gone_after - 1ns).empty());
  EXPECT_EQ(broadcasts.find("ada", start + 3s + gone_after), nullptr);
  EXPECT_EQ(broadcasts.expire(start + 3s + gone_after).size(), 1u);
  EXPECT_TRUE(broadcasts.expire(start + 3s + gone_after).empty());
}

TEST(Broadcasts, of_two_homes_the_later_counts) {
  Broadcasts broadcasts;
  broadcasts.heard(news(2, State::live, "fra-2"), start);
  EXPECT_EQ(broadcasts.heard(news(1, State::live, "fra-1"), start), Heard::stale);
  EXPECT_EQ(broadcasts.heard(news(1, State::over, "fra-1"), start), Heard::stale);
  EXPECT_EQ(broadcasts.find("ada", start)->node, "fra-2");
}

TEST(Broadcasts, what_is_over_is_over_at_once_and_what_was_said_before_does_not_bring_it_back) {
  Broadcasts broadcasts;
  broadcasts.heard(news(1, State::live), start);
  EXPECT_EQ(broadcasts.heard(news(1, State::over), start + 1s), Heard::changed);
  EXPECT_EQ(broadcasts.heard(news(1, State::over), start + 1s), Heard::stale);
  EXPECT_EQ(broadcasts.heard(news(1, State::live), start + 1s), Heard::stale);
  EXPECT_EQ(broadcasts.find("ada", start + 1s), nullptr);
  EXPECT_TRUE(broadcasts.expire(start + 60s).empty()) << "it was told";
  EXPECT_EQ(broadcasts.heard(news(2, State::claimed), start + 61s), Heard::changed);
}

TEST(Broadcasts, made_up_ones_end_somewhere) {
  Broadcasts broadcasts;
  BroadcastNews made_up = news(1, State::live);
  for (size_t i = 0; i < broadcasts_max; ++i) {
    made_up.channel = std::to_string(i);
    broadcasts.heard(made_up, start);
  }
  EXPECT_EQ(broadcasts.heard(news(1, State::live), start), Heard::full);
  EXPECT_EQ(broadcasts.expire(start + gone_after).size(), broadcasts_max);
  EXPECT_EQ(broadcasts.heard(news(1, State::live), start + gone_after), Heard::changed);
}

TEST(BroadcastNews, arrives_as_it_was_said_and_what_is_none_is_nothing) {
  BroadcastNews said = news(7, State::paused);
  said.started = WallTime(1'700'000'000s);
  said.viewers = 3;
  EXPECT_EQ(broadcast_news_of(json_of(said)), said);
  said.is_for = BroadcastNews::For::guests;
  EXPECT_EQ(broadcast_news_of(json_of(said)), said);
  said.started = std::nullopt;
  EXPECT_EQ(broadcast_news_of(json_of(said)), said);
  EXPECT_LT(json_of(said).size(), 300u);
  for (const char* other : {"", "7", "[]", "{}", R"({"channel":"a","node":"b","number":-1,"state":"live"})"}) {
    EXPECT_FALSE(broadcast_news_of(as_bytes(other))) << other;
  }
}

}  // namespace
}  // namespace klieg::bus
