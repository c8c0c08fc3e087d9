#include "studio/room_life_records.h"

#include "studio/records_test.h"

namespace klieg::studio {
namespace {

class RoomLifeRecords : public Records {};
INSTANTIATE_ON_BOTH_ENGINES(RoomLifeRecords);

TEST_P(RoomLifeRecords, what_was_live_at_a_death_goes_on_as_a_later_epoch_each_time) {
  ASSERT_DONE(write_live_rooms(*database, "here", {{"ada", "x7f", 1, start}, {"ben", "y8g", 4, start}}));
  const auto first = take_up_rooms(*database, "here", start + 60s);
  ASSERT_DONE(first);
  ASSERT_EQ(first->size(), 2u);
  for (const RoomLife& life : *first) EXPECT_EQ(life.epoch, life.channel == "ada" ? 2u : 5u);
  const auto second = take_up_rooms(*database, "here", start + 120s);
  ASSERT_DONE(second);
  for (const RoomLife& life : *second) {
    EXPECT_EQ(life.broadcast, life.channel == "ada" ? "x7f" : "y8g");
    EXPECT_EQ(life.epoch, life.channel == "ada" ? 3u : 6u) << "also when nobody published in between";
    EXPECT_EQ(life.seen, start);
  }
}

TEST_P(RoomLifeRecords, what_is_over_or_long_gone_does_not_go_on) {
  ASSERT_DONE(write_live_rooms(*database, "here", {{"ada", "x7f", 1, start}, {"ben", "y8g", 1, start}}));
  ASSERT_DONE(write_room_over(*database, {"ada", "x7f", 1, start}, start + 60s));
  ASSERT_DONE(write_room_over(*database, {"ben", "another", 1, start}, start + 60s));
  const auto lives = take_up_rooms(*database, "here", start + room_goes_on_within);
  ASSERT_DONE(lives);
  ASSERT_EQ(lives->size(), 1u);
  EXPECT_EQ(lives->front().channel, "ben");
  const auto elsewhere = take_up_rooms(*database, "there", start);
  ASSERT_DONE(elsewhere);
  EXPECT_TRUE(elsewhere->empty()) << "of a node that may live";
  const auto later = take_up_rooms(*database, "here", start + room_goes_on_within + room_seen_every + 1ms);
  ASSERT_DONE(later);
  EXPECT_TRUE(later->empty());
}

TEST_P(RoomLifeRecords, of_several_machines_it_goes_on_at_any_under_a_later_lease) {
  ASSERT_DONE(write_live_rooms(*database, "here", {{"ada", "x7f", 3, start}}));
  const auto found = find_room_that_goes_on(*database, "ada", 4, start + 60s);
  ASSERT_DONE(found);
  ASSERT_TRUE(*found);
  EXPECT_EQ((*found)->broadcast, "x7f");
  EXPECT_EQ((*found)->epoch, 4u);
  EXPECT_FALSE(*find_room_that_goes_on(*database, "ada", 3, start + 60s)) << "its names are taken";
  EXPECT_FALSE(*find_room_that_goes_on(*database, "ben", 4, start + 60s));
  EXPECT_FALSE(*find_room_that_goes_on(*database, "ada", 4, start + room_goes_on_within + room_seen_every + 1ms));

  ASSERT_DONE(write_live_rooms(*database, "there", {{"ada", "x7f", 4, start + 60s}}));
  ASSERT_DONE(write_room_over(*database, {"ada", "x7f", 3, start}, start + 61s));
  ASSERT_DONE(write_live_rooms(*database, "here", {{"ada", "x7f", 3, start + 62s}}));
  EXPECT_FALSE(*find_room_that_goes_on(*database, "ada", 4, start + 63s)) << "who had it before has no say";
  EXPECT_TRUE(*find_room_that_goes_on(*database, "ada", 5, start + 63s));
  ASSERT_DONE(write_room_over(*database, {"ada", "x7f", 4, start}, start + 64s));
  EXPECT_FALSE(*find_room_that_goes_on(*database, "ada", 5, start + 65s));
}

TEST_P(RoomLifeRecords, a_channel_has_one_room_the_latest) {
  ASSERT_DONE(write_live_rooms(*database, "here", {{"ada", "x7f", 1, start}}));
  ASSERT_DONE(write_room_over(*database, {"ada", "x7f", 1, start}, start));
  ASSERT_DONE(write_live_rooms(*database, "here", {{"ada", "z9h", 1, start + 60s}}));
  const auto lives = take_up_rooms(*database, "here", start + 120s);
  ASSERT_DONE(lives);
  ASSERT_EQ(lives->size(), 1u);
  EXPECT_EQ(lives->front().broadcast, "z9h");
}

}  // namespace
}  // namespace klieg::studio
