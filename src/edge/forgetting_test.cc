#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "edge/engine.h"

namespace klieg::edge {
namespace {

struct StandingClock final : Clock {
  LoopTime now() const override { return LoopTime(1s); }
  WallTime wall_now() const override { return WallTime(1s); }
};

// Answers everything at once, as fresh for a minute.
struct WillingParent final : Upstream, Routes {
  struct Asking final : Fetch {};
  std::unique_ptr<Fetch> fetch(FetchRequest request, FetchHandler& asker) override {
    condition.clear();
    for (const auto& [name, value] : request.fields) {
      if (name == "if-none-match") condition = value;
    }
    handler = &asker;
    return std::make_unique<Asking>();
  }
  void answer(std::vector<wire::HeaderView> fields = {{"cache-control", "max-age=60"}}, uint16_t status = 200) {
    FetchHead head;
    head.status = status;
    head.fields = fields;
    head.size = 0;
    handler->on_head(head);
    handler->on_end(FetchEnd::complete);
  }
  size_t ways(std::string_view) const override { return 1; }
  std::optional<Way> choose(std::string_view, const FetchRequest&, uint32_t, LoopTime) override { return Way{this, 0}; }
  void succeeded(const Way&, LoopTime) override {}
  void failed(const Way&, LoopTime) override {}
  void released(const Way&) override {}
  FetchHandler* handler = nullptr;
  std::string condition;  // of the last request: its If-None-Match
};

struct Scene {
  bool has(std::string_view path, std::string_view query = "") {
    return std::holds_alternative<Served>(engine.ask({"GET", path, query, only_if_cached, {}, "192.0.2.1"}));
  }
  void fetch(std::string_view path, std::string_view query = "") {
    engine.ask({"GET", path, query, {}, {}, "192.0.2.1"});
    parent.answer();
  }
  const std::vector<wire::HeaderView> only_if_cached{{"cache-control", "only-if-cached"}};
  StandingClock clock;
  WillingParent parent;
  Engine engine{{}, clock, parent, nullptr, 1};
};

// RFC 9111 section 4.4.
TEST(Forgetting, a_request_that_changes_something_makes_this_cache_forget_and_others_hear_of_it) {
  Scene scene;
  scene.fetch("/a");
  scene.fetch("/b", "q");
  scene.fetch("/c");
  ASSERT_TRUE(scene.has("/a") && scene.has("/b", "q") && scene.has("/c"));
  std::vector<std::string> told;
  scene.engine.when_forgotten([&](const std::string& target) { told.push_back(target); });
  scene.engine.ask({"POST", "/a", "", {}, {}, "192.0.2.1"});
  scene.parent.answer({{"location", "/b?q"}});
  EXPECT_FALSE(scene.has("/a"));
  EXPECT_FALSE(scene.has("/b", "q"));
  EXPECT_TRUE(scene.has("/c"));
  EXPECT_THAT(told, testing::ElementsAre("/a", "/b?q"));
}

TEST(Forgetting, what_others_forgot_is_forgotten_however_its_query_is_spelled) {
  Scene scene;
  scene.fetch("/a", "q&CMCD=bl%3D2900");
  ASSERT_TRUE(scene.has("/a", "q"));
  scene.engine.forget("/a?CMCD=bl%3D100&q");
  EXPECT_FALSE(scene.has("/a", "q"));
}

TEST(Forgetting, what_a_validation_says_is_for_one_viewer_is_not_kept_any_longer) {
  Scene scene;
  scene.engine.ask({"GET", "/a", "", {}, {}, "192.0.2.1"});
  scene.parent.answer({{"cache-control", "no-cache"}, {"etag", "\"1\""}});
  for (const char* control : {"no-cache", "private"}) {
    Engine::Found found = scene.engine.ask({"GET", "/a", "", {}, {}, "192.0.2.1"});
    ASSERT_TRUE(std::holds_alternative<Pending>(found));
    Outcome how = Outcome::miss;
    scene.engine.wait(std::get<Pending>(found), [&](const Answer& answer) { how = std::get<Served>(answer).how; });
    scene.parent.answer({{"cache-control", control}}, 304);
    EXPECT_EQ(name_of(how), control == std::string("private") ? "uncacheable" : "revalidated");
  }
  // Nothing is here to be validated: it is passed on without a condition.
  scene.engine.ask({"GET", "/a", "", {}, {}, "192.0.2.1"});
  EXPECT_EQ(scene.parent.condition, "");
}

}  // namespace
}  // namespace klieg::edge
