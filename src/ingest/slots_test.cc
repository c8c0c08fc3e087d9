#include "ingest/slots.h"

#include <gtest/gtest.h>

namespace klieg::ingest {
namespace {

constexpr LoopTime start = LoopTime(1000s);
const std::vector<Channel> two_channels = {{"anna", "key-of-anna"}, {"ben", "key-of-ben"}};
constexpr std::string_view peer = "203.0.113.7:40312";

RefusalReason refused(const Result<Granted, Refusal>& claim) {
  EXPECT_FALSE(claim.has_value());
  return claim ? RefusalReason::stopping : claim.error().reason;
}

TEST(Slots, the_key_opens_its_own_channel) {
  Slots slots(two_channels, {});
  auto anna = slots.claim("key-of-anna", peer, start);
  auto ben = slots.claim("key-of-ben", peer, start);
  ASSERT_TRUE(anna && ben);
  EXPECT_EQ(anna->channel, "anna");
  EXPECT_EQ(ben->channel, "ben");
  EXPECT_EQ(anna->continuity, Continuity::begins);
  EXPECT_EQ(slots.live_count(), 2u);
}

TEST(Slots, the_public_name_is_not_the_key) {
  Slots slots(two_channels, {});
  EXPECT_EQ(refused(slots.claim("anna", peer, start)), RefusalReason::wrong_key);
  EXPECT_EQ(refused(slots.claim("", peer, start)), RefusalReason::wrong_key);
  EXPECT_EQ(refused(slots.claim("key-of-anna ", peer, start)), RefusalReason::wrong_key);
}

TEST(Slots, a_second_publisher_with_the_right_key_is_refused) {
  Slots slots(two_channels, {});
  auto first = slots.claim("key-of-anna", peer, start);
  first->permit.touch(start + 10s);
  EXPECT_EQ(refused(slots.claim("key-of-anna", peer, start + 14s)), RefusalReason::already_live);
  EXPECT_TRUE(first->permit.valid());
}

TEST(Slots, where_takeover_is_allowed_the_second_continues_and_the_first_is_displaced) {
  Slots slots(two_channels, {.takeover = Takeover::allowed});
  auto first = slots.claim("key-of-anna", peer, start);
  auto second = slots.claim("key-of-anna", peer, start + 1s);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->continuity, Continuity::continues);
  EXPECT_EQ(second->displaced, first->permit.publisher());
  EXPECT_FALSE(first->permit.valid());
  EXPECT_EQ(first->permit.give_back(Departure::lost, start + 2s), AfterDeparture::displaced);
  EXPECT_TRUE(second->permit.valid());
}

TEST(Slots, an_encoder_whose_network_dropped_comes_back_before_tcp_has_noticed) {
  Slots slots(two_channels, {});
  auto first = slots.claim("key-of-anna", peer, start);
  first->permit.touch(start + 60s);
  EXPECT_EQ(refused(slots.claim("key-of-anna", peer, start + 64s)), RefusalReason::already_live);
  auto second = slots.claim("key-of-anna", peer, start + 65s);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->continuity, Continuity::continues);
  EXPECT_EQ(second->displaced, first->permit.publisher());
}

TEST(Slots, who_returns_within_fifteen_seconds_continues_the_broadcast) {
  for (const Departure why : {Departure::lost, Departure::unpublished}) {
    Slots slots(two_channels, {});
    auto first = slots.claim("key-of-anna", peer, start);
    EXPECT_EQ(first->permit.give_back(why, start + 10s), AfterDeparture::paused);
    EXPECT_EQ(slots.wake_at(), start + 25s);
    EXPECT_TRUE(slots.expire(start + 24s).empty());
    auto second = slots.claim("key-of-anna", peer, start + 24s);
    ASSERT_TRUE(second.has_value());
    EXPECT_EQ(second->continuity, Continuity::continues);
    EXPECT_EQ(second->displaced, 0u);
    EXPECT_EQ(slots.wake_at(), std::nullopt);
  }
}

TEST(Slots, when_nobody_returns_the_broadcast_ends_and_the_next_one_begins) {
  Slots slots(two_channels, {});
  slots.claim("key-of-anna", peer, start)->permit.give_back(Departure::lost, start);
  EXPECT_EQ(slots.expire(start + 15s), std::vector<std::string>{"anna"});
  EXPECT_TRUE(slots.expire(start + 15s).empty());
  EXPECT_EQ(slots.claim("key-of-anna", peer, start + 16s)->continuity, Continuity::begins);
}

TEST(Slots, a_setting_lets_a_goodbye_end_the_broadcast_at_once) {
  Slots slots(two_channels, {.unpublish_means = UnpublishMeans::ended});
  EXPECT_EQ(slots.claim("key-of-anna", peer, start)->permit.give_back(Departure::unpublished, start),
            AfterDeparture::ended);
  EXPECT_EQ(slots.claim("key-of-anna", peer, start)->continuity, Continuity::begins);
}

TEST(Slots, a_permit_that_is_dropped_counts_as_lost) {
  Slots slots(two_channels, {});
  {
    auto first = slots.claim("key-of-anna", peer, start);
    first->permit.touch(start + 3s);
  }
  EXPECT_EQ(slots.live_count(), 0u);
  EXPECT_EQ(slots.wake_at(), start + 18s);
}

TEST(Slots, a_permit_is_held_once_however_often_it_moves) {
  Slots slots(two_channels, {});
  auto first = slots.claim("key-of-anna", peer, start);
  Permit permit = std::move(first->permit);
  EXPECT_FALSE(first->permit.valid());
  EXPECT_TRUE(permit.valid());
  permit = Permit();
  EXPECT_EQ(slots.live_count(), 0u);
}

TEST(Slots, twenty_wrong_keys_are_forgiven_and_then_one_every_three_seconds) {
  Slots slots(two_channels, {});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(refused(slots.claim("guess", peer, start)), RefusalReason::wrong_key);
  EXPECT_EQ(refused(slots.claim("guess", peer, start)), RefusalReason::too_many_wrong_keys);
  EXPECT_EQ(refused(slots.claim("key-of-anna", "203.0.113.7:9", start)), RefusalReason::too_many_wrong_keys);
  EXPECT_TRUE(slots.claim("key-of-ben", "203.0.113.8:9", start).has_value());
  EXPECT_EQ(refused(slots.claim("guess", peer, start + 3s)), RefusalReason::wrong_key);
  EXPECT_EQ(refused(slots.claim("guess", peer, start + 3s)), RefusalReason::too_many_wrong_keys);
  EXPECT_TRUE(slots.claim("key-of-anna", peer, start + 10s).has_value());
}

TEST(Slots, guesses_are_counted_per_network_of_an_ipv6_host_and_per_ipv4_address) {
  Slots slots(two_channels, {});
  for (int i = 0; i < 20; ++i) {
    slots.claim("guess", "[2001:db8::" + std::to_string(i) + "]:1", start);
    slots.claim("guess", "[::ffff:203.0.113.7]:1", start);
  }
  EXPECT_EQ(refused(slots.claim("guess", "[2001:db8::ffff]:2", start)), RefusalReason::too_many_wrong_keys);
  EXPECT_EQ(refused(slots.claim("guess", "[2001:db8:0:1::1]:2", start)), RefusalReason::wrong_key);
  EXPECT_EQ(refused(slots.claim("guess", "203.0.113.7:2", start)), RefusalReason::too_many_wrong_keys);
  EXPECT_EQ(refused(slots.claim("guess", "[::ffff:203.0.113.8]:2", start)), RefusalReason::wrong_key);
}

TEST(Slots, the_table_of_guessers_stays_small_and_keeps_the_worst) {
  Slots slots(two_channels, {});
  for (int i = 0; i < 20; ++i) slots.claim("guess", peer, start);
  for (int i = 0; i < 2'000; ++i) {
    slots.claim("guess", "10." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ".1:1", start);
  }
  EXPECT_EQ(refused(slots.claim("guess", peer, start)), RefusalReason::too_many_wrong_keys);
}

TEST(Slots, a_channel_whose_key_is_kept_elsewhere_is_there_while_somebody_publishes) {
  Slots slots(two_channels, {.return_within = 15s});
  auto cyn = slots.claim_proven("cyn", start);
  ASSERT_TRUE(cyn);
  EXPECT_EQ(cyn->continuity, Continuity::begins);
  EXPECT_EQ(refused(slots.claim_proven("cyn", start + 1s)), RefusalReason::already_live);
  EXPECT_EQ(refused(slots.claim("", peer, start)), RefusalReason::wrong_key) << "its slot has no key of its own";
  EXPECT_EQ(cyn->permit.give_back(Departure::lost, start + 2s), AfterDeparture::paused);
  EXPECT_EQ(slots.claim_proven("cyn", start + 3s)->continuity, Continuity::continues);
  EXPECT_EQ(slots.expire(start + 100s), std::vector<std::string>{"cyn"}) << "the permit of the one before was dropped";
  EXPECT_EQ(slots.claim_proven("dan", start + 101s)->continuity, Continuity::begins);
}

TEST(Slots, what_is_ended_is_not_continued_and_its_publisher_has_nothing_to_give_back) {
  Slots slots(two_channels, {});
  auto cyn = slots.claim_proven("cyn", start);
  slots.end("cyn");
  EXPECT_FALSE(cyn->permit.valid());
  EXPECT_EQ(slots.wake_at(), std::nullopt) << "nobody is waited for";
  auto again = slots.claim_proven("cyn", start + 1s);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->continuity, Continuity::begins);
  EXPECT_EQ(cyn->permit.give_back(Departure::lost, start + 2s), AfterDeparture::displaced);
  EXPECT_TRUE(again->permit.valid());
}

TEST(Slots, wrong_keys_that_others_looked_up_count_as_well) {
  Slots slots(two_channels, {});
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(slots.too_often(peer, start));
    EXPECT_EQ(slots.refuse_wrong_key(peer, start).reason, RefusalReason::wrong_key);
  }
  EXPECT_TRUE(slots.too_often(peer, start));
  EXPECT_EQ(refused(slots.claim("key-of-anna", peer, start)), RefusalReason::too_many_wrong_keys);
}

}  // namespace
}  // namespace klieg::ingest
