// The road of a request: what is answered at once, what is asked upward, and how each way ends.
#include "edge/engine_test.h"

#include <set>

namespace klieg::edge {
namespace {

using testing::StartsWith;

TEST_F(EngineTest, the_first_request_begins_a_flight_and_all_others_read_what_it_brings_as_it_grows) {
  const Seen leader = get("/a");
  const Seen joiner = get("/a");
  EXPECT_EQ(first.asked(), 1u);
  EXPECT_EQ(leader->how(), "waiting");
  first.head(0, 200, fresh, 6);
  EXPECT_EQ(leader->how(), "miss");
  EXPECT_EQ(joiner->how(), "joined");
  first.body(0, "abc");
  const Seen late = get("/a");
  EXPECT_EQ(late->how(), "hit");
  EXPECT_EQ(late->text(), "abc");
  EXPECT_EQ(late->body(), LogEnd::growing);
  first.body(0, "def");
  first.end(0);
  for (const Seen& viewer : {leader, joiner, late}) {
    EXPECT_EQ(viewer->text(), "abcdef");
    EXPECT_EQ(viewer->body(), LogEnd::complete);
  }
  EXPECT_EQ(get("/a")->how(), "hit");
  EXPECT_EQ(first.asked(), 1u);
  EXPECT_EQ(run().flying(), 0u);
  EXPECT_EQ(run().ended(FlightEnding::landed), 1u);
}

TEST_F(EngineTest, what_is_one_viewers_own_does_not_go_upward_for_all) {
  get("/a?x=1&CMCD=sid", {{"range", "bytes=1-2"},
                          {"if-none-match", "\"v\""},
                          {"cmcd-session", "sid"},
                          {"x-forwarded-for", "198.51.100.1"},
                          {"forwarded", "for=198.51.100.1"},
                          {"x-real-ip", "198.51.100.1"},
                          {"klieg-topic", "/t"},
                          {"host", "x"},
                          {"accept-encoding", "br, gzip"},
                          {"cookie", "c"}});
  EXPECT_EQ(first.request(0).target, "/a?x=1");
  for (const std::string_view name :
       {"range", "if-none-match", "cmcd-session", "klieg-topic", "host", "forwarded", "x-real-ip"}) {
    EXPECT_EQ(first.field(0, name), "") << name;
  }
  EXPECT_EQ(first.field(0, "x-forwarded-for"), "192.0.2.1");
  EXPECT_EQ(first.field(0, "accept-encoding"), "gzip");
  EXPECT_EQ(first.field(0, "cookie"), "c");
  EXPECT_EQ(first.field(0, "cdn-loop"), "klieg");
}

TEST_F(EngineTest, a_viewer_who_leaves_ends_no_flight_that_others_profit_from) {
  Seen leader = get("/a");
  first.head(0, 200, fresh, 3);
  leader.reset();
  first.body(0, "abc");
  first.end(0);
  EXPECT_EQ(get("/a")->how(), "hit");
}

TEST_F(EngineTest, a_body_that_nobody_can_read_any_more_is_not_fetched_to_its_end) {
  Seen viewer = get("/endless");
  first.head(0, 200, {{"cache-control", "no-store"}});
  first.body(0, "abc");
  EXPECT_EQ(viewer->how(), "uncacheable");
  EXPECT_FALSE(first.over(0));
  viewer.reset();
  first.body(0, "def");
  EXPECT_TRUE(first.over(0));
  EXPECT_EQ(run().flying(), 0u);
}

// --- Limits ----------------------------------------------------------------------------------------------------------

TEST_F(EngineTest, a_request_that_was_here_before_is_refused) {
  const Seen viewer = get("/a", {{"cdn-loop", "other, klieg"}});
  EXPECT_EQ(viewer->how(), "looped");
  EXPECT_EQ(viewer->status(), 508);
  get("/a", {{"cdn-loop", "klieger"}, {"cdn-loop", "x"}});
  EXPECT_EQ(first.field(0, "cdn-loop"), "klieger, x, klieg");
  EXPECT_EQ(get("/b", {{"cdn-loop", "x"}, {"cdn-loop", "klieg;v=1"}})->how(), "looped");
}

TEST_F(EngineTest, more_than_may_wait_are_refused_and_nothing_is_asked_for_them) {
  settings.tickets_max = 2;
  get("/a");
  get("/a");
  EXPECT_EQ(get("/a")->how(), "too_many");
  EXPECT_EQ(get("/b")->how(), "too_many");
  const Seen post = ask("POST", "/c");
  EXPECT_EQ(post->how(), "too_many");
  EXPECT_EQ(post->status(), 503);
  EXPECT_EQ(first.asked(), 1u);
  EXPECT_EQ(run().store().size(), 1u);
  first.answer(0, 200, fresh, "abc");
  EXPECT_EQ(run().waiting(), 0u);
  EXPECT_EQ(get("/a")->how(), "hit");
  get("/b");
  EXPECT_EQ(first.asked(), 2u);
}

TEST_F(EngineTest, who_has_left_makes_room_for_who_comes) {
  settings.tickets_max = 3;
  bool left = false;
  int answered = 0;
  const auto come = [&](std::string_view path) {
    auto found = run().ask({"GET", path, "", {}, {}, "192.0.2.1"});
    Pending* pending = std::get_if<Pending>(&found);
    if (pending) run().wait(*pending, [&](Answer) { ++answered; }, [&] { return left; });
    return pending != nullptr;
  };
  EXPECT_TRUE(come("/a"));
  EXPECT_TRUE(come("/a"));
  const Seen stays = get("/a");
  EXPECT_FALSE(come("/b"));
  left = true;
  EXPECT_FALSE(come("/b")) << "they are looked for once a second";
  pass(1s);
  left = true;
  EXPECT_TRUE(come("/b"));
  EXPECT_EQ(run().waiting(), 2u);
  first.answer(0, 200, fresh, "abc");
  EXPECT_EQ(stays->text(), "abc");
  EXPECT_EQ(answered, 0);
}

TEST_F(EngineTest, what_is_asked_for_once_never_displaces_what_is_watched) {
  settings.bytes_max = 100 * (Store::overhead + 1000);
  const std::string thousand(1000, 'x');
  const auto watch = [&](const std::string& path) {
    const Seen viewer = get(path);
    if (!viewer->answer) first.answer(first.asked() - 1, 200, fresh, thousand);
    return viewer->how() == "hit";
  };
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 50; ++i) watch("/hot" + std::to_string(i));
  }
  for (int i = 0; i < 5000; ++i) {
    watch("/cold" + std::to_string(i));
    if (i % 10 == 0) watch("/hot" + std::to_string(i / 10 % 50));
  }
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(watch("/hot" + std::to_string(i))) << i;
  EXPECT_LE(run().store().bytes(), settings.bytes_max);
}

TEST_F(EngineTest, what_grows_for_long_is_counted_while_it_grows) {
  const Seen viewer = get("/a");
  first.head(0, 200, fresh);
  const uint64_t before = run().store().bytes();
  first.body(0, std::string(100'000, 'x'));
  pass(1s);
  EXPECT_GE(run().store().bytes(), before + 100'000);
  first.end(0);
  pass(1s);
  EXPECT_GE(run().store().bytes(), before + 100'000);
}

TEST_F(EngineTest, what_is_immutable_goes_at_the_end_of_its_lifetime) {
  get("/a");
  first.answer(0, 200, {{"cache-control", "max-age=60, immutable"}}, "abc");
  pass(59s);
  EXPECT_EQ(run().store().size(), 1u);
  pass(2s);
  EXPECT_EQ(run().store().size(), 0u);
  EXPECT_EQ(run().next_deadline(), LoopTime::max());
}

TEST_F(EngineTest, what_lives_for_a_year_is_left_to_eviction) {
  get("/a");
  first.answer(0, 200, {{"cache-control", "max-age=31536000, immutable"}}, "abc");
  turn();
  EXPECT_EQ(run().next_deadline(), LoopTime::max());
}

TEST_F(EngineTest, what_a_query_says_goes_upward_whole_though_it_does_not_matter_here) {
  const Fields varied{{"cache-control", "max-age=1"}, {"no-vary-search", "params=(\"token\")"}};
  get("/a?token=1&b=2");
  first.answer(0, 200, varied, "abc");
  pass(2s);
  const Seen viewer = get("/a?token=2&b=2&CMCD=x");
  EXPECT_EQ(first.request(1).target, "/a?token=2&b=2");
  first.answer(1, 200, varied, "abc");
  EXPECT_EQ(get("/a?b=2&token=3")->how(), "hit");
  EXPECT_EQ(get("/a?token=3&b=3")->how(), "waiting");
}

TEST_F(EngineTest, every_outcome_has_a_name_of_its_own) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < outcomes; ++i) names.insert(name_of(static_cast<Outcome>(i)));
  EXPECT_EQ(names.size(), outcomes);
  std::set<std::string_view> endings;
  for (size_t i = 0; i < flight_endings; ++i) endings.insert(name_of(static_cast<FlightEnding>(i)));
  EXPECT_EQ(endings.size(), flight_endings);
}

// --- A parent in this process ----------------------------------------------------------------------------------------

TEST_F(EngineTest, a_parent_in_this_process_shares_its_own_log_that_grows_on) {
  const auto log = std::make_shared<Log>();
  log->append(Bytes::copy_of(std::string_view("--abc")));
  const Seen viewer = get("/a");
  const std::vector<wire::HeaderView> views = views_of(fresh);
  FetchHead head;
  head.fields = views;
  head.log = log;
  head.offset = 2;
  first.head(0, head);
  first.end(0);
  EXPECT_EQ(run().flying(), 0u);
  EXPECT_EQ(viewer->text(), "abc");
  log->append(Bytes::copy_of(std::string_view("def")));
  EXPECT_EQ(viewer->text(), "abcdef");
  EXPECT_EQ(get("/a")->how(), "hit");
  EXPECT_EQ(viewer->body(), LogEnd::growing);
  log->end(LogEnd::aborted);
  EXPECT_EQ(viewer->body(), LogEnd::aborted);
  EXPECT_EQ(get("/a")->how(), "waiting");  // nobody is shown what is known to be broken
}
TEST_F(EngineTest, what_another_loop_is_asked_for_is_counted_there) {
  routes.where = Routes::Home::elsewhere;
  get("/a");
  first.answer(0, 200, fresh, "abc");
  EXPECT_EQ(run().ended(FlightEnding::landed), 0u);
  routes.where = Routes::Home::here;
  get("/b");
  first.answer(1, 200, fresh, "abc");
  EXPECT_EQ(run().ended(FlightEnding::landed), 1u);
}

}  // namespace
}  // namespace klieg::edge
