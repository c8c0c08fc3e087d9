#include <gtest/gtest.h>

#include "edge/engine.h"

namespace klieg::edge {
namespace {

using namespace std::chrono_literals;

struct StandingClock final : Clock {
  LoopTime now() const override { return LoopTime(1s); }
  WallTime wall_now() const override { return WallTime(1s); }
};

struct OneParent final : Upstream, Routes {
  struct Asking final : Fetch {};
  std::unique_ptr<Fetch> fetch(FetchRequest, FetchHandler& asker) override {
    handler = &asker;
    return std::make_unique<Asking>();
  }
  size_t ways(std::string_view) const override { return 1; }
  std::optional<Way> choose(std::string_view, const FetchRequest&, uint32_t, LoopTime) override { return Way{this, 0}; }
  void succeeded(const Way&, LoopTime) override {}
  void failed(const Way&, LoopTime) override {}
  void released(const Way&) override {}
  FetchHandler* handler = nullptr;
};

TEST(EngineDeadline, comes_nearer_when_a_parent_breaks_off_and_whoever_keeps_the_time_is_told) {
  StandingClock clock;
  OneParent parent;
  Engine engine({}, clock, parent, nullptr, 1);
  const Engine::Found found = engine.ask({"GET", "/a", "", {}, {}, "192.0.2.1"});
  ASSERT_TRUE(std::holds_alternative<Pending>(found));
  LoopTime told = LoopTime::max();
  engine.when_nearer([&] { told = engine.next_deadline(); });
  parent.handler->on_end(FetchEnd::reset);
  EXPECT_GE(told, LoopTime(1s) + 10ms);
  EXPECT_LT(told, LoopTime(1s) + 1s);
}

}  // namespace
}  // namespace klieg::edge
