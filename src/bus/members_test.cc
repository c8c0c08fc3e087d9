#include "bus/members.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

namespace klieg::bus {
namespace {

constexpr LoopTime start = LoopTime(1000s);
constexpr auto home = static_cast<uint8_t>(Role::home);
using Heard = Members::Heard;

Announcement from(std::string node, uint64_t sequence, uint8_t roles = home) {
  const std::string process = node + "/1";
  return {.node = std::move(node), .process = process, .started = WallTime(5s), .sequence = sequence, .roles = roles};
}

TEST(Members, a_node_is_there_while_it_says_so) {
  Members members;
  EXPECT_EQ(members.heard(from("a", 1), start), Heard::joined);
  EXPECT_EQ(members.heard(from("a", 2), start + announce_every), Heard::renewed);
  const LoopTime gone = start + announce_every + gone_after;
  EXPECT_EQ(members.wake_at(start + announce_every), gone);
  EXPECT_TRUE(members.find("a", gone - 1ns));
  EXPECT_TRUE(members.find_process("a/1", gone - 1ns));
  EXPECT_FALSE(members.find_process("a/1", gone));
  EXPECT_FALSE(members.find("a", gone));
  EXPECT_FALSE(members.home_of("x", gone));
  EXPECT_EQ(members.alive(gone), 0u);
  EXPECT_FALSE(members.wake_at(gone));
  EXPECT_EQ(members.heard(from("a", 5), gone), Heard::joined);
}

TEST(Members, one_that_leaves_is_gone_at_once_and_what_it_said_before_does_not_bring_it_back) {
  Members members;
  members.heard(from("a", 1), start);
  Announcement last = from("a", 3);
  last.stays = Announcement::Stays::leaves;
  EXPECT_EQ(members.heard(last, start + 1s), Heard::left);
  EXPECT_EQ(members.heard(from("a", 2), start + 2s), Heard::stale);
  EXPECT_FALSE(members.find("a", start + 2s));
  Announcement again = from("a", 1);
  again.started += 1s;
  EXPECT_EQ(members.heard(again, start + 3s), Heard::joined) << "another process";
  EXPECT_EQ(members.heard(from("a", 4), start + 4s), Heard::stale) << "of the process before";
}

TEST(Members, only_homes_are_homes) {
  Members members;
  members.heard(from("a", 1, static_cast<uint8_t>(Role::studio) | static_cast<uint8_t>(Role::edge)), start);
  EXPECT_TRUE(members.find("a", start));
  EXPECT_FALSE(members.home_of("x", start));
}

TEST(Members, made_up_nodes_end_somewhere_and_are_forgotten) {
  Members members;
  for (size_t i = 0; i < members_max; ++i) members.heard(from(std::to_string(i), 1), start);
  EXPECT_EQ(members.heard(from("one more", 1), start), Heard::full);
  EXPECT_EQ(members.heard(from("7", 2), start), Heard::renewed);
  EXPECT_EQ(members.heard(from("one more", 1), start + 2 * gone_after), Heard::joined);
}

RC_GTEST_PROP(Members, who_heard_the_same_in_whatever_order_agrees_and_only_what_was_at_home_there_moves, ()) {
  std::vector<std::string> names;
  for (int i = 0, count = *rc::gen::inRange(1, 12); i < count; ++i) names.push_back("node-" + std::to_string(i));
  Members one, two;
  for (const auto& name : names) one.heard(from(name, 1), start);
  std::ranges::reverse(names);
  for (const auto& name : names) two.heard(from(name, 1), start);
  Announcement last = from(*rc::gen::elementOf(names), 2);
  last.stays = Announcement::Stays::leaves;
  const auto broadcasts = *rc::gen::container<std::vector<std::string>>(rc::gen::string<std::string>());
  std::vector<std::string> before;
  for (const auto& broadcast : broadcasts) {
    before.push_back(one.home_of(broadcast, start)->node);
    RC_ASSERT(before.back() == two.home_of(broadcast, start)->node);
  }
  one.heard(last, start);
  for (size_t i = 0; i < broadcasts.size(); ++i) {
    const Announcement* now = one.home_of(broadcasts[i], start);
    RC_ASSERT((now == nullptr) == (names.size() == 1));
    const bool moved = now && now->node != before[i];
    RC_ASSERT(!now || moved == (before[i] == last.node));
  }
}

TEST(Announcement, arrives_as_it_was_said_and_what_is_none_is_nothing) {
  Announcement said = from("fra-1", 7);
  said.http = "10.0.0.1:8080";
  said.rtmp = "10.0.0.1:1935";
  const Bytes text = json_of(said);
  EXPECT_LT(text.size(), 300u);
  const auto heard = announcement_of(text);
  ASSERT_TRUE(heard);
  EXPECT_EQ(json_of(*heard).text(), text.text());
  said.stays = Announcement::Stays::leaves;
  EXPECT_EQ(announcement_of(json_of(said))->stays, Announcement::Stays::leaves);
  for (const char* other : {"", "7", "[]", "{}", R"({"node":"","process":"p"})", R"({"node":7})"}) {
    EXPECT_FALSE(announcement_of(as_bytes(other))) << other;
  }
}

TEST(Members, broadcasts_spread_over_their_homes) {
  Members members;
  for (const char* name : {"fra-1", "fra-2", "ams-1", "ams-2"}) members.heard(from(name, 1), start);
  std::map<std::string, int> homes;
  for (int i = 0; i < 4'000; ++i) ++homes[members.home_of("channel-" + std::to_string(i), start)->node];
  for (const auto& [name, count] : homes) EXPECT_NEAR(count, 1'000, 120) << name;  // four standard deviations
  EXPECT_EQ(homes.size(), 4u);
}

}  // namespace
}  // namespace klieg::bus
