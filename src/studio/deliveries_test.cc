#include "studio/deliveries.h"

#include <gtest/gtest.h>

namespace klieg::studio {
namespace {

constexpr LoopTime start(1'000s);

struct Notices : testing::Test {
  void add(int64_t id) { deliveries.add({.id = id, .url = "https://push.example/"}); }
  // The next one's fate.
  Fate answer(uint16_t status, LoopTime now = start, Duration retry_after = Duration(0)) {
    auto delivery = deliveries.next(now);
    EXPECT_TRUE(delivery);
    return deliveries.ended(std::move(*delivery), {status, retry_after}, now);
  }
  Deliveries deliveries;
};

TEST_F(Notices, end_as_the_receiver_says) {
  for (int64_t id = 1; id <= 6; ++id) add(id);
  EXPECT_EQ(answer(201), Fate::delivered);
  EXPECT_EQ(answer(404), Fate::gone);
  EXPECT_EQ(answer(410), Fate::gone);
  EXPECT_EQ(answer(400), Fate::refused);
  EXPECT_EQ(answer(302), Fate::refused) << "nobody is sent elsewhere";
  EXPECT_EQ(answer(413), Fate::refused);
  EXPECT_FALSE(deliveries.next(start));
  EXPECT_FALSE(deliveries.wake_at());
}

TEST_F(Notices, that_failed_are_tried_again_later_and_later_and_then_given_up) {
  add(1);
  LoopTime now = start;
  for (const Duration rest : Deliveries::rests) {
    EXPECT_EQ(answer(rest == Deliveries::rests[0] ? 0 : 503, now), Fate::again);
    EXPECT_FALSE(deliveries.next(now + rest - 1ns));
    now += rest;
    EXPECT_EQ(deliveries.wake_at(), now);
  }
  EXPECT_EQ(answer(503, now), Fate::given_up);
  EXPECT_EQ(deliveries.room(), Deliveries::kept_max);
}

TEST_F(Notices, rest_for_as_long_as_the_receiver_asks_within_bounds) {
  add(1);
  EXPECT_EQ(answer(429, start, 30s), Fate::again);
  EXPECT_EQ(deliveries.wake_at(), start + 30s);
  EXPECT_EQ(answer(429, start + 30s, std::chrono::hours(100)), Fate::again);
  EXPECT_EQ(deliveries.wake_at(), start + 30s + Deliveries::longest_rest);
}

TEST_F(Notices, are_under_way_so_many_at_once_and_rest_so_many) {
  for (size_t i = 0; i < Deliveries::kept_max; ++i) add(static_cast<int64_t>(i));
  EXPECT_EQ(deliveries.room(), 0u);
  std::vector<Delivery> under_way;
  while (auto delivery = deliveries.next(start)) under_way.push_back(std::move(*delivery));
  EXPECT_EQ(under_way.size(), Deliveries::under_way_max);
  size_t given_up = 0;
  for (Delivery& delivery : under_way) EXPECT_EQ(deliveries.ended(std::move(delivery), {}, start), Fate::again);
  while (auto delivery = deliveries.next(start)) {
    given_up += deliveries.ended(std::move(*delivery), {}, start) == Fate::given_up ? 1 : 0;
  }
  EXPECT_EQ(given_up, Deliveries::kept_max - Deliveries::resting_max);
}

}  // namespace
}  // namespace klieg::studio
