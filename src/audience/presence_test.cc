#include "audience/presence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

namespace klieg::audience {
namespace {

using media::AccountId;
using testing::ElementsAre;

constexpr LoopTime start = LoopTime(1000s);

media::Person person(uint64_t account) { return {AccountId{account}, "n" + std::to_string(account), {}}; }

std::vector<media::RoomEvent> told(Presence& presence, LoopTime now) {
  std::vector<media::RoomEvent> events;
  presence.wake(now, events);
  return events;
}

TEST(Presence, an_account_is_one_viewer_by_however_many_nodes) {
  Presence presence;
  presence.hear("a", 1, start);
  presence.hear("b", 1, start);
  presence.count("a", media::PersonCame{person(1)}, start);
  presence.count("a", media::PersonCame{person(1)}, start);
  presence.count("b", media::PersonCame{person(1)}, start);
  presence.count("b", media::AnonymousCounted{5});
  EXPECT_EQ(presence.viewers(), 6u);
  presence.count("a", media::PersonLeft{AccountId{1}});
  EXPECT_EQ(presence.viewers(), 6u);
  presence.count("b", media::PersonLeft{AccountId{1}});
  presence.count("b", media::PersonLeft{AccountId{1}});
  EXPECT_EQ(presence.viewers(), 5u);
}

TEST(Presence, a_node_that_is_silent_or_begins_anew_takes_its_viewers_with_it) {
  Presence presence;
  presence.hear("a", 1, start);
  presence.count("a", media::Census{{person(1), person(2)}, 3}, start);
  presence.hear("a", 2, start + 1s);
  EXPECT_EQ(presence.viewers(), 0u);
  presence.count("a", media::Census{{person(1)}, 3}, start + 1s);
  told(presence, start + 1s);
  EXPECT_THAT(told(presence, start + 1s + PresenceLimits().node_silent_max),
              ElementsAre(media::RoomEvent(media::ViewersCounted{0})));
}

TEST(Presence, who_came_first_stays_so) {
  Presence presence;
  presence.hear("a", 1, start);
  presence.count("a", media::PersonCame{person(7)}, start);
  presence.count("a", media::PersonCame{person(3)}, start);
  presence.count("a", media::PersonLeft{AccountId{7}});
  presence.count("a", media::PersonCame{person(5)}, start);
  presence.count("a", media::PersonCame{person(7)}, start);
  EXPECT_EQ(presence.came_as(AccountId{7}), 0u);
  EXPECT_EQ(presence.came_as(AccountId{5}), 2u);
  EXPECT_EQ(presence.came_as(AccountId{9}), std::nullopt);
}

TEST(Presence, who_joins_is_announced_once_and_not_too_often) {
  Presence presence;
  presence.hear("a", 1, start);
  for (uint64_t i = 1; i <= 10; ++i) presence.count("a", media::PersonCame{person(i)}, start);
  EXPECT_THAT(told(presence, start), ElementsAre(media::RoomEvent(media::ViewersCounted{10}),
                                                 media::RoomEvent(media::PeopleJoined{{"n1", "n2", "n3"}, 7})));
  presence.count("a", media::PersonLeft{AccountId{1}});
  presence.count("a", media::PersonCame{person(1)}, start);
  presence.count("a", media::PersonCame{person(11)}, start);
  EXPECT_TRUE(told(presence, start + 500ms).empty());
  EXPECT_THAT(told(presence, start + 3s), ElementsAre(media::RoomEvent(media::ViewersCounted{11}),
                                                      media::RoomEvent(media::PeopleJoined{{"n11"}, 0})));
}

TEST(Presence, beyond_so_many_names_people_are_counted) {
  Presence presence({.named_max = 2});
  presence.hear("a", 1, start);
  for (uint64_t i = 1; i <= 4; ++i) presence.count("a", media::PersonCame{person(i)}, start);
  EXPECT_EQ(presence.viewers(), 4u);
  EXPECT_EQ(presence.people(AccountId{}, 10).size(), 2u);
  presence.count("a", media::PersonLeft{AccountId{4}});
  presence.count("a", media::PersonLeft{AccountId{1}});
  EXPECT_EQ(presence.viewers(), 2u);
}

TEST(Presence, tells_who_is_here_page_by_page) {
  Presence presence;
  presence.hear("a", 1, start);
  for (const uint64_t i : {5, 1, 3, 9}) presence.count("a", media::PersonCame{person(i)}, start);
  EXPECT_THAT(presence.people(AccountId{}, 2), ElementsAre(person(1), person(3)));
  EXPECT_THAT(presence.people(AccountId{3}, 2), ElementsAre(person(5), person(9)));
  EXPECT_TRUE(presence.people(AccountId{9}, 2).empty());
}

RC_GTEST_PROP(Presence, counts_as_a_set_of_sets_does, ()) {
  Presence presence({.named_max = 1000});
  std::map<std::string, std::pair<std::set<uint64_t>, uint32_t>> model;
  for (const int step : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 1000))) {
    const std::string node(1, static_cast<char>('a' + step % 3));
    const uint64_t account = 1 + static_cast<uint64_t>(step) / 3 % 7;
    presence.hear(node, 1, start);
    auto& [accounts, anonymous] = model[node];
    switch (step / 21 % 5) {
      case 0:
        presence.count(node, media::AnonymousCounted{static_cast<uint32_t>(account)});
        anonymous = static_cast<uint32_t>(account);
        break;
      case 1:
        presence.count(node, media::PersonLeft{AccountId{account}});
        accounts.erase(account);
        break;
      case 2:
        presence.count(node, media::Census{{person(account), person(account + 1)}, 2}, start);
        accounts = {account, account + 1};
        anonymous = 2;
        break;
      default:
        presence.count(node, media::PersonCame{person(account)}, start);
        accounts.insert(account);
    }
    std::set<uint64_t> all;
    uint64_t nameless = 0;
    for (const auto& [name, here] : model) {
      all.insert(here.first.begin(), here.first.end());
      nameless += here.second;
    }
    RC_ASSERT(presence.viewers() == all.size() + nameless);
  }
}

}  // namespace
}  // namespace klieg::audience
