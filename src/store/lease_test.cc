#include "store/lease.h"

#include <gtest/gtest.h>

#include "store/migrate.h"
#include "store/test_databases.h"

namespace klieg::store {
namespace {

constexpr LoopTime start = LoopTime(1000s);

TEST(HeldLease, counts_from_when_the_last_granted_beat_was_asked_for) {
  HeldLease held({.name = "a", .number = 1, .holder = "me"}, start);
  EXPECT_EQ(held.beat_at(), start + beat_every);
  EXPECT_TRUE(held.held(start + lease_duration - 1ns));
  EXPECT_FALSE(held.held(start + lease_duration));
  held.beat_granted(start + 2s, start + 3s);
  held.beat_granted(start + 1s, start + 3s);
  EXPECT_TRUE(held.held(start + lease_duration));
  EXPECT_FALSE(held.held(start + 2s + lease_duration));
}

using Listening = WatchedLease::Listening;
constexpr Listening always{LoopTime::min(), LoopTime::max()};

TEST(WatchedLease, may_be_taken_when_the_same_beat_was_seen_and_nothing_heard_for_long_enough) {
  WatchedLease watched;
  EXPECT_FALSE(watched.may_take(always, start + 60s));
  Lease lease{.name = "a", .number = 1, .holder = "other", .beat = 7};
  watched.saw(lease, start);
  watched.saw(lease, start + 1s);
  EXPECT_FALSE(watched.may_take(always, start + take_after - 1ns));
  EXPECT_TRUE(watched.may_take(always, start + take_after));
  lease.beat = 8;
  watched.saw(lease, start + 2s);
  EXPECT_FALSE(watched.may_take(always, start + 2s + take_after - 1ns));
  EXPECT_TRUE(watched.may_take(always, start + 2s + take_after));
  watched.heard("somebody", start + 3s);
  EXPECT_TRUE(watched.may_take(always, start + 2s + take_after));
  watched.heard("other", start + 3s);
  EXPECT_FALSE(watched.may_take(always, start + 3s + take_after - 1ns));
  EXPECT_TRUE(watched.may_take(always, start + 3s + take_after));
  lease.holder.reset();
  watched.saw(lease, start + 4s);
  EXPECT_TRUE(watched.may_take(std::nullopt, start + 4s));
}

TEST(WatchedLease, is_not_taken_where_a_sign_of_life_could_have_been_missed) {
  WatchedLease watched;
  watched.saw({.name = "a", .number = 1, .holder = "other", .beat = 7}, start);
  const LoopTime late = start + 3 * take_after;
  EXPECT_FALSE(watched.may_take(std::nullopt, late));
  EXPECT_FALSE(watched.may_take(Listening{start, start + take_after - 1ns}, late)) << "more may be on its way";
  EXPECT_FALSE(watched.may_take(Listening{start + 10s, start + 10s + take_after - 1ns}, late))
      << "it came back just now";
  EXPECT_TRUE(watched.may_take(Listening{start + 10s, start + 10s + take_after}, late));
}

TEST(WatchedLease, is_taken_after_the_holder_has_stopped_wherever_the_beats_were_lost) {
  // The holder asks at 0, is granted after `there`; the watcher sees that beat at the earliest at the same moment.
  for (const Duration there : {Duration(0), Duration(1s), Duration(5s)}) {
    const HeldLease held({.name = "a", .number = 1, .holder = "me"}, start);
    WatchedLease watched;
    watched.saw(held.lease(), start + there);
    EXPECT_FALSE(watched.may_take(always, held.until()));
  }
}

class LeaseRows : public OnBothEngines {
 protected:
  LeaseRows() { EXPECT_DONE(migrate(*database, WallTime(1s))); }
};
INSTANTIATE_ON_BOTH_ENGINES(LeaseRows);

std::optional<Lease> told(const Outcome<std::optional<Lease>>& outcome) {
  EXPECT_DONE(outcome);
  return outcome ? *outcome : std::nullopt;
}

TEST_P(LeaseRows, the_number_goes_up_with_each_owner) {
  EXPECT_FALSE(told(read_lease(*database, "a")));
  const auto one = told(take_free(*database, "a", "one"));
  ASSERT_TRUE(one);
  EXPECT_EQ(one->number, 1);
  EXPECT_EQ(told(read_lease(*database, "a")), one);
  EXPECT_FALSE(told(take_free(*database, "a", "two")));
  EXPECT_EQ(release(*database, *one), Granted::yes);
  const auto two = told(take_free(*database, "a", "two"));
  ASSERT_TRUE(two);
  EXPECT_EQ(two->number, 2);
  EXPECT_EQ(release(*database, *one), Granted::no);
}

TEST_P(LeaseRows, all_of_a_holder_beat_at_once) {
  ASSERT_TRUE(told(take_free(*database, "a", "one")));
  ASSERT_TRUE(told(take_free(*database, "b", "one")));
  ASSERT_TRUE(told(take_free(*database, "c", "two")));
  const auto renewed = renew_all(*database, "one");
  ASSERT_DONE(renewed);
  ASSERT_EQ(renewed->size(), 2u);
  for (const Lease& lease : *renewed) {
    EXPECT_EQ(lease.beat, 1);
    EXPECT_EQ(told(read_lease(*database, lease.name)), lease);
  }
  EXPECT_EQ(told(read_lease(*database, "c"))->beat, 0);
}

TEST_P(LeaseRows, what_is_taken_away_is_free_unless_it_has_beaten) {
  const auto seen = told(take_free(*database, "a", "one"));
  ASSERT_TRUE(seen);
  ASSERT_TRUE(told(take_free(*database, "b", "two")));
  const auto held = list_held(*database);
  ASSERT_DONE(held);
  ASSERT_EQ(held->size(), 2u);
  EXPECT_EQ(held->front(), seen);
  ASSERT_DONE(renew_all(*database, "one"));
  EXPECT_EQ(take_away(*database, *seen), Granted::no);
  EXPECT_EQ(take_away(*database, *told(read_lease(*database, "a"))), Granted::yes);
  EXPECT_EQ(list_held(*database)->size(), 1u);
  EXPECT_TRUE(renew_all(*database, "one")->empty());
  EXPECT_EQ(told(take_free(*database, "a", "three"))->number, 2);
}

TEST_P(LeaseRows, what_is_written_under_a_lease_is_so_until_another_has_it) {
  const auto one = told(take_free(*database, "a", "one"));
  ASSERT_TRUE(one);
  EXPECT_EQ(not_taken_since(*database, "a", 1), Granted::yes);
  EXPECT_EQ(take_away(*database, *one), Granted::yes);
  EXPECT_EQ(not_taken_since(*database, "a", 1), Granted::yes) << "nobody has read what is there";
  ASSERT_TRUE(told(take_free(*database, "a", "two")));
  EXPECT_EQ(not_taken_since(*database, "a", 1), Granted::no);
  EXPECT_EQ(not_taken_since(*database, "b", 1), Granted::no);
}

TEST_P(LeaseRows, what_has_beaten_since_it_was_seen_is_not_taken) {
  const auto seen = told(take_free(*database, "a", "one"));
  ASSERT_TRUE(seen);
  ASSERT_DONE(renew_all(*database, "one"));
  EXPECT_FALSE(told(take_from(*database, *seen, "two")));
  const auto now = told(read_lease(*database, "a"));
  ASSERT_TRUE(now);
  const auto taken = told(take_from(*database, *now, "two"));
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->number, 2);
  EXPECT_FALSE(told(take_from(*database, *now, "three")));
  EXPECT_TRUE(renew_all(*database, "one")->empty());
}

TEST_P(LeaseRows, who_tries_to_take_one_is_told_how_it_stands) {
  const auto first = attempt(*database, "a", std::nullopt, "one");
  ASSERT_DONE(first);
  ASSERT_TRUE(first->taken);
  const auto second = attempt(*database, "a", std::nullopt, "two");
  ASSERT_DONE(second);
  EXPECT_FALSE(second->taken);
  EXPECT_EQ(second->there, first->taken);
  const auto again = attempt(*database, "a", std::nullopt, "one");
  ASSERT_DONE(again);
  ASSERT_TRUE(again->taken) << "its answer had been lost";
  EXPECT_EQ(again->taken->number, 2);
  const auto early = attempt(*database, "a", second->there, "two");
  ASSERT_DONE(early);
  EXPECT_FALSE(early->taken) << "who was silent when it was seen has been heard of since";
  const auto third = attempt(*database, "a", early->there, "two");
  ASSERT_DONE(third);
  ASSERT_TRUE(third->taken);
  EXPECT_EQ(third->taken->number, 3);
  ASSERT_EQ(release(*database, *third->taken), Granted::yes);
  const auto free = told(read_lease(*database, "a"));
  const auto fourth = attempt(*database, "a", free, "one");
  ASSERT_DONE(fourth);
  EXPECT_EQ(fourth->taken->number, 4);
}

}  // namespace
}  // namespace klieg::store
