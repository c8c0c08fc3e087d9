// What is here and no longer fresh, and what is not here yet.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "edge/engine_test.h"

namespace klieg::edge {
namespace {

// --- Validation and staleness ----------------------------------------------------------------------------------------

TEST_F(EngineTest, a_304_renews_what_is_here) {
  get("/a");
  first.answer(0, 200, {{"cache-control", "max-age=10"}, {"etag", "\"a\""}, {"x", "1"}}, "abc");
  pass(11s);
  const Seen viewer = get("/a");
  EXPECT_EQ(first.field(1, "if-none-match"), "\"a\"");
  first.answer(1, 304, {{"cache-control", "max-age=10"}, {"etag", "\"a\""}, {"x", "2"}}, "");
  EXPECT_EQ(viewer->how(), "revalidated");
  EXPECT_EQ(viewer->text(), "abc");
  EXPECT_EQ(viewer->field("x"), "2");
  EXPECT_EQ(get("/a")->how(), "hit");
  EXPECT_EQ(run().ended(FlightEnding::refreshed), 1u);
  EXPECT_EQ(run().flying(), 0u);
}

TEST_F(EngineTest, a_validation_that_brings_another_version_replaces_what_is_here) {
  get("/a");
  first.answer(0, 200, {{"cache-control", "max-age=10"}, {"etag", "\"a\""}}, "abc");
  pass(11s);
  const Seen viewer = get("/a");
  first.answer(1, 200, {{"cache-control", "max-age=10"}, {"etag", "\"b\""}}, "def");
  EXPECT_EQ(viewer->how(), "miss");
  EXPECT_EQ(get("/a")->text(), "def");
}

TEST_F(EngineTest, what_was_renewed_while_it_grew_and_then_broke_is_not_kept) {
  const Fields validated{{"cache-control", "max-age=0"}, {"etag", "W/\"a\""}};
  const Seen viewer = get("/a");
  first.head(0, 200, validated, 6);
  first.body(0, "abc");
  pass(1s);
  const Seen other = get("/a");
  first.answer(1, 304, {{"cache-control", "max-age=60"}}, "");
  EXPECT_EQ(other->how(), "revalidated");
  first.end(0, FetchEnd::reset);
  EXPECT_EQ(other->body(), LogEnd::aborted);
  EXPECT_EQ(get("/a")->how(), "waiting");
}

TEST_F(EngineTest, what_broke_while_it_was_being_validated_is_asked_for_whole) {
  const Seen viewer = get("/a");
  first.head(0, 200, {{"cache-control", "max-age=0"}, {"etag", "W/\"a\""}}, 6);
  first.body(0, "abc");
  pass(1s);
  const Seen other = get("/a");
  first.end(0, FetchEnd::reset);
  first.answer(1, 304, {{"cache-control", "max-age=60"}}, "");
  EXPECT_EQ(other->how(), "waiting");
  ASSERT_EQ(first.asked(), 3u);
  EXPECT_EQ(first.field(2, "if-none-match"), "");
  first.answer(2, 200, fresh, "abcdef");
  EXPECT_EQ(other->text(), "abcdef");
}

TEST_F(EngineTest, what_is_stale_for_a_while_is_sent_and_validated_once_meanwhile) {
  get("/a");
  first.answer(0, 200, {{"cache-control", "max-age=10, stale-while-revalidate=10"}, {"etag", "\"a\""}}, "abc");
  pass(11s);
  EXPECT_EQ(get("/a")->how(), "hit_stale");
  EXPECT_EQ(get("/a")->how(), "hit_stale");
  EXPECT_EQ(first.asked(), 2u);
  first.answer(1, 304, {{"cache-control", "max-age=10"}}, "");
  EXPECT_EQ(get("/a")->how(), "hit");
  pass(30s);
  EXPECT_EQ(get("/a")->how(), "waiting");
}

TEST_F(EngineTest, a_background_validation_that_fails_harms_nobody) {
  get("/a");
  first.answer(0, 200, {{"cache-control", "max-age=10, stale-while-revalidate=100, stale-if-error=0"}}, "abc");
  pass(11s);
  EXPECT_EQ(get("/a")->how(), "hit_stale");
  routes.retries = 0;
  first.end(1, FetchEnd::unreachable);
  pass(1s);
  EXPECT_EQ(run().flying(), 0u);
  EXPECT_EQ(get("/a")->how(), "hit_stale");
  EXPECT_EQ(first.asked(), 3u);
}

TEST_F(EngineTest, a_playlist_that_no_parent_can_renew_is_taken_as_it_is_within_its_bound) {
  const Fields playlist{{"cache-control", "max-age=1"}, {"etag", "\"a\""}};
  get("/a");
  first.answer(0, 200, playlist, "abc");
  pass(2s);
  const Seen unreachable = get("/a");
  routes.retries = 0;
  first.end(1, FetchEnd::unreachable);
  turn();
  pass(100ms);
  EXPECT_EQ(unreachable->how(), "hit_on_error");
  EXPECT_EQ(unreachable->text(), "abc");
  routes.retries = SIZE_MAX;
  const Seen ill = get("/a");
  first.answer(2, 500, {}, "ill");
  EXPECT_EQ(ill->how(), "hit_on_error");
  pass(settings.freshness.stale_if_error);
  const Seen too_old = get("/a");
  first.answer(3, 500, {}, "ill");
  EXPECT_EQ(too_old->status(), 500);
  EXPECT_EQ(run().flying(), 0u);
}

TEST_F(EngineTest, only_what_is_here_is_asked_for) {
  const Fields only{{"cache-control", "only-if-cached"}};
  const Seen viewer = get("/a", only);
  EXPECT_EQ(viewer->how(), "not_cached");
  EXPECT_EQ(viewer->status(), 504);
  EXPECT_EQ(first.asked(), 0u);
  get("/a");
  first.answer(0, 200, {{"cache-control", "max-age=10"}}, "abc");
  EXPECT_EQ(get("/a", only)->how(), "hit");
  pass(11s);
  EXPECT_EQ(get("/a", only)->how(), "not_cached");
}

// Waiting for a parent that was silent at first is no age of what another said.
TEST_F(EngineTest, an_answer_is_as_old_as_its_own_request) {
  settings.hold_paths = {"/live/*"};
  const Seen viewer = get("/live/a");
  for (int i = 0; i < 20; ++i) {
    if (first.running() > 0) first.answer(first.asked() - 1, 404, {}, "");
    pass(100ms);
  }
  while (first.running() == 0) pass(100ms);
  first.answer(first.asked() - 1, 200, {{"cache-control", "max-age=1"}}, "abc");
  EXPECT_EQ(viewer->how(), "miss");
  EXPECT_EQ(get("/live/a")->how(), "hit");
}

// --- The live edge of parents that do not hold -----------------------------------------------------------------------

// Whoever asks for what is not born yet waits, and the first parent answers at once, whatever it is.
struct LiveEdge : EngineTest {
  LiveEdge() { settings.hold_paths = {"/live/*.m4s"}; }

  static std::string segment(int number) { return "/live/seg-" + std::to_string(number) + ".m4s"; }

  struct Wait {
    size_t questions = 0;
    Duration late{0};
    uint16_t status = 0;
  };
  Wait wait_for(const std::string& path, LoopTime birth) {
    const size_t before = first.asked();
    const Seen viewer = get(path);
    while (!viewer->answer) {
      if (first.running() > 0) {
        const size_t last = first.asked() - 1;
        clock.now() < birth ? first.answer(last, 404, {}, "") : first.answer(last, 200, fresh, "abc");
      } else {
        pass(1ms);
      }
    }
    return {first.asked() - before, clock.now() - birth, viewer->status()};
  }
};

TEST_F(LiveEdge, a_404_is_held_for_all_until_the_object_is_born) {
  std::vector<Seen> viewers;
  for (int i = 0; i < 100; ++i) viewers.push_back(get(segment(7)));
  first.answer(0, 404, {}, "");
  pass(1s);
  EXPECT_EQ(viewers[0]->how(), "waiting");
  EXPECT_EQ(first.asked(), 2u);
  first.answer(1, 200, fresh, "abc");
  EXPECT_EQ(viewers[0]->how(), "miss");
  EXPECT_EQ(viewers[99]->how(), "joined");
  EXPECT_EQ(second.asked(), 0u);
}

TEST_F(LiveEdge, of_what_nothing_is_known_four_questions_find_what_is_born_within_a_second) {
  for (int tenths = 0; tenths <= 28; ++tenths) {
    const Wait wait = wait_for(fmt::format("/live/{}/lone.m4s", tenths), clock.now() + tenths * 100ms);
    EXPECT_EQ(wait.status, 200);
    EXPECT_LE(wait.questions, tenths <= 10 ? 4u : 7u) << tenths;
    EXPECT_LE(wait.late, std::min<Duration>(600ms, 150ms + tenths * 100ms)) << tenths;
  }
}

TEST_F(LiveEdge, of_a_series_with_a_rhythm_two_questions_find_the_next) {
  const LoopTime began = clock.now();
  size_t questions = 0;
  Duration late{0};
  constexpr int births = 60;
  for (int number = 1; number <= births; ++number) {
    const Duration unsteady(static_cast<int64_t>(number * 7'919 % 41) * 1ms);  // 0 to 40 ms
    const Wait wait = wait_for(segment(number), began + number * 2s + unsteady);
    ASSERT_EQ(wait.status, 200);
    if (number <= 10) continue;
    EXPECT_LE(wait.questions, 3u) << number;
    EXPECT_LE(wait.late, 300ms) << number;
    questions += wait.questions;
    late += wait.late;
  }
  EXPECT_LE(questions, 2.1 * (births - 10));
  EXPECT_LE(late / (births - 10), 125ms);
}

TEST_F(LiveEdge, a_series_that_grows_faster_than_it_did_is_followed) {
  LoopTime birth = clock.now();
  for (int number = 1; number <= 10; ++number) wait_for(segment(number), birth += 2s);
  Duration late{0};
  for (int number = 11; number <= 40; ++number) late = wait_for(segment(number), birth += 1s).late;
  EXPECT_LE(late, 125ms);
}

TEST_F(LiveEdge, a_rhythm_that_deceived_twice_keeps_nobody_from_what_is_there) {
  const LoopTime began = clock.now();
  for (int number = 1; number <= 10; ++number) wait_for(segment(number), began + number * 2s);
  for (const int number : {11, 12}) EXPECT_LE(wait_for(segment(number), clock.now()).late, 2s) << number;
  for (const int number : {13, 14, 15}) EXPECT_EQ(wait_for(segment(number), clock.now()).late, Duration(0)) << number;
}

TEST_F(LiveEdge, what_comes_long_after_the_last_birth_that_was_seen_is_asked_for_at_once) {
  const LoopTime began = clock.now();
  for (int number = 1; number <= 10; ++number) wait_for(segment(number), began + number * 2s);
  pass(3s);
  EXPECT_EQ(wait_for(segment(13), clock.now()).late, Duration(0));
}

TEST_F(LiveEdge, a_404_is_held_no_longer_than_may_be_and_then_kept_for_a_moment) {
  const LoopTime began = clock.now();
  EXPECT_EQ(wait_for(segment(7), LoopTime::max()).status, 404);
  EXPECT_LE(clock.now() - began, settings.hold_max);
  EXPECT_GE(clock.now() - began, settings.hold_max - 600ms);
  const size_t asked = first.asked();
  EXPECT_EQ(get(segment(7))->how(), "hit");
  pass(settings.freshness.negative_ttl);
  EXPECT_EQ(get(segment(7))->how(), "waiting");
  EXPECT_EQ(first.asked(), asked + 1);
}

TEST_F(LiveEdge, what_another_loop_has_held_for_as_long_as_may_be_is_not_held_again) {
  const Seen viewer = get(segment(7));
  pass(settings.hold_max);
  first.answer(0, 404, {}, "");
  EXPECT_EQ(viewer->status(), 404);
}

TEST_F(LiveEdge, a_404_elsewhere_is_not_held) {
  settings.hold_paths = {"/live/*.m4s"};
  const Seen viewer = get("/vod/seg-7.m4s");
  first.answer(0, 404, {}, "");
  EXPECT_EQ(viewer->status(), 404);
}

TEST_F(EngineTest, a_held_flight_survives_a_parent_that_dies_meanwhile) {
  settings.hold_paths = {"*"};
  const Seen viewer = get("/a");
  first.answer(0, 404, {}, "");
  pass(200ms);
  first.end(1, FetchEnd::unreachable);
  pass(1s);
  second.answer(0, 200, fresh, "abc");
  EXPECT_EQ(viewer->how(), "miss");
}

}  // namespace
}  // namespace klieg::edge
