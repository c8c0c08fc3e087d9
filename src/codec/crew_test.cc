#include "codec/crew.h"

#include <gtest/gtest.h>

#include <latch>

namespace klieg::codec {
namespace {

TEST(crew, without_hands_work_is_done_at_once) {
  Crew crew(0);
  bool done = false;
  const std::future<void> end = crew.start([&] { done = true; });
  EXPECT_TRUE(done);
  EXPECT_EQ(end.wait_for(std::chrono::seconds(0)), std::future_status::ready);
}

TEST(crew, its_hands_work_at_the_same_time) {
  Crew crew(3);
  std::latch all(3);  // passes nobody before the third is there
  std::vector<std::future<void>> ends;
  for (int i = 0; i < 3; ++i) ends.push_back(crew.start([&] { all.arrive_and_wait(); }));
  for (std::future<void>& end : ends) end.get();
}

TEST(crew, what_waits_for_a_hand_is_done_in_order) {
  Crew crew(1);
  std::vector<int> order;  // one hand, so one thread writes
  std::vector<std::future<void>> ends;
  for (int i = 0; i < 5; ++i) ends.push_back(crew.start([&order, i] { order.push_back(i); }));
  for (std::future<void>& end : ends) end.get();
  EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4}));
}

TEST(crew, it_ends_with_what_is_under_way) {
  std::atomic<int> done = 0;
  {
    Crew crew(2);
    for (int i = 0; i < 8; ++i) (void)crew.start([&] { ++done; });
  }
  EXPECT_EQ(done, 8);
}

TEST(crew, a_machine_gives_no_more_hands_than_are_of_use) {
  EXPECT_LE(Crew::usual_hands(), Crew::hands_max);
  EXPECT_NE(Crew::usual_hands(), 1u);
}

}  // namespace
}  // namespace klieg::codec
