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
  held.beat_granted(start + 2s);
  EXPECT_TRUE(held.held(start + lease_duration));
  EXPECT_FALSE(held.held(start + 2s + lease_duration));
}

TEST(WatchedLease, may_be_taken_when_the_same_beat_was_seen_for_long_enough) {
  WatchedLease watched;
  EXPECT_EQ(watched.may_take_at(), std::nullopt);
  Lease lease{.name = "a", .number = 1, .holder = "other", .beat = 7};
  watched.saw(lease, start);
  watched.saw(lease, start + 1s);
  EXPECT_EQ(watched.may_take_at(), start + take_after);
  lease.beat = 8;
  watched.saw(lease, start + 2s);
  EXPECT_EQ(watched.may_take_at(), start + 2s + take_after);
  lease.holder.reset();
  watched.saw(lease, start + 3s);
  EXPECT_EQ(watched.may_take_at(), start + 3s);
}

TEST(WatchedLease, is_taken_after_the_holder_has_stopped_wherever_the_beats_were_lost) {
  // The holder asks at 0, is granted after `there`; the watcher sees that beat at the earliest at the same moment.
  for (const Duration there : {Duration(0), Duration(1s), Duration(5s)}) {
    const HeldLease held({.name = "a", .number = 1, .holder = "me"}, start);
    WatchedLease watched;
    watched.saw(held.lease(), start + there);
    EXPECT_GT(*watched.may_take_at(), held.until());
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
  EXPECT_EQ(renew(*database, *one), Granted::no);
  EXPECT_EQ(renew(*database, *two), Granted::yes);
}

TEST_P(LeaseRows, what_has_beaten_since_it_was_seen_is_not_taken) {
  const auto seen = told(take_free(*database, "a", "one"));
  ASSERT_TRUE(seen);
  ASSERT_EQ(renew(*database, *seen), Granted::yes);
  EXPECT_FALSE(told(take_from(*database, *seen, "two")));
  const auto now = told(read_lease(*database, "a"));
  ASSERT_TRUE(now);
  const auto taken = told(take_from(*database, *now, "two"));
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->number, 2);
  EXPECT_FALSE(told(take_from(*database, *now, "three")));
  EXPECT_EQ(renew(*database, *seen), Granted::no);
}

}  // namespace
}  // namespace klieg::store
