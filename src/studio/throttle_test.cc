#include "studio/throttle.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace klieg::studio {
namespace {

constexpr LoopTime start = LoopTime(1000s);

Network network(uint32_t number) {
  Network made{};
  for (size_t i = 0; i < 4; ++i) made[15 - i] = static_cast<uint8_t>(number >> (8 * i));
  return made;
}

TEST(Budget, so_much_at_once_then_so_much_in_a_time) {
  Budget budget(3, 10s);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(budget.spend(network(1), start), 0s);
  EXPECT_EQ(budget.spend(network(1), start), 10s);
  EXPECT_EQ(budget.spend(network(1), start + 4s), 6s);
  EXPECT_EQ(budget.spend(network(1), start + 10s), 0s);
  EXPECT_EQ(budget.spend(network(1), start + 10s), 10s);
  EXPECT_EQ(budget.spend(network(2), start), 0s);
}

TEST(Budget, ten_thousand_deeds_of_one_network_are_a_few) {
  Budget budget(5, std::chrono::minutes(10));
  int done = 0;
  for (int i = 0; i < 10'000; ++i) done += budget.spend(network(1), start + i * 10ms) == 0s ? 1 : 0;
  EXPECT_EQ(done, 5);
}

TEST(Budget, a_full_table_forgets_the_least_guilty_and_goes_on) {
  Budget budget(10, 10s);
  for (int i = 0; i < 5; ++i) budget.spend(network(7), start);
  for (uint32_t i = 100; i < 100 + 3 * Budget::rows_max; ++i) EXPECT_EQ(budget.spend(network(i), start), 0s);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(budget.spend(network(7), start), 0s);
  EXPECT_EQ(budget.spend(network(7), start), 10s);
}

TEST(Suspicion, three_tries_are_free_and_each_failure_doubles_the_wait) {
  Suspicion suspicion({1, 2});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(suspicion.wait(network(1), "anna", start), 0s);
    suspicion.failed(network(1), "anna", start);
  }
  EXPECT_EQ(suspicion.wait(network(1), "anna", start), 1s);
  EXPECT_EQ(suspicion.wait(network(1), "anna", start + 400ms), 600ms);
  EXPECT_EQ(suspicion.wait(network(1), "anna", start + 1s), 0s);
  suspicion.failed(network(1), "anna", start + 1s);
  EXPECT_EQ(suspicion.wait(network(1), "anna", start + 1s), 2s);
  for (int i = 0; i < 40; ++i) suspicion.failed(network(1), "anna", start + 1s);
  EXPECT_EQ(suspicion.wait(network(1), "anna", start + 1s), Suspicion::longest_wait);
}

TEST(Suspicion, goes_with_success_and_with_time) {
  Suspicion suspicion({1, 2});
  for (int i = 0; i < 10; ++i) suspicion.failed(network(1), "anna", start);
  EXPECT_EQ(suspicion.wait(network(1), "anna", start + Suspicion::forgotten_after), 0s);
  suspicion.failed(network(1), "anna", start + Suspicion::forgotten_after);
  EXPECT_EQ(suspicion.wait(network(1), "anna", start + Suspicion::forgotten_after), 0s);
  for (int i = 0; i < 10; ++i) suspicion.failed(network(1), "ben", start);
  suspicion.succeeded(network(1), "ben");
  EXPECT_EQ(suspicion.wait(network(1), "ben", start), 0s);
}

RC_GTEST_PROP(Suspicion, whatever_others_try_nobody_else_is_locked_out, ()) {
  Suspicion suspicion({3, 4});
  const Network owner = network(0);
  LoopTime now = start;
  const auto tries = *rc::gen::container<std::vector<std::tuple<uint16_t, uint8_t, uint8_t>>>(
      rc::gen::arbitrary<std::tuple<uint16_t, uint8_t, uint8_t>>());
  for (const auto& [from, name, pause] : tries) {
    now += pause * 100ms;
    suspicion.failed(network(1u + from), name % 4 == 0 ? "anna" : "x" + std::to_string(name), now);
    RC_ASSERT(suspicion.wait(owner, "anna", now) == 0s);
  }
}

TEST(Suspicion, a_crowd_of_networks_locks_nobody_out_and_is_not_remembered_without_end) {
  Suspicion suspicion({1, 2});
  for (int i = 0; i < 10; ++i) suspicion.failed(network(1), "anna", start);
  for (uint32_t i = 0; i < 3 * Suspicion::rows_max; ++i) suspicion.failed(network(1'000 + i), "anna", start);
  EXPECT_GT(suspicion.wait(network(1), "anna", start), 0s);  // the guiltiest stays
  EXPECT_EQ(suspicion.wait(network(2), "anna", start), 0s);
}

}  // namespace
}  // namespace klieg::studio
