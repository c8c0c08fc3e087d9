// What one answer is to many viewers: what must not be shared, what changes it, which variant is whose.
#include <string>
#include <vector>

#include "edge/engine_test.h"

namespace klieg::edge {
namespace {

// --- What must not be shared -----------------------------------------------------------------------------------------

TEST_F(EngineTest, an_uncacheable_answer_is_for_one_and_the_others_go_alone_all_at_once) {
  const Seen leader = get("/a");
  std::vector<Seen> others;
  for (int i = 0; i < 5; ++i) others.push_back(get("/a"));
  first.answer(0, 200, {{"cache-control", "private"}}, "mine");
  EXPECT_EQ(leader->how(), "uncacheable");
  EXPECT_EQ(first.asked(), 6u);
  EXPECT_EQ(first.request(0).whom, FetchRequest::For::all);
  for (size_t i = 0; i < others.size(); ++i) {
    EXPECT_EQ(first.request(i + 1).whom, FetchRequest::For::one);
    EXPECT_EQ(others[i]->how(), "waiting");
    first.answer(i + 1, 200, {{"cache-control", "private"}}, std::to_string(i));
    EXPECT_EQ(others[i]->how(), "passed");
    EXPECT_EQ(others[i]->text(), std::to_string(i));
  }
  EXPECT_EQ(get("/a")->how(), "waiting");
  EXPECT_EQ(get("/a")->how(), "waiting");
  EXPECT_EQ(first.asked(), 8u);
}

TEST_F(EngineTest, the_mark_of_what_is_uncacheable_goes_in_time_and_leaves_nothing) {
  get("/a");
  first.answer(0, 200, {{"cache-control", "private"}}, "mine");
  EXPECT_EQ(run().store().size(), 1u);
  pass(settings.uncacheable_for);
  EXPECT_EQ(run().store().size(), 0u);
  get("/a");
  get("/a");
  EXPECT_EQ(first.asked(), 2u);
}

TEST_F(EngineTest, what_was_uncacheable_and_no_longer_is_is_shared_again_at_once) {
  get("/a");
  first.answer(0, 200, {{"cache-control", "private"}}, "mine");
  const Seen viewer = get("/a");
  first.answer(1, 200, fresh, "everybody's");
  EXPECT_EQ(viewer->how(), "passed");
  EXPECT_EQ(get("/a")->how(), "hit");
}

TEST_F(EngineTest, an_error_is_shared_by_those_who_wait_and_makes_nobody_go_alone_after) {
  for (const uint16_t status : std::initializer_list<uint16_t>{500, 503}) {
    const Seen leader = get("/a");
    const Seen joiner = get("/a");
    first.answer(first.asked() - 1, status, {}, "ill");
    turn();
    if (status == 503) second.answer(second.asked() - 1, status, {}, "ill");
    EXPECT_EQ(leader->status(), status);
    EXPECT_EQ(joiner->status(), status);
    EXPECT_EQ(run().store().size(), 0u);
  }
  EXPECT_EQ(first.asked(), 2u);
  get("/a");
  get("/a");
  EXPECT_EQ(first.asked(), 3u);
}

TEST_F(EngineTest, what_is_not_worth_keeping_is_shared_by_those_who_wait_and_no_variant_waits_for_another) {
  const Seen leader = get("/a", {{"accept-language", "de"}});
  const Seen joiner = get("/a", {{"accept-language", "de"}});
  std::vector<Seen> others;
  for (int i = 0; i < 20; ++i) others.push_back(get("/a", {{"accept-language", std::to_string(i)}}));
  first.answer(0, 200, {{"cache-control", "no-cache"}, {"vary", "accept-language"}}, "ja");
  EXPECT_EQ(leader->how(), "miss");
  EXPECT_EQ(joiner->how(), "joined");
  EXPECT_EQ(first.asked(), 21u);
  EXPECT_EQ(run().store().size(), 0u);
}

TEST_F(EngineTest, what_is_not_worth_keeping_takes_the_place_of_what_was_kept) {
  get("/a");
  first.answer(0, 200, {{"cache-control", "max-age=1"}, {"etag", "\"a\""}}, "old");
  pass(2s);
  const Seen viewer = get("/a");
  first.answer(1, 200, {{"cache-control", "no-cache"}}, "new");
  EXPECT_EQ(viewer->text(), "new");
  EXPECT_EQ(run().store().size(), 0u);
}

TEST_F(EngineTest, an_error_with_something_of_ones_own_in_it_is_not_shared) {
  const Seen leader = get("/a");
  const Seen joiner = get("/a");
  first.answer(0, 500, {{"set-cookie", "mine"}}, "ill");
  EXPECT_EQ(leader->how(), "uncacheable");
  EXPECT_EQ(joiner->how(), "waiting");
  pass(1s);
  EXPECT_EQ(run().store().size(), 0u);
}

TEST_F(EngineTest, what_is_said_of_one_viewers_request_is_his_alone) {
  for (const uint16_t status : std::initializer_list<uint16_t>{400, 403, 406, 412, 417, 431, 508}) {
    const std::string path = "/" + std::to_string(status);
    const size_t before = first.asked();
    const Seen leader = get(path, {{"cdn-loop", "home"}});
    std::vector<Seen> others;
    for (int i = 0; i < 5; ++i) others.push_back(get(path));
    ASSERT_EQ(first.asked(), before + 1);
    first.answer(before, status, {}, "yours");
    EXPECT_EQ(leader->status(), status);
    ASSERT_EQ(first.asked(), before + 6) << "all at once";
    for (size_t i = 0; i < others.size(); ++i) {
      EXPECT_EQ(first.field(before + 1 + i, "cdn-loop"), "klieg");
      first.answer(before + 1 + i, 200, fresh, "everybody's");
      EXPECT_EQ(others[i]->text(), "everybody's");
    }
    EXPECT_EQ(get(path)->how(), "hit") << status;
  }
}

TEST_F(EngineTest, what_says_nothing_of_caches_and_was_made_for_who_shows_who_he_is_is_his_alone) {
  const Seen alice = get("/", {{"cookie", "user=alice"}});
  const Seen bob = get("/", {{"cookie", "user=bob"}});
  first.answer(0, 200, {{"etag", "\"a\""}, {"last-modified", "Thu, 01 Jan 1970 00:00:00 GMT"}}, "hello alice");
  EXPECT_EQ(alice->text(), "hello alice");
  EXPECT_EQ(bob->how(), "waiting");
  ASSERT_EQ(first.asked(), 2u);
  EXPECT_EQ(first.field(1, "cookie"), "user=bob");
  first.answer(1, 200, {{"etag", "\"b\""}, {"last-modified", "Thu, 01 Jan 1970 00:00:00 GMT"}}, "hello bob");
  EXPECT_EQ(bob->text(), "hello bob");
  EXPECT_EQ(get("/")->how(), "waiting") << "who went alone leaves nothing to others either";
  const Seen thoughtful = get("/b", {{"cookie", "user=alice"}});
  const Seen joiner = get("/b", {{"cookie", "user=bob"}});
  first.answer(3, 200, fresh, "everybody's");
  EXPECT_EQ(joiner->text(), "everybody's");
}

TEST_F(EngineTest, marks_of_what_is_uncacheable_have_a_limit) {
  const std::string long_query = "/a?" + std::string(2'000, 'q');
  get(long_query);
  first.answer(0, 200, {{"cache-control", "private"}}, "mine");
  EXPECT_EQ(run().store().size(), 0u) << "of a long name nothing is kept";
  get(long_query);
  get(long_query);
  EXPECT_EQ(first.asked(), 2u);
}

TEST_F(EngineTest, a_404_that_must_not_be_kept_makes_viewers_go_alone_for_a_second_only) {
  get("/a");
  first.answer(0, 404, {{"cache-control", "no-store"}}, "not yet");
  EXPECT_EQ(get("/a")->how(), "waiting");
  EXPECT_EQ(first.asked(), 2u);
  pass(1s);
  get("/a");
  get("/a");
  EXPECT_EQ(first.asked(), 3u);
}

TEST_F(EngineTest, a_request_that_forbids_keeping_goes_alone_and_leaves_nothing) {
  const Seen viewer = get("/a", {{"cache-control", "no-store"}});
  const Seen other = get("/a");
  EXPECT_EQ(first.asked(), 2u);
  first.answer(0, 200, fresh, "abc");
  EXPECT_EQ(viewer->how(), "passed");
  EXPECT_EQ(other->how(), "waiting");
  EXPECT_EQ(viewer->text(), "abc");
}

TEST_F(EngineTest, a_request_so_large_that_a_parent_may_refuse_it_leads_nobody) {
  const Fields large{{"cookie", std::string(9'000, 'c')}};
  const Seen refused = get("/a", large);
  const Seen other = get("/a");
  ASSERT_EQ(first.asked(), 2u);
  first.answer(0, 431, {}, "");
  EXPECT_EQ(refused->how(), "passed");
  const Seen joiner = get("/a", large);
  first.answer(1, 200, fresh, "a");
  EXPECT_EQ(other->how(), "miss");
  EXPECT_EQ(joiner->how(), "joined");
  EXPECT_EQ(get("/a", large)->how(), "hit");
  EXPECT_EQ(run().store().size(), 1u);
}

TEST_F(EngineTest, head_is_answered_from_what_a_get_brings) {
  const Seen head = ask("HEAD", "/a");
  EXPECT_EQ(first.request(0).method, "GET");
  first.answer(0, 200, fresh, "abc");
  EXPECT_EQ(head->how(), "miss");
  EXPECT_EQ(ask("HEAD", "/a")->how(), "hit");
}

TEST_F(EngineTest, a_head_that_goes_alone_has_a_length_and_no_body_and_is_over) {
  const Seen head = ask("HEAD", "/a", {{"cache-control", "no-store"}});
  EXPECT_EQ(first.request(0).method, "HEAD");
  first.head(0, 200, {{"etag", "\"a\""}}, 100);
  first.end(0);
  EXPECT_EQ(head->how(), "passed");
  EXPECT_EQ(head->object()->end, 100u);
  EXPECT_EQ(run().flying(), 0u);
  EXPECT_EQ(run().ended(FlightEnding::aborted), 0u);
}

TEST_F(EngineTest, a_304_for_a_viewer_who_goes_alone_announces_a_length_that_does_not_follow) {
  const Seen viewer = get("/a", {{"cache-control", "no-store"}, {"if-none-match", "\"a\""}});
  first.head(0, 304, {{"etag", "\"a\""}}, 100);
  first.end(0);
  EXPECT_EQ(viewer->status(), 304);
  EXPECT_EQ(run().flying(), 0u);
  EXPECT_EQ(run().ended(FlightEnding::aborted), 0u);
}

// --- Methods that change something -----------------------------------------------------------------------------------

TEST_F(EngineTest, an_unsafe_method_is_passed_on_and_makes_what_is_here_worthless) {
  get("/a?x=1");
  first.answer(0, 200, fresh, "old");
  const Seen post = ask("POST", "/a?x=1", {{"content-type", "text/plain"}}, "new");
  EXPECT_EQ(first.request(1).method, "POST");
  EXPECT_EQ(first.request(1).body.text(), "new");
  EXPECT_EQ(get("/a?x=1")->how(), "hit");  // nothing has changed yet
  first.answer(1, 204, {}, "");
  EXPECT_EQ(post->how(), "passed");
  EXPECT_EQ(get("/a?x=1")->how(), "waiting");
}

TEST_F(EngineTest, what_was_asked_for_before_a_change_is_for_those_who_asked_before_it) {
  const Seen before = get("/a");
  const Seen alone = get("/a", {{"cache-control", "no-store"}});
  ask("POST", "/a");
  first.answer(2, 204, {}, "");
  const Seen after = get("/a");
  ASSERT_EQ(first.asked(), 4u);
  first.answer(3, 200, fresh, "new");
  first.answer(0, 200, fresh, "old");
  first.answer(1, 200, fresh, "old");
  EXPECT_EQ(before->text(), "old");
  EXPECT_EQ(after->text(), "new");
  EXPECT_EQ(get("/a")->text(), "new");
  EXPECT_EQ(run().flying(), 0u);
}

TEST_F(EngineTest, an_unsafe_method_that_failed_changes_nothing) {
  get("/a");
  first.answer(0, 200, fresh, "old");
  ask("DELETE", "/a");
  first.answer(1, 403, {}, "");
  EXPECT_EQ(get("/a")->how(), "hit");
}

TEST_F(EngineTest, what_is_kept_without_parts_of_its_query_is_forgotten_under_that_name_too) {
  const Fields varied{{"cache-control", "max-age=60"}, {"no-vary-search", "params=(\"t\")"}};
  get("/a?t=1");
  first.answer(0, 200, varied, "old");
  get("/a?t=2");
  first.answer(1, 200, varied, "old");
  EXPECT_EQ(get("/a?t=3")->how(), "hit");
  ask("POST", "/a?t=4");
  first.answer(2, 200, {}, "");
  EXPECT_EQ(get("/a?t=5")->how(), "waiting");
}

TEST_F(EngineTest, an_unsafe_request_is_not_repeated_once_it_may_have_arrived) {
  const Seen lost = ask("POST", "/a");
  first.end(0, FetchEnd::reset);
  pass(1s);
  EXPECT_EQ(lost->how(), "unreachable");
  EXPECT_EQ(second.asked(), 0u);
  const Seen never_left = ask("POST", "/a");
  first.end(1, FetchEnd::unreachable);
  pass(1s);
  second.answer(0, 200, {}, "done");
  EXPECT_EQ(never_left->how(), "passed");
}

TEST_F(EngineTest, an_unsafe_request_that_was_answered_503_is_not_sent_to_another_parent) {
  const Seen viewer = ask("POST", "/a");
  first.answer(0, 503, {}, "");
  pass(1s);
  EXPECT_EQ(viewer->status(), 503);
  EXPECT_EQ(second.asked(), 0u);
}

// --- Variants --------------------------------------------------------------------------------------------------------

const Fields by_language{{"cache-control", "max-age=60"}, {"vary", "accept-language"}};
Fields in(std::string_view language) { return {{"accept-language", std::string(language)}}; }

TEST_F(EngineTest, who_joined_a_flight_that_brings_another_variant_asks_anew) {
  const Seen german = get("/a", in("de"));
  const Seen english = get("/a", in("en"));
  const Seen german_too = get("/a", in("de"));
  EXPECT_EQ(first.asked(), 1u);
  first.answer(0, 200, by_language, "ja");
  EXPECT_EQ(german->text(), "ja");
  EXPECT_EQ(german_too->text(), "ja");
  EXPECT_EQ(english->how(), "waiting");
  EXPECT_EQ(first.field(1, "accept-language"), "en");
  first.answer(1, 200, by_language, "yes");
  EXPECT_EQ(english->text(), "yes");
  EXPECT_EQ(get("/a", in("de"))->text(), "ja");
  EXPECT_EQ(get("/a", in("en"))->text(), "yes");
  EXPECT_EQ(first.asked(), 2u);
}

TEST_F(EngineTest, variants_that_are_wanted_at_once_are_asked_for_at_once_and_each_once) {
  std::vector<Seen> viewers;
  for (int i = 0; i < 20; ++i) viewers.push_back(get("/a", in(std::to_string(i % 5))));
  first.answer(0, 200, by_language, "0");
  EXPECT_EQ(first.asked(), 5u);
  for (size_t i = 1; i < 5; ++i) first.answer(i, 200, by_language, first.field(i, "accept-language"));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(viewers[i]->text(), std::to_string(i % 5));
  EXPECT_EQ(first.asked(), 5u);
}

TEST_F(EngineTest, more_variants_than_are_kept_do_not_wait_for_each_other) {
  std::vector<Seen> viewers;
  for (int i = 0; i < 50; ++i) viewers.push_back(get("/a", {{"cookie", std::to_string(i)}}));
  const Fields by_cookie{{"cache-control", "max-age=60"}, {"vary", "cookie"}};
  first.answer(0, 200, by_cookie, "0");
  EXPECT_EQ(first.asked(), 50u);
  for (size_t i = 1; i < 50; ++i) first.answer(i, 200, by_cookie, first.field(i, "cookie"));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(viewers[i]->text(), std::to_string(i));
  EXPECT_EQ(run().waiting(), 0u);
}

// What we take away or set ourselves on the way upward chose nothing.
TEST_F(EngineTest, a_response_that_varies_by_what_the_parent_never_saw_answers_its_viewer) {
  for (const std::string_view name : {"host", "range", "via", "cdn-loop", "if-none-match", "klieg-x", "te"}) {
    const std::string path = "/" + std::string(name);
    const Seen viewer = get(path, {{std::string(name), "x"}});
    const size_t fetch = first.asked() - 1;
    first.answer(fetch, 200, {{"cache-control", "max-age=60"}, {"vary", std::string(name)}}, "abc");
    EXPECT_EQ(viewer->how(), "miss") << name;
    EXPECT_EQ(get(path, {{std::string(name), "y"}})->how(), "hit") << name;
  }
}

TEST_F(EngineTest, a_response_that_varies_by_the_client_is_not_shared) {
  const Seen viewer = get("/a");
  const Seen joiner = get("/a");
  first.answer(0, 200, {{"cache-control", "max-age=60"}, {"vary", "x-forwarded-for"}}, "abc");
  EXPECT_EQ(viewer->how(), "uncacheable");
  EXPECT_EQ(joiner->how(), "waiting");
  EXPECT_EQ(first.asked(), 2u);
}

TEST_F(EngineTest, two_codings_are_two_variants_whatever_browsers_say) {
  const Fields by_coding{{"cache-control", "max-age=60"}, {"vary", "accept-encoding"}};
  get("/a", {{"accept-encoding", "gzip, deflate, br"}});
  first.answer(0, 200, by_coding, "zipped");
  EXPECT_EQ(get("/a", {{"accept-encoding", "br;q=1, gzip;q=0.5"}})->text(), "zipped");
  get("/a", {{"accept-encoding", "gzip;q=0"}});
  EXPECT_EQ(first.field(1, "accept-encoding"), "");
  first.answer(1, 200, by_coding, "plain");
  EXPECT_EQ(get("/a")->text(), "plain");
}

TEST_F(EngineTest, at_most_eight_variants_are_kept) {
  for (int i = 0; i < 9; ++i) {
    get("/a", in(std::to_string(i)));
    first.answer(first.asked() - 1, 200, by_language, "x");
  }
  EXPECT_EQ(get("/a", in("8"))->how(), "hit");
  EXPECT_EQ(get("/a", in("0"))->how(), "waiting");
}

}  // namespace
}  // namespace klieg::edge
