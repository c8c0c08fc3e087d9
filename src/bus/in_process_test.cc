#include "bus/in_process.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace klieg::bus {
namespace {

struct InProcessBus : testing::Test {
  auto write_down() {
    return [this](const Message& message) {
      heard.push_back(message.subject + "=" + std::string(message.payload.text()));
    };
  }
  void publish(std::string_view subject, std::string_view payload) { bus.publish(subject, Bytes::copy_of(payload)); }
  // All turns that are due, and those that they make due.
  void turn() {
    for (int i = 0; i < 50; ++i) {
      loop.post([this] { loop.stop(); });
      loop.run();
    }
  }

  InProcess bus;
  net::Loop loop;
  std::vector<std::string> heard;
  using Heard = std::vector<std::string>;
};

TEST_F(InProcessBus, who_subscribed_hears_what_matches_in_a_turn_of_its_own) {
  const auto subscription = bus.subscribe(loop, "load.*", Loss::oldest, write_down());
  publish("load.a", "1");
  publish("other.a", "2");
  publish("load.b", "3");
  EXPECT_EQ(heard, Heard{});
  turn();
  EXPECT_EQ(heard, (Heard{"load.a=1", "load.b=3"}));
  EXPECT_EQ(subscription->lost(), 0u);
}

TEST_F(InProcessBus, nothing_is_kept_for_who_comes_later_and_nothing_comes_to_who_left) {
  publish("load.a", "before");
  auto subscription = bus.subscribe(loop, "load.a", Loss::oldest, write_down());
  turn();
  publish("load.a", "while");
  turn();
  publish("load.a", "on its way");
  subscription.reset();
  publish("load.a", "after");
  turn();
  EXPECT_EQ(heard, Heard{"load.a=while"});
}

TEST_F(InProcessBus, each_of_several_subscriptions_hears_it) {
  const auto one = bus.subscribe(loop, "a", Loss::oldest, write_down());
  const auto two = bus.subscribe(loop, ">", Loss::newest, write_down());
  publish("a", "x");
  turn();
  EXPECT_EQ(heard, (Heard{"a=x", "a=x"}));
}

TEST_F(InProcessBus, a_handler_may_publish_and_end_its_own_subscription) {
  std::unique_ptr<Subscription> subscription;
  subscription = bus.subscribe(loop, "a", Loss::oldest, [&](const Message& message) {
    heard.emplace_back(message.payload.text());
    if (heard.size() == 1) publish("a", "again");
    if (heard.size() == 2) subscription.reset();
  });
  publish("a", "first");
  turn();
  EXPECT_EQ(heard, (Heard{"first", "again"}));
  publish("a", "third");
  turn();
  EXPECT_EQ(heard.size(), 2u);
}

TEST_F(InProcessBus, beyond_the_limit_goes_what_the_subscriber_chose) {
  const auto old = bus.subscribe(loop, "a", Loss::oldest, write_down());
  for (size_t i = 0; i < queued_max + 2; ++i) publish("a", std::to_string(i));
  turn();
  EXPECT_EQ(heard.size(), queued_max);
  EXPECT_EQ(heard.front(), "a=2");
  EXPECT_EQ(heard.back(), "a=" + std::to_string(queued_max + 1));
  EXPECT_EQ(old->lost(), 2u);

  heard.clear();
  const auto complete = bus.subscribe(loop, "b", Loss::newest, write_down());
  for (size_t i = 0; i < queued_max + 2; ++i) publish("b", std::to_string(i));
  turn();
  EXPECT_EQ(heard.size(), queued_max);
  EXPECT_EQ(heard.front(), "b=0");
  EXPECT_EQ(heard.back(), "b=" + std::to_string(queued_max - 1));
  EXPECT_EQ(complete->lost(), 2u);
}

TEST_F(InProcessBus, of_each_subject_only_the_newest_waits_where_it_supersedes_the_others) {
  const auto subscription = bus.subscribe(loop, "load.*", Loss::superseded, write_down());
  for (int i = 0; i < 2'000; ++i) publish(i % 2 == 0 ? "load.a" : "load.b", std::to_string(i));
  turn();
  EXPECT_EQ(heard, (Heard{"load.a=1998", "load.b=1999"}));
  EXPECT_EQ(subscription->lost(), 1'998u);
}

TEST_F(InProcessBus, others_on_the_loop_are_heard_between_a_hundred_messages) {
  const auto subscription = bus.subscribe(loop, "a", Loss::oldest, write_down());
  for (int i = 0; i < 250; ++i) publish("a", "");
  std::vector<size_t> seen;
  for (int i = 0; i < 3; ++i) {
    loop.post([this] { loop.stop(); });
    loop.run();
    seen.push_back(heard.size());
  }
  EXPECT_EQ(seen, (std::vector<size_t>{100, 200, 250}));
}

TEST_F(InProcessBus, a_loop_that_is_gone_is_not_posted_to) {
  {
    net::Loop other;
    const auto subscription = bus.subscribe(other, ">", Loss::oldest, write_down());
    publish("a", "never heard");
  }
  publish("a", "to nobody");
}

TEST_F(InProcessBus, one_publisher_is_heard_in_order_on_another_loop) {
  std::vector<int> numbers;
  net::Loop other;
  std::unique_ptr<Subscription> subscription;
  std::atomic<bool> subscribed = false;
  std::thread thread([&] {
    subscription = bus.subscribe(other, "n", Loss::newest, [&](const Message& message) {
      numbers.push_back(std::stoi(std::string(message.payload.text())));
      if (numbers.back() == -1) other.stop();
    });
    subscribed = true;
    subscribed.notify_one();
    other.run();
    subscription.reset();
  });
  subscribed.wait(false);
  constexpr int count = static_cast<int>(queued_max) - 1;  // none can be lost
  for (int i = 0; i < count; ++i) publish("n", std::to_string(i));
  publish("n", "-1");
  thread.join();
  ASSERT_EQ(numbers.size(), queued_max);
  for (int i = 0; i < count; ++i) EXPECT_EQ(numbers[static_cast<size_t>(i)], i);
}

}  // namespace
}  // namespace klieg::bus
