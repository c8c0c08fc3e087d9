#include "net/visits.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace klieg::net {
namespace {

struct Line final : Connection {
  void start(ConnectionHandler&) override {}
  void write(std::span<const Bytes>) override {}
  size_t unsent() const override { return 0; }
  void limit_unsent_in_kernel(uint32_t) override {}
  void keep(std::shared_ptr<void>) override {}
  void pause_reading() override {}
  void resume_reading() override {}
  void close() override {}
  void abort() override {}
  const std::string& peer() const override { return empty; }
  const std::string& application_protocol() const override { return empty; }
  bool encrypted() const override { return false; }
  const std::string empty;
};

struct Hall;

// Has what was there when he was last visited.
struct Reader final : Visited {
  explicit Reader(Hall& of);
  size_t visit(LoopTime) override;
  Hall& hall;
  int has = 0;
};

// Without windows, which are for pace_test.cc: how busy the machine is makes no difference here.
struct Hall {
  explicit Hall(size_t turn_max = 7)
      : visits(loop, {.window_max = 0s, .turn_max = turn_max}, [this](size_t pushed) { pushes += pushed; }) {}

  void come() { readers.push_back(std::make_unique<Reader>(*this)); }
  void say() {
    ++said;
    visits.renew();
  }
  void turns(int count) {
    for (; count > 0; --count) {
      loop.post([this] { loop.stop(); });
      loop.run();
    }
  }
  size_t behind() const {
    size_t count = 0;
    for (const auto& reader : readers) count += reader->has < said ? 1 : 0;
    return count;
  }

  Loop loop;
  Line line;
  int said = 0;
  size_t pushes = 0;
  Reader* leaves_when_visited = nullptr;
  Visits visits;
  std::vector<std::unique_ptr<Reader>> readers;
};

Reader::Reader(Hall& of) : Visited(of.visits, of.line), hall(of) {}
size_t Reader::visit(LoopTime) {
  const size_t pushed = has < hall.said ? 1 : 0;
  has = hall.said;
  if (hall.leaves_when_visited == this) {
    std::erase_if(hall.readers, [this](const auto& reader) { return reader.get() == this; });
  }
  return pushed;
}

TEST(Visits, everybody_is_visited_once_in_turns_that_leave_room_for_others) {
  Hall hall;
  for (int i = 0; i < 100; ++i) hall.come();
  hall.turns(50);
  hall.say();
  EXPECT_EQ(hall.behind(), 100u) << "not in the turn in which it is said";
  hall.turns(3);
  EXPECT_GT(hall.behind(), 0u);
  hall.turns(50);
  EXPECT_EQ(hall.behind(), 0u);
  EXPECT_EQ(hall.pushes, 100u);
}

TEST(Visits, whoever_comes_and_leaves_in_the_middle_of_a_round_nobody_is_left_out) {
  // Rounds that begin at any place, and someone of every place who leaves at any time in them.
  for (size_t begins_at = 0; begins_at < 10; ++begins_at) {
    for (size_t leaves = 0; leaves < 10; ++leaves) {
      for (int visited = 0; visited < 10; ++visited) {
        Hall hall(1);
        for (int i = 0; i < 10; ++i) hall.come();
        hall.turns(50);
        for (size_t i = 0; i < begins_at; ++i) {
          hall.visits.renew();
          hall.turns(1);
        }
        hall.say();
        hall.turns(visited);
        hall.readers.erase(hall.readers.begin() + static_cast<ptrdiff_t>(leaves));
        hall.turns(50);
        ASSERT_EQ(hall.behind(), 0u) << begins_at << " " << leaves << " " << visited;
      }
    }
  }
}

TEST(Visits, one_who_leaves_while_he_is_visited_takes_nobodys_turn) {
  Hall hall;
  for (int i = 0; i < 20; ++i) hall.come();
  hall.turns(50);
  hall.leaves_when_visited = hall.readers[4].get();
  hall.say();
  hall.turns(50);
  EXPECT_EQ(hall.readers.size(), 19u);
  EXPECT_EQ(hall.behind(), 0u);
}

TEST(Visits, who_comes_is_visited_without_news) {
  Hall hall;
  hall.said = 1;
  hall.come();
  hall.turns(5);
  EXPECT_EQ(hall.behind(), 0u);
}

}  // namespace
}  // namespace klieg::net
