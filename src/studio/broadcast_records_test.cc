#include "studio/broadcast_records.h"

#include <gtest/gtest.h>

#include <limits>

#include "store/lease.h"
#include "studio/follow_records.h"
#include "studio/key_records.h"
#include "studio/records_test.h"
#include "studio/revocation_records.h"
#include "studio/room_life_records.h"
#include "wire/path_token.h"

namespace klieg::studio {
namespace {

class BroadcastRecords : public Records {
 protected:
  BroadcastRecords() {
    annas_key = (**make_key(*database, anna, "a", start)).id;
    bens_key = (**make_key(*database, ben, "b", start)).id;
  }
  Started go_live(int64_t account, int64_t key, WallTime now = start) {
    auto started = start_broadcast(*database, account, key, now);
    EXPECT_DONE(started);
    return started ? *started : Started{};
  }
  MayWatch may(const Broadcast& broadcast, std::optional<int64_t> viewer, const std::string& link = "") {
    const auto outcome = may_watch(*database, broadcast, viewer, link);
    EXPECT_DONE(outcome);
    return outcome.value_or(MayWatch::not_there);
  }
  int64_t annas_key = 0, bens_key = 0;
};
INSTANTIATE_ON_BOTH_ENGINES(BroadcastRecords);

TEST_P(BroadcastRecords, the_newest_plan_goes_live_and_without_one_a_broadcast_is_made) {
  ASSERT_DONE(make_broadcast(*database, anna, {.title = "older"}, start));
  const auto plan = make_broadcast(*database, anna, {.title = "Hello <b>", .visibility = Visibility::with_link}, start);
  const Broadcast live = go_live(anna, annas_key, start + 5s).broadcast;
  EXPECT_EQ(live.id, *plan);
  EXPECT_EQ(live.title, "Hello <b>");
  EXPECT_EQ(live.visibility, Visibility::with_link);
  EXPECT_EQ(live.started, start + 5s);
  EXPECT_EQ(live.owner.name, "anna");
  EXPECT_EQ(go_live(ben, bens_key).broadcast.title, "");
  EXPECT_EQ((**find_broadcast(*database, live.link)).id, live.id);
  EXPECT_EQ((**find_live_broadcast(*database, anna)).id, live.id);
}

TEST_P(BroadcastRecords, starting_again_with_the_same_key_goes_on_and_with_another_ends_what_was) {
  const Broadcast first = go_live(anna, annas_key).broadcast;
  const Started again = go_live(anna, annas_key, start + 9s);
  EXPECT_EQ(again.broadcast.id, first.id);
  EXPECT_EQ(again.broadcast.started, start);
  EXPECT_FALSE(again.ended);
  const int64_t other_key = (**make_key(*database, anna, "other", start)).id;
  const Started other = go_live(anna, other_key, start + 10s);
  EXPECT_EQ(other.ended, first.id);
  EXPECT_NE(other.broadcast.id, first.id);
  EXPECT_EQ((**find_broadcast(*database, first.id)).ended, start + 10s);
}

TEST_P(BroadcastRecords, counts_only_grow_and_a_broadcast_ends_once) {
  const int64_t id = go_live(anna, annas_key).broadcast.id;
  ASSERT_DONE(write_counts(*database, id, {10, 20, 30, 40}));
  ASSERT_DONE(write_counts(*database, id, {5, 25, 3, 40}));
  ASSERT_DONE(end_broadcast(*database, id, {1, 2, 31, 4}, start + 60s));
  ASSERT_DONE(end_broadcast(*database, id, {}, start + 99s));
  const Broadcast ended = **find_broadcast(*database, id);
  EXPECT_EQ(ended.counts, (BroadcastCounts{10, 25, 31, 40}));
  EXPECT_EQ(ended.ended, start + 60s);
  EXPECT_FALSE(*find_live_broadcast(*database, anna));
  EXPECT_NE(go_live(anna, annas_key).broadcast.id, id);
}

TEST_P(BroadcastRecords, the_list_shows_what_is_public_and_live_page_by_page) {
  std::vector<int64_t> expected;
  for (int i = 0; i < 5; ++i) {
    const int64_t who = person("p" + std::to_string(i));
    const int64_t key = (**make_key(*database, who, "k", start)).id;
    expected.insert(expected.begin(), go_live(who, key).broadcast.id);
  }
  ASSERT_DONE(make_broadcast(*database, anna, {.visibility = Visibility::guests}, start));
  go_live(anna, annas_key);
  ASSERT_DONE(end_broadcast(*database, go_live(ben, bens_key).broadcast.id, {}, start));
  std::vector<int64_t> listed;
  for (int64_t before = 0;;) {
    const auto page = list_live(*database, before, 2);
    ASSERT_DONE(page);
    if (page->empty()) break;
    for (const Broadcast& broadcast : *page) listed.push_back(broadcast.id);
    before = listed.back();
  }
  EXPECT_EQ(listed, expected);
  EXPECT_EQ(list_live(*database, std::numeric_limits<int64_t>::max(), 1'000)->size(), 5u);
  EXPECT_EQ(list_broadcasts(*database, anna, 0, 10)->size(), 1u);
}

TEST_P(BroadcastRecords, private_is_for_the_guests_and_changing_them_counts_at_once) {
  const auto id = make_broadcast(*database, anna, {.visibility = Visibility::guests, .guests = {ben}}, start);
  ASSERT_DONE(id);
  const Broadcast broadcast = **find_broadcast(*database, *id);
  const int64_t carl = person("carl");
  EXPECT_EQ(may(broadcast, anna), MayWatch::yes);
  EXPECT_EQ(may(broadcast, ben), MayWatch::yes);
  EXPECT_EQ(may(broadcast, carl, broadcast.link), MayWatch::not_there);
  EXPECT_EQ(may(broadcast, std::nullopt, broadcast.link), MayWatch::not_there);
  const BroadcastChange changed{.title = "t", .guests = std::vector{carl}};
  EXPECT_EQ(change_broadcast(*database, ben, *id, changed, start), Changed::not_there);
  EXPECT_EQ(change_broadcast(*database, anna, *id, changed, start), Changed::yes);
  EXPECT_EQ(guests_of(*database, *id), (std::vector<std::string>{"carl"}));
  EXPECT_GT(good_from_s(*database, "anna", static_cast<uint64_t>(ben)).value_or(0), wire::seconds_of(start));
  EXPECT_EQ(good_from_s(*database, "anna", static_cast<uint64_t>(carl)), 0);
  EXPECT_EQ(may(broadcast, ben), MayWatch::not_there);
  EXPECT_EQ(may(broadcast, carl), MayWatch::yes);
  ASSERT_DONE(block(*database, anna, carl, start));
  EXPECT_EQ(may(broadcast, carl), MayWatch::not_there);
}

TEST_P(BroadcastRecords, what_was_private_goes_on_so_when_nothing_else_is_planned) {
  ASSERT_DONE(make_broadcast(*database, anna, {.visibility = Visibility::guests, .guests = {ben}}, start));
  EXPECT_EQ(visibility_of_next(*database, anna, annas_key), Visibility::guests);
  go_live(anna, annas_key);
  ASSERT_DONE(end_all(*database, start + 60s));
  EXPECT_EQ(visibility_of_next(*database, anna, annas_key), Visibility::guests);
  const Started again = go_live(anna, annas_key, start + 61s);
  EXPECT_EQ(again.broadcast.visibility, Visibility::guests);
  EXPECT_FALSE(again.revoked) << "it is for the same people";
  EXPECT_EQ(guests_of(*database, again.broadcast.id), (std::vector<std::string>{"ben"}));
  ASSERT_DONE(make_broadcast(*database, anna, {}, start + 62s));
  EXPECT_EQ(visibility_of_next(*database, anna, annas_key), Visibility::guests) << "that is live";
  ASSERT_DONE(end_all(*database, start + 63s));
  EXPECT_EQ(visibility_of_next(*database, anna, annas_key), Visibility::everyone);
}

TEST_P(BroadcastRecords, of_a_shared_database_a_node_ends_what_it_had_itself) {
  go_live(anna, annas_key);
  ASSERT_DONE(write_live_rooms(*database, "here", {{"anna", "x7f", 1, start}, {"ben", "y8g", 1, start}}));
  ASSERT_DONE(end_all_of(*database, "there", start + 60s));
  EXPECT_TRUE(*find_live_broadcast(*database, anna));
  ASSERT_DONE(end_all_of(*database, "here", start + 60s));
  EXPECT_FALSE(*find_live_broadcast(*database, anna));
}

TEST_P(BroadcastRecords, of_several_machines_what_nobody_holds_is_over) {
  const int64_t id = go_live(anna, annas_key).broadcast.id;
  const auto held = store::take_free(*database, "home/anna", "one");
  ASSERT_TRUE(held && *held);
  ASSERT_DONE(end_unheld(*database, "home/", start + 60s));
  EXPECT_TRUE(*find_live_broadcast(*database, anna));
  ASSERT_DONE(store::release(*database, **held));
  ASSERT_DONE(end_unheld(*database, "home/", start + 61s));
  EXPECT_EQ((*find_broadcast(*database, id))->ended, start + 61s);
  ASSERT_DONE(end_unheld(*database, "home/", start + 62s));
  EXPECT_EQ((*find_broadcast(*database, id))->ended, start + 61s);
}

TEST_P(BroadcastRecords, what_is_live_neither_opens_nor_closes) {
  ASSERT_DONE(make_broadcast(*database, anna, {.visibility = Visibility::with_link}, start));
  const int64_t id = go_live(anna, annas_key).broadcast.id;
  EXPECT_EQ(change_broadcast(*database, anna, id, {.visibility = Visibility::everyone}, start), Changed::is_live);
  EXPECT_EQ(change_broadcast(*database, anna, id, {.guests = std::vector{ben}}, start),
            Changed::has_guests_only_if_private);
  EXPECT_EQ(change_broadcast(*database, anna, id, {.visibility = Visibility::guests}, start), Changed::yes);
  EXPECT_GT(good_from_s(*database, "anna", by_link).value_or(0), wire::seconds_of(start))
      << "links are for what is unlisted";
}

TEST_P(BroadcastRecords, a_token_for_one_broadcast_opens_none_that_is_planned_anew) {
  ASSERT_DONE(make_broadcast(*database, anna, {.visibility = Visibility::guests}, start));
  const Broadcast first = go_live(anna, annas_key, start + 1s).broadcast;
  const auto of_first = token_from_s(*database, first, 7);
  ASSERT_TRUE(of_first && *of_first);
  const auto plan = make_broadcast(*database, anna, {.visibility = Visibility::guests}, start + 2s);
  EXPECT_EQ(token_from_s(*database, **find_broadcast(*database, *plan), 7), std::nullopt) << "another is shown";
  ASSERT_DONE(end_broadcast(*database, first.id, {}, start + 9s));
  const auto of_plan = token_from_s(*database, **find_broadcast(*database, *plan), by_link);
  ASSERT_TRUE(of_plan && *of_plan);
  EXPECT_EQ(**of_plan, wire::seconds_of(start) + 10);
  const Started second = go_live(anna, annas_key, start + 20s);
  ASSERT_TRUE(second.revoked);
  EXPECT_EQ(second.revoked->issued_until_s, wire::seconds_of(start) + 9);
  EXPECT_EQ(token_from_s(*database, second.broadcast, by_link), **of_plan);
}

TEST_P(BroadcastRecords, unlisted_is_for_who_has_the_link) {
  const auto id = make_broadcast(*database, anna, {.visibility = Visibility::with_link}, start);
  const Broadcast broadcast = **find_broadcast(*database, *id);
  EXPECT_EQ(may(broadcast, std::nullopt, broadcast.link), MayWatch::yes);
  EXPECT_EQ(may(broadcast, ben, "wrong"), MayWatch::not_there);
}

TEST_P(BroadcastRecords, a_guest_that_is_not_there_is_dangling_and_nothing_is_made) {
  const auto outcome = make_broadcast(*database, anna, {.visibility = Visibility::guests, .guests = {ben, 999}}, start);
  EXPECT_EQ(store::kind_of_failure(outcome), store::FailureKind::dangling);
  EXPECT_EQ(count("SELECT count(*) FROM broadcasts"), 0);
}

}  // namespace
}  // namespace klieg::studio
