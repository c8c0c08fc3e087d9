// The README's diagrams are true: each arrow is flown and no other, each outcome and each ending is reached.
#include <fstream>
#include <set>
#include <sstream>

#include "edge/engine_test.h"
#include "edge/topic_test.h"

namespace klieg::edge {
namespace {

using testing::ContainerEq;

// The first column, without its quotes, of the table whose first column is called so.
std::set<std::string> table(const std::string& column) {
  std::ifstream file(KLIEG_SOURCE_DIR "/src/edge/README.md");
  std::set<std::string> rows;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| " + column + " |")) {
      inside = true;
    } else if (inside && line.starts_with("| `")) {
      rows.insert(line.substr(3, line.find('`', 3) - 3));
    } else if (!line.starts_with("|---")) {
      inside = false;
    }
  }
  return rows;
}

std::string name_of(Flight::State state) {
  switch (state) {
    case Flight::State::idle:
      return "idle";
    case Flight::State::expecting:
      return "expecting";
    case Flight::State::waiting:
      return "waiting";
    case Flight::State::asking:
      return "asking";
    case Flight::State::streaming:
      return "streaming";
    case Flight::State::over:
      return "over";
  }
  return "";
}

// One flight, and every change of its state.
struct Hangar final : FlightHost {
  explicit Hangar(std::set<std::string>& seen) : arrows(seen) {}
  ~Hangar() override { flight->give_up(); }
  LoopTime now() const override { return time; }
  uint64_t body_size_max() const override { return 1000; }
  Routes& routes() override { return ways; }
  Random& random() override { return chance; }
  Decision on_head(Flight&, const FetchHead& head, Chance) override {
    flight->identify({"\"a\"", head.size});
    return decision;
  }
  void on_failed(Flight&, FlightFailure) override {}
  void on_wake_changed(Flight&) override {}
  void on_resumed(Flight&) override {}
  void on_over(Flight&, FlightEnd how) override { end = how; }

  template <class Act>
  Hangar& then(Act act) {
    const Flight::State before = flight->state();
    act();
    if (flight->state() != before) arrows.insert(name_of(before) + " → " + name_of(flight->state()));
    return *this;
  }
  Hangar& ask() {
    return then([this] { flight->ask(); });
  }
  Hangar& expect() {
    return then([this] { flight->expect(time + 1s); });
  }
  Hangar& resume(std::string etag) {
    return then([&] { flight->resume(log, {std::move(etag), std::nullopt}); });
  }
  Hangar& wait() {
    return then([this] {
      time += 10s;
      flight->on_time(time);
    });
  }
  Hangar& head(uint16_t status = 200, const Fields& fields = {{"etag", "\"a\""}}) {
    return then([&] { parent.head(parent.asked() - 1, status, fields); });
  }
  Hangar& verdict(Verdict verdict) {
    decision.verdict = verdict;
    return head();
  }
  Hangar& body(std::string_view text) {
    return then([&] { parent.body(parent.asked() - 1, text); });
  }
  Hangar& fail(FetchEnd how = FetchEnd::reset) {
    return then([&] { parent.end(parent.asked() - 1, how); });
  }
  Hangar& come_by_push() {
    return then([this] { flight->give_up(); });
  }

  std::set<std::string>& arrows;
  LoopTime time{1s};
  MadeUpUpstream parent;
  MadeUpRoutes ways{{&parent}};
  Random chance{1};
  std::shared_ptr<Log> log = std::make_shared<Log>();
  Decision decision{Verdict::take, Duration(0), log};
  std::optional<FlightEnd> end;
  std::shared_ptr<Flight> flight = std::make_shared<Flight>(*this, "/a", FetchRequest());
};

TEST(Readme, every_arrow_of_a_flight_is_flown_and_no_other) {
  std::set<std::string> flown;
  const auto flight = [&] { return std::make_unique<Hangar>(flown); };
  // By push, or when the time is up.
  flight()->expect().come_by_push();
  flight()->expect().wait().come_by_push();
  // Whole, after every failure there is.
  flight()->ask().head().body("abc").fail(FetchEnd::complete);
  for (const FetchEnd how :
       {FetchEnd::unreachable, FetchEnd::reset, FetchEnd::malformed, FetchEnd::timed_out, FetchEnd::too_many}) {
    flight()->ask().fail(how).wait().head();
  }
  for (const Verdict verdict : {Verdict::refuse, Verdict::try_elsewhere, Verdict::ask_again_later}) {
    flight()->ask().verdict(verdict).wait().verdict(Verdict::take);
  }
  flight()->ask().fail().come_by_push();
  const auto failed = flight();
  failed->ask().fail().wait().fail().wait().fail().wait().fail();
  EXPECT_EQ(failed->end, FlightEnd::no_body);
  // In the middle of a body.
  const Fields rest{{"content-range", "bytes 3-5/6"}, {"etag", "\"a\""}};
  const auto resumed = flight();
  resumed->ask().head().body("abc").fail().wait().head(503).wait().head(206, rest).body("def").fail(FetchEnd::complete);
  EXPECT_EQ(resumed->end, FlightEnd::complete);
  const auto another = flight();
  another->ask().head().body("abc").fail().wait().head(200, {{"etag", "\"b\""}});
  EXPECT_EQ(another->end, FlightEnd::aborted);
  const auto orphan = flight();
  orphan->log->append(Bytes::copy_of(std::string_view("abc")));
  orphan->resume("\"a\"").head(206, rest).body("def").fail(FetchEnd::complete);
  EXPECT_EQ(orphan->end, FlightEnd::complete);
  const auto untagged = flight();
  untagged->resume("");
  EXPECT_EQ(untagged->end, FlightEnd::aborted);
  const auto endless = flight();
  endless->ask().head();
  endless->body(std::string(1001, '.'));
  EXPECT_EQ(endless->end, FlightEnd::too_large);
  const auto abandoned = flight();
  abandoned->ask().head();
  abandoned->log.reset();
  abandoned->decision.log.reset();
  abandoned->body("abc");
  EXPECT_EQ(abandoned->end, FlightEnd::abandoned);
  EXPECT_THAT(flown, ContainerEq(table("arrow")));
}

struct ReadmeOutcomes : EngineTest {
  ReadmeOutcomes() {
    source = &topics;
    settings.tickets_max = 3;
    settings.bytes_max = 100'000;
  }
  void answer(uint16_t status, const Fields& fields) { first.answer(first.asked() - 1, status, fields, "abc"); }
  Seen note(Seen viewer) {
    seen.push_back(viewer);
    return viewer;
  }
  std::vector<Seen> seen;
};

TEST_F(ReadmeOutcomes, every_outcome_and_every_ending_of_a_flight_is_reached_and_told) {
  note(get("/a"));
  note(get("/a"));
  answer(200, {{"cache-control", "max-age=10, stale-while-revalidate=10"}, {"etag", "\"a\""}});
  note(get("/a"));
  pass(15s);
  note(get("/a"));  // stale, for a while
  answer(304, {{"cache-control", "max-age=1, stale-if-error=100"}});
  pass(5s);
  note(get("/a"));
  answer(304, {{"cache-control", "max-age=1, stale-if-error=100"}});
  pass(5s);
  note(get("/a"));
  answer(500, {});
  note(get("/private"));
  answer(200, {{"cache-control", "private"}});
  note(get("/private"));
  answer(200, {{"cache-control", "private"}});
  note(get("/none", {{"cache-control", "only-if-cached"}}));
  note(get("/none", {{"cdn-loop", settings.node}}));
  routes.retries = 0;
  for (const FetchEnd how : {FetchEnd::unreachable, FetchEnd::timed_out, FetchEnd::malformed}) {
    note(get("/none"));
    first.end(first.asked() - 1, how);
    pass(1s);
  }
  routes.retries = SIZE_MAX;
  get("/t-0");
  answer(200, {{"cache-control", "max-age=10"}, {"klieg-topic", "/t"}});
  topics.say(0, media::NameExpected{"/t-1"});
  note(get("/t-1"));
  for (int i = 0; i < 4; ++i) note(get("/t-2"));
  topics.say(0, begun(1, "/t-1"));
  answer(404, {});
  // Endings that are still missing.
  const Seen reader = get("/b");
  first.head(first.asked() - 1, 200, fresh, 6);
  first.end(first.asked() - 1, FetchEnd::reset);
  pass(1s);
  second.head(second.asked() - 1, 200, fresh, 6);
  get("/c");
  first.head(first.asked() - 1, 200, {{"cache-control", "max-age=10"}}, 6);
  first.end(first.asked() - 1, FetchEnd::reset);
  get("/d");
  first.head(first.asked() - 1, 200, {{"cache-control", "private"}}, 6);
  first.body(first.asked() - 1, "abc");
  const Seen endless = get("/e");
  first.head(first.asked() - 1, 200, fresh);
  first.body(first.asked() - 1, std::string(100'001, '.'));

  std::set<std::string> reached;
  for (const Seen& viewer : seen) reached.emplace(viewer->how());
  EXPECT_THAT(reached, ContainerEq(table("outcome")));
  EXPECT_EQ(reached.size(), outcomes);
  std::set<std::string> ended;
  for (size_t i = 0; i < flight_endings; ++i) {
    const auto ending = static_cast<FlightEnding>(i);
    if (run().ended(ending) > 0) ended.emplace(edge::name_of(ending));
  }
  EXPECT_THAT(ended, ContainerEq(table("ending")));
  EXPECT_EQ(ended.size(), flight_endings);
}

}  // namespace
}  // namespace klieg::edge
