#include "net/side_thread.h"

#include <gtest/gtest.h>

#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace klieg::net {
namespace {

struct OnTheSide : testing::Test {
  // Keeps the side thread busy until the test lets it go on.
  void hold() {
    std::promise<void> held;
    ASSERT_EQ(thread.offer([&held, goes_on = goes_on.get_future().share()] {
      held.set_value();
      goes_on.wait();
    }),
              SideThread::Accepted::yes);
    held.get_future().wait();
  }
  void let_go() { goes_on.set_value(); }
  // All that the side thread was asked until now has been answered, and the loop has heard of it.
  void settle() {
    std::promise<void> idle;
    thread.loop().post([&] {
      loop.post([this] { loop.stop(); });
      idle.set_value();
    });
    loop.run();
    idle.get_future().wait();
  }
  void ask(int number) {
    asker->ask<int>([number] { return number * 10; }, [this](int answer) { heard.push_back(answer); }, -number);
  }

  Loop loop;
  SideThread thread{2};
  std::optional<Asker> asker{std::in_place, loop, thread};
  std::promise<void> goes_on;
  std::vector<int> heard;
  using Heard = std::vector<int>;
};

TEST_F(OnTheSide, jobs_run_in_order_on_another_thread_and_are_answered_on_the_loop) {
  std::thread::id job_ran_on, done_ran_on;
  asker->ask<std::string>(
      [&] {
        job_ran_on = std::this_thread::get_id();
        return std::string("done");
      },
      [&](std::string answer) {
        done_ran_on = std::this_thread::get_id();
        EXPECT_EQ(answer, "done");
      },
      "full");
  settle();
  EXPECT_NE(job_ran_on, std::this_thread::get_id());
  EXPECT_NE(job_ran_on, std::thread::id());
  EXPECT_EQ(done_ran_on, std::this_thread::get_id());
  ask(1);
  settle();
  ask(2);
  settle();
  EXPECT_EQ(heard, (Heard{10, 20}));
}

TEST_F(OnTheSide, what_does_not_fit_the_queue_is_answered_so_in_a_later_turn) {
  hold();
  for (int i = 1; i <= 4; ++i) ask(i);
  EXPECT_EQ(thread.queued(), 2u);
  EXPECT_EQ(heard, Heard{});
  let_go();
  settle();
  EXPECT_EQ(heard, (Heard{-3, -4, 10, 20}));
  ask(5);
  settle();
  EXPECT_EQ(heard.back(), 50);
}

TEST_F(OnTheSide, who_is_gone_is_not_answered_and_what_waited_for_the_answer_goes_with_it) {
  hold();
  auto kept = std::make_shared<int>(0);
  asker->ask<int>([] { return 1; }, [&, kept](int) { heard.push_back(1); }, 0);
  EXPECT_EQ(kept.use_count(), 2);
  asker.reset();
  EXPECT_EQ(kept.use_count(), 1);
  let_go();
  settle();
  EXPECT_EQ(heard, Heard{});
}

TEST_F(OnTheSide, an_answer_on_its_way_does_not_reach_who_is_gone) {
  hold();
  asker->ask<int>([] { return 0; }, [&](int) { asker.reset(); }, 0);
  ask(1);
  let_go();
  settle();
  EXPECT_FALSE(asker);
  EXPECT_EQ(heard, Heard{});
}

TEST_F(OnTheSide, stopping_finishes_the_job_under_way_and_runs_no_other) {
  hold();
  std::promise<void> stopped;
  bool finished = false;
  thread.offer([&] {
    thread.loop().stop();
    stopped.set_value();
    finished = true;
  });
  ask(1);
  let_go();
  stopped.get_future().wait();
  thread.stop();
  loop.post([this] { loop.stop(); });
  loop.run();
  EXPECT_TRUE(finished);
  EXPECT_EQ(heard, Heard{});
}

}  // namespace
}  // namespace klieg::net
