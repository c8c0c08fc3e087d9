#include "push/server_fanout.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace klieg::push {
namespace {

// A connection that takes what it is told to take.
struct Line final : net::Connection {
  void start(net::ConnectionHandler&) override {}
  void write(std::span<const Bytes> pieces) override {
    ++writes;
    for (const Bytes& piece : pieces) (stuck ? waiting : received) += piece.text();
  }
  size_t unsent() const override { return waiting.size(); }
  void limit_unsent_in_kernel(uint32_t) override {}
  void keep(std::shared_ptr<void>) override {}
  void pause_reading() override {}
  void resume_reading() override {}
  void close() override {}
  void abort() override {}
  const std::string& peer() const override { return empty; }
  const std::string& application_protocol() const override { return empty; }
  bool encrypted() const override { return false; }

  bool stuck = false;
  std::string received, waiting;
  size_t writes = 0;
  const std::string empty;
};

struct Viewer final : Sitter {
  Viewer(Fanout& fanout, const std::shared_ptr<Reel>& reel) : seat(std::make_unique<Seat>(fanout, reel, line, *this)) {}
  void on_stalled() override {
    stalled = true;
    seat.reset();
  }
  void on_reel_end() override {
    ended = true;
    seat.reset();
  }
  void take() {
    line.stuck = false;
    line.received += std::exchange(line.waiting, "");
    seat->on_drained();
  }
  Line line;
  bool stalled = false, ended = false;
  std::unique_ptr<Seat> seat;
};

// Without windows, which are for pace_test.cc: how busy the machine is makes no difference here.
struct Hall {
  explicit Hall(const FanoutLimits& limits = {}, size_t turn_max = 100)
      : fanout(loop, metrics, nullptr, {.window_max = 0s, .turn_max = turn_max}, limits),
        reel(std::make_shared<Reel>()) {}
  ~Hall() {
    for (const auto& viewer : viewers) viewer->seat.reset();
  }

  Viewer& come() { return *viewers.emplace_back(std::make_unique<Viewer>(fanout, reel)); }
  void key(const std::string& text) { reel->append_marked(Bytes::copy_of(text), at += 40ms, Bytes::copy_of("[h]")); }
  void frame(const std::string& text) {
    reel->append(Bytes::copy_of(text), at);
    at += 40ms;
  }
  // Turns of the loop, more than any posted work here makes.
  void turns(size_t count = 50) {
    for (; count > 0; --count) {
      loop.post([this] { loop.stop(); });
      loop.run();
    }
  }

  net::Loop loop;
  Metrics metrics;
  Fanout fanout;
  std::shared_ptr<Reel> reel;
  std::deque<std::unique_ptr<Viewer>> viewers;
  Duration at{0};
};

TEST(Fanout, everybody_gets_the_same_bytes_from_the_key_frame_on) {
  Hall hall;
  hall.frame("lost");
  hall.key("K0");
  for (int i = 0; i < 3; ++i) hall.come();
  hall.turns();
  hall.frame("a");
  hall.turns();
  hall.frame("b");
  hall.turns();
  for (const auto& viewer : hall.viewers) EXPECT_EQ(viewer->line.received, "[h]K0ab");
  Viewer& late = hall.come();
  hall.turns();
  EXPECT_EQ(late.line.received, "[h]K0ab") << "at once, not with the next frame";
}

TEST(Fanout, nothing_is_sent_in_the_turn_in_which_it_is_born_and_what_belongs_together_leaves_together) {
  Hall hall;
  hall.key("K0");
  Viewer& viewer = hall.come();
  hall.turns();
  const size_t writes = viewer.line.writes;
  hall.frame("picture");
  hall.frame("sound");
  EXPECT_EQ(viewer.line.writes, writes);
  hall.turns();
  EXPECT_EQ(viewer.line.writes, writes + 1);
}

TEST(Fanout, one_that_takes_nothing_is_not_given_more_and_others_go_on) {
  Hall hall;
  hall.key("K0");
  Viewer& slow = hall.come();
  Viewer& quick = hall.come();
  slow.line.stuck = true;
  hall.turns();
  for (int i = 0; i < 1000; ++i) {
    hall.frame("x");
    hall.turns();
  }
  EXPECT_EQ(slow.line.waiting, "[h]K0");
  EXPECT_EQ(quick.line.received.size(), 5u + 1000);
}

TEST(Fanout, a_slow_one_is_merged_and_then_skipped_to_the_latest_key_frame) {
  Hall hall;
  hall.key("K0");
  Viewer& slow = hall.come();
  slow.line.stuck = true;
  hall.turns();
  hall.frame("a");
  hall.frame("b");
  hall.turns();
  const size_t writes = slow.line.writes;
  slow.take();
  EXPECT_EQ(slow.line.received, "[h]K0ab");
  EXPECT_EQ(slow.line.writes, writes + 1);

  slow.line.stuck = true;
  hall.frame("c");
  hall.turns();
  for (int second = 1; second < 20; ++second) {
    hall.key("K" + std::to_string(second));
    for (int i = 0; i < 24; ++i) hall.frame(".");
  }
  hall.key("K20");
  hall.turns();
  slow.take();
  EXPECT_EQ(slow.line.received, "[h]K0abc[h]K20");
}

TEST(Fanout, one_that_takes_nothing_for_too_long_is_let_go_from_inside_its_visit) {
  Hall hall({.stalled_max = 0s});
  hall.key("K0");
  Viewer& slow = hall.come();
  Viewer& quick = hall.come();
  slow.line.stuck = true;
  hall.turns();
  EXPECT_FALSE(slow.stalled);
  hall.frame("a");
  hall.turns();
  EXPECT_TRUE(slow.stalled);
  EXPECT_EQ(hall.fanout.seats(), 1u);
  EXPECT_EQ(quick.line.received, "[h]K0a");
}

TEST(Fanout, one_that_takes_a_byte_now_and_then_is_let_go_all_the_same) {
  Hall hall({.stalled_max = 5ms});
  hall.key(std::string(1 << 20, 'K'));
  Viewer& slow = hall.come();
  slow.line.stuck = true;
  hall.turns();
  // Each byte comes sooner than it would be let go after: only the first moment without all of it counts.
  const LoopTime patience = hall.loop.now() + 5s;
  while (!slow.stalled && hall.loop.now() < patience) {
    slow.line.waiting.pop_back();
    hall.frame("a");
    hall.turns();
  }
  EXPECT_TRUE(slow.stalled);
}

TEST(Fanout, one_whose_connection_has_something_else_on_its_way_does_not_stand_still) {
  Hall hall;
  hall.key("K0");
  Viewer& viewer = hall.come();
  hall.turns();
  viewer.line.waiting = "[answer]";
  hall.frame("a");
  hall.turns();
  ASSERT_FALSE(viewer.stalled);
  viewer.take();
  EXPECT_EQ(viewer.line.received, "[h]K0[answer]a");
}

TEST(Fanout, the_operator_is_told_of_every_push_also_of_those_that_a_drained_connection_asked_for) {
  Hall hall;
  hall.key("K0");
  Viewer& slow = hall.come();
  slow.line.stuck = true;
  hall.turns();
  hall.frame("a");
  hall.turns();
  slow.take();
  hall.frame("b");
  hall.turns();
  EXPECT_EQ(slow.line.writes, 3u);
  EXPECT_EQ(hall.metrics.counter("klieg_push_pushes_total", "").Value(), 3);
}

TEST(Fanout, the_end_is_told_when_all_is_sent_to_a_slow_one_too) {
  Hall hall;
  hall.key("K0");
  Viewer& slow = hall.come();
  Viewer& quick = hall.come();
  hall.turns();
  slow.line.stuck = true;
  hall.frame("z");
  hall.reel->end();
  hall.turns();
  EXPECT_TRUE(quick.ended);
  EXPECT_FALSE(slow.ended);
  slow.take();
  EXPECT_TRUE(slow.ended);
  EXPECT_EQ(slow.line.received, "[h]K0z");
}

TEST(Fanout, whoever_leaves_between_two_rounds_the_others_stay) {
  for (size_t first = 0; first < 4; ++first) {
    for (size_t second = 0; second < 4; ++second) {
      Hall hall;
      hall.key("K0");
      for (int i = 0; i < 4; ++i) hall.come();
      hall.turns();
      hall.viewers[first]->seat.reset();
      hall.frame("a");
      hall.turns();
      hall.viewers[second]->seat.reset();
      hall.frame("b");
      hall.turns();
      EXPECT_EQ(hall.fanout.seats(), first == second ? 3u : 2u);
      for (const auto& viewer : hall.viewers) {
        if (viewer->seat) EXPECT_EQ(viewer->line.received, "[h]K0ab") << first << second;
      }
    }
  }
}

TEST(Fanout, whoever_leaves_in_a_round_that_began_in_the_middle_nobody_is_left_out) {
  constexpr size_t count = 8;
  for (size_t begins_at = 0; begins_at < count; ++begins_at) {
    for (size_t leaves = 0; leaves < count; ++leaves) {
      for (size_t visited = 0; visited < count; ++visited) {
        Hall hall({}, 1);
        hall.key("K0");
        for (size_t i = 0; i < count; ++i) hall.come();
        hall.turns();
        hall.frame("a");
        hall.turns(begins_at);
        hall.frame("b");
        hall.turns(visited);
        hall.viewers[leaves]->seat.reset();
        hall.turns();
        for (const auto& viewer : hall.viewers) {
          if (viewer->seat) ASSERT_EQ(viewer->line.received, "[h]K0ab") << begins_at << leaves << visited;
        }
      }
    }
  }
}

TEST(Fanout, whoever_leaves_meanwhile_nobody_is_left_out) {
  Hall hall({}, 7);
  hall.key("K0");
  for (int i = 0; i < 100; ++i) hall.come();
  hall.turns();
  for (int round = 0; round < 30; ++round) {
    hall.frame(std::string(1, static_cast<char>('a' + round % 26)));
    // In the middle of a lap: some have had this frame, some not.
    for (int i = 0; i < 3; ++i) {
      hall.loop.post([&hall] { hall.loop.stop(); });
      hall.loop.run();
    }
    hall.viewers[static_cast<size_t>(round * 37 % 100)]->seat.reset();
    hall.turns();
    for (const auto& viewer : hall.viewers) {
      if (viewer->seat) ASSERT_EQ(viewer->line.received.size(), 5u + static_cast<size_t>(round) + 1) << round;
    }
  }
}

}  // namespace
}  // namespace klieg::push
