// How a fetch goes on when parents fail: before the first byte, and in the middle of a body.
#include <set>
#include <string>
#include <tuple>

#include "edge/engine_test.h"

namespace klieg::edge {
namespace {

// --- Parents that fail before the first byte -------------------------------------------------------------------------

TEST_F(EngineTest, a_parent_that_dies_before_the_first_byte_is_followed_by_the_next_after_a_pause_with_jitter) {
  std::set<int64_t> pauses;
  for (int i = 0; i < 8; ++i) {
    const Seen viewer = get("/a" + std::to_string(i));
    first.end(first.asked() - 1, FetchEnd::reset);
    const LoopTime before = clock.now();
    EXPECT_EQ(second.asked(), static_cast<size_t>(i));
    const Duration pause = run().next_deadline() - before;
    EXPECT_GE(pause, 10ms);
    EXPECT_LT(pause, 20ms);
    pauses.insert(pause.count());
    pass(pause);
    second.answer(second.asked() - 1, 200, fresh, "abc");
    EXPECT_EQ(viewer->how(), "miss");
    EXPECT_EQ(viewer->text(), "abc");
  }
  EXPECT_GT(pauses.size(), 1u);
  EXPECT_EQ(routes.failures, 8u);
}

TEST_F(EngineTest, four_attempts_are_all_and_each_way_to_fail_has_its_name) {
  const std::tuple<FetchEnd, std::string_view, uint16_t> cases[] = {
      {FetchEnd::unreachable, "unreachable", 502}, {FetchEnd::reset, "unreachable", 502},
      {FetchEnd::malformed, "bad_gateway", 502},   {FetchEnd::timed_out, "timed_out", 504},
      {FetchEnd::complete, "unreachable", 502},  // an end without a head
      {FetchEnd::too_many, "too_many", 503},
  };
  for (const auto& [how, name, status] : cases) {
    const size_t before = first.asked() + second.asked();
    const Seen viewer = get("/a");
    const Seen joiner = get("/a");
    for (int attempt = 0; attempt < 4; ++attempt) {
      MadeUpUpstream& parent = attempt % 2 ? second : first;
      parent.end(parent.asked() - 1, how);
      pass(1s);
    }
    EXPECT_EQ(first.asked() + second.asked() - before, 4u);
    EXPECT_EQ(viewer->how(), name);
    EXPECT_EQ(joiner->how(), name);
    EXPECT_EQ(viewer->status(), status);
    EXPECT_EQ(run().store().size(), 0u);
  }
  EXPECT_EQ(run().ended(FlightEnding::failed), std::size(cases));
}

TEST_F(EngineTest, a_parent_is_none_the_worse_for_what_was_not_sent_to_it) {
  const Seen viewer = get("/a");
  first.end(0, FetchEnd::too_many);
  pass(1s);
  second.answer(0, 200, fresh, "abc");
  EXPECT_EQ(viewer->text(), "abc");
  EXPECT_EQ(routes.failures, 0u);
}

TEST_F(EngineTest, a_retry_budget_that_is_spent_ends_a_flight_in_a_later_turn) {
  routes.retries = 0;
  const Seen viewer = get("/a");
  first.end(0, FetchEnd::unreachable);
  pass(1s);
  EXPECT_EQ(viewer->how(), "unreachable");
  EXPECT_EQ(second.asked(), 0u);
}

TEST_F(EngineTest, whoever_asks_a_node_without_parents_is_told_so) {
  MadeUpRoutes nowhere{{}};
  engine = std::make_unique<Engine>(settings, clock, nowhere, nullptr, 1);
  const Seen viewer = get("/a");
  const Seen passed = ask("POST", "/a");
  turn();
  EXPECT_EQ(viewer->how(), "unreachable");
  EXPECT_EQ(passed->how(), "unreachable");
  EXPECT_EQ(run().waiting(), 0u);
  EXPECT_EQ(run().flying(), 0u);
  engine.reset();
}

TEST_F(EngineTest, a_parent_that_says_it_is_ill_is_followed_by_the_next_and_the_last_ones_word_stands) {
  const Seen viewer = get("/a");
  first.head(0, 503, {}, 0);
  turn();
  second.answer(0, 200, fresh, "abc");
  EXPECT_EQ(viewer->how(), "miss");
  const Seen other = get("/b");
  first.head(1, 503, {}, 0);
  turn();
  second.answer(1, 502, {}, "ill");
  EXPECT_EQ(other->status(), 502);
  EXPECT_EQ(other->text(), "ill");
}

TEST_F(EngineTest, a_part_or_a_304_that_was_not_asked_for_is_no_answer) {
  const Seen viewer = get("/a");
  first.head(0, 206, {{"content-range", "bytes 0-2/6"}}, 3);
  EXPECT_TRUE(first.over(0));
  pass(1s);
  second.answer(0, 200, fresh, "abcdef");
  EXPECT_EQ(viewer->text(), "abcdef");
  const Seen other = get("/b");
  first.head(1, 304, {}, 0);
  routes.retries = 0;
  pass(1s);
  EXPECT_EQ(other->how(), "bad_gateway");
  EXPECT_EQ(other->status(), 502);
  EXPECT_EQ(run().flying(), 0u);
}

// --- In the middle of a body -----------------------------------------------------------------------------------------

struct Resumption : EngineTest {
  void SetUp() override {
    viewer = get("/a");
    joiner = get("/a");
    first.head(0, 200, {{"cache-control", "max-age=60"}, {"etag", "\"a\""}}, 9);
    first.body(0, "abc");
    first.end(0, FetchEnd::reset);
    pass(20ms);
    ASSERT_EQ(second.asked(), 1u);
    EXPECT_EQ(second.field(0, "range"), "bytes=3-");
    EXPECT_EQ(second.field(0, "if-range"), "\"a\"");
  }
  void expect_whole() {
    for (const Seen& one : {viewer, joiner, get("/a")}) {
      EXPECT_EQ(one->text(), "abcdefghi");
      EXPECT_EQ(one->body(), LogEnd::complete);
    }
    EXPECT_EQ(run().ended(FlightEnding::aborted), 0u);
    EXPECT_EQ(run().flying(), 0u);
  }
  // Readers are reset; nobody else is shown what is left.
  void expect_lost() {
    EXPECT_EQ(viewer->body(), LogEnd::aborted);
    EXPECT_EQ(joiner->body(), LogEnd::aborted);
    EXPECT_EQ(run().ended(FlightEnding::aborted), 1u);
    EXPECT_EQ(run().flying(), 0u);
    EXPECT_EQ(run().store().size(), 0u);
    const size_t before = first.asked();
    EXPECT_EQ(get("/a")->how(), "waiting");
    EXPECT_EQ(first.asked(), before + 1);
  }
  Seen viewer, joiner;
};

TEST_F(Resumption, goes_on_from_the_byte_that_was_reached) {
  second.head(0, 206, {{"content-range", "bytes 3-8/9"}, {"etag", "\"a\""}}, 6);
  second.body(0, "defghi");
  second.end(0);
  expect_whole();
  EXPECT_EQ(run().ended(FlightEnding::resumed), 1u);
}

TEST_F(Resumption, skips_what_is_here_of_the_same_object_sent_whole) {
  second.head(0, 200, {{"etag", "\"a\""}}, 9);
  second.body(0, "ab");
  EXPECT_EQ(viewer->text(), "abc");
  second.body(0, "cde");
  EXPECT_EQ(viewer->text(), "abcde");
  second.body(0, "fghi");
  second.end(0);
  expect_whole();
}

TEST_F(Resumption, breaks_again_and_goes_on_again) {
  second.head(0, 206, {{"content-range", "bytes 3-8/9"}}, 6);
  second.body(0, "def");
  second.end(0, FetchEnd::timed_out);
  pass(1s);
  EXPECT_EQ(first.field(1, "range"), "bytes=6-");
  first.head(1, 206, {{"content-range", "bytes 6-8/9"}}, 3);
  first.body(1, "ghi");
  first.end(1);
  expect_whole();
}

TEST_F(Resumption, never_joins_another_object_to_this_one) {
  second.head(0, 200, {{"etag", "\"b\""}}, 9);
  EXPECT_TRUE(second.over(0));
  expect_lost();
}

TEST_F(Resumption, takes_no_part_of_another_size) {
  second.head(0, 206, {{"content-range", "bytes 3-9/10"}, {"etag", "\"a\""}}, 7);
  expect_lost();
}

TEST_F(Resumption, takes_no_part_that_begins_elsewhere) {
  second.head(0, 206, {{"content-range", "bytes 2-8/9"}, {"etag", "\"a\""}}, 7);
  expect_lost();
}

TEST_F(Resumption, a_whole_that_is_shorter_than_what_is_here_is_not_the_end) {
  second.head(0, 200, {{"etag", "\"a\""}});
  second.body(0, "ab");
  second.end(0);
  EXPECT_EQ(viewer->body(), LogEnd::growing);
  pass(1s);
  first.head(1, 206, {{"content-range", "bytes 3-8/9"}}, 6);
  first.body(1, "defghi");
  first.end(1);
  expect_whole();
}

TEST_F(Resumption, a_parent_that_cannot_is_followed_by_one_that_can) {
  second.head(0, 503, {}, 0);
  pass(1s);
  first.head(1, 206, {{"content-range", "bytes 3-8/9"}}, 6);
  first.body(1, "defghi");
  first.end(1);
  expect_whole();
}

TEST_F(Resumption, a_416_that_contradicts_the_announced_size_is_no_end) {
  second.head(0, 416, {{"content-range", "bytes */3"}}, 0);
  expect_lost();
}

// It has fewer bytes of what is being born than we do (http/selection.h says no length then).
TEST_F(Resumption, a_parent_that_lags_behind_is_asked_again) {
  second.head(0, 416, {}, 0);
  pass(1s);
  first.head(1, 206, {{"content-range", "bytes 3-8/9"}}, 6);
  first.body(1, "defghi");
  first.end(1);
  expect_whole();
}

TEST_F(Resumption, is_tried_eight_times) {
  for (int i = 1; i < 8; ++i) {
    MadeUpUpstream& parent = i % 2 ? second : first;
    parent.end(parent.asked() - 1, FetchEnd::unreachable);
    EXPECT_EQ(viewer->body(), LogEnd::growing) << i;
    pass(2s);
  }
  EXPECT_EQ(first.asked() + second.asked(), 9u);
  first.end(first.asked() - 1, FetchEnd::unreachable);
  expect_lost();
}

TEST_F(Resumption, waits_where_the_retry_budget_is_spent_for_the_moment) {
  routes.retries = 0;
  second.end(0, FetchEnd::reset);
  pass(50ms);
  EXPECT_EQ(viewer->body(), LogEnd::growing);
  routes.retries = 1;
  pass(2s);
  ASSERT_EQ(first.asked() + second.asked(), 3u);
  MadeUpUpstream& parent = first.asked() == 2 ? first : second;
  parent.head(1, 206, {{"content-range", "bytes 3-8/9"}}, 6);
  parent.body(1, "defghi");
  parent.end(1);
  expect_whole();
}

TEST_F(Resumption, is_given_up_where_the_retry_budget_stays_spent) {
  routes.retries = 0;
  second.end(0, FetchEnd::reset);
  pass(10s);
  routes.retries = SIZE_MAX;
  expect_lost();
}

TEST_F(EngineTest, a_body_of_unknown_size_ends_at_a_416_for_the_byte_behind_its_last) {
  const Seen viewer = get("/a");
  first.head(0, 200, fresh);
  first.body(0, "abc");
  first.end(0, FetchEnd::reset);
  pass(20ms);
  EXPECT_EQ(second.field(0, "range"), "bytes=3-9007199254740991");
  second.head(0, 416, {{"content-range", "bytes */3"}}, 0);
  EXPECT_EQ(viewer->body(), LogEnd::complete);
  EXPECT_EQ(viewer->text(), "abc");
  EXPECT_EQ(get("/a")->how(), "hit");
}

TEST_F(EngineTest, a_body_of_unknown_size_is_not_whole_before_the_size_that_a_part_names) {
  const Seen viewer = get("/a");
  first.head(0, 200, fresh);
  first.body(0, "abc");
  first.end(0, FetchEnd::reset);
  pass(20ms);
  second.head(0, 206, {{"content-range", "bytes 3-5/9"}}, 3);  // a parent that gives no more at once
  second.body(0, "def");
  second.end(0);
  EXPECT_EQ(viewer->body(), LogEnd::growing);
  pass(1s);
  EXPECT_EQ(first.field(1, "range"), "bytes=6-");
  first.head(1, 206, {{"content-range", "bytes 6-8/9"}}, 3);
  first.body(1, "ghi");
  first.end(1);
  EXPECT_EQ(viewer->text(), "abcdefghi");
  EXPECT_EQ(viewer->body(), LogEnd::complete);
}

TEST_F(EngineTest, a_body_of_unknown_size_is_not_whole_before_the_size_that_a_whole_announces) {
  const Seen viewer = get("/a");
  first.head(0, 200, fresh);
  first.body(0, "abc");
  first.end(0, FetchEnd::reset);
  pass(20ms);
  second.head(0, 200, fresh, 9);
  second.body(0, "abcdef");
  second.end(0);
  EXPECT_EQ(viewer->body(), LogEnd::growing);
  pass(1s);
  EXPECT_EQ(first.field(1, "range"), "bytes=6-");
  first.head(1, 206, {{"content-range", "bytes 6-8/9"}}, 3);
  first.body(1, "ghi");
  first.end(1);
  EXPECT_EQ(viewer->text(), "abcdefghi");
  EXPECT_EQ(viewer->body(), LogEnd::complete);
}

TEST_F(EngineTest, a_body_without_a_strong_tag_is_not_resumed) {
  for (const Fields& fields :
       {Fields{{"cache-control", "max-age=60"}}, Fields{{"cache-control", "max-age=60"}, {"etag", "W/\"a\""}}}) {
    const Seen viewer = get("/a");
    const size_t fetch = first.asked() - 1;
    first.head(fetch, 200, fields);
    first.body(fetch, "abc");
    first.end(fetch, FetchEnd::reset);
    EXPECT_EQ(viewer->body(), LogEnd::aborted);
    EXPECT_EQ(run().store().size(), 0u);
  }
}

TEST_F(EngineTest, a_part_that_one_viewer_asked_for_is_not_resumed_as_if_it_were_the_whole) {
  const Seen viewer = get("/a", {{"cache-control", "no-store"}, {"range", "bytes=100-105"}});
  EXPECT_EQ(first.field(0, "range"), "bytes=100-105");
  first.head(0, 206, {{"etag", "\"a\""}, {"content-range", "bytes 100-105/200"}}, 6);
  first.body(0, "abc");
  first.end(0, FetchEnd::reset);
  pass(1s);
  EXPECT_EQ(viewer->body(), LogEnd::aborted);
  EXPECT_EQ(second.asked(), 0u);
}

TEST_F(EngineTest, a_resumption_asks_for_nothing_but_the_rest) {
  // The parent ignored the range, and has another version than the viewer.
  const Seen viewer =
      get("/a", {{"cache-control", "no-store"}, {"range", "bytes=100-105"}, {"if-none-match", "\"old\""}});
  first.head(0, 200, {{"etag", "\"a\""}}, 6);
  first.body(0, "abc");
  first.end(0, FetchEnd::reset);
  pass(20ms);
  EXPECT_EQ(second.field(0, "range"), "bytes=3-");
  EXPECT_EQ(second.field(0, "if-none-match"), "");
  second.head(0, 206, {{"content-range", "bytes 3-5/6"}}, 3);
  second.body(0, "def");
  second.end(0);
  EXPECT_EQ(viewer->text(), "abcdef");
  EXPECT_EQ(viewer->body(), LogEnd::complete);
}

TEST_F(EngineTest, a_body_shorter_than_announced_never_ends_cleanly) {
  const Seen viewer = get("/a");
  first.head(0, 200, {{"cache-control", "max-age=60"}}, 6);
  first.body(0, "abc");
  first.end(0);
  EXPECT_EQ(viewer->body(), LogEnd::aborted);
}

}  // namespace
}  // namespace klieg::edge
