#include "edge/freshness.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "edge/stored_fields.h"
#include "wire/http_date.h"

namespace klieg::edge {
namespace {

using wire::HeaderView;
using wire::RequestDirectives;

constexpr WallTime now{1'800'000'000s};

std::string date(Duration from_now) { return wire::http_date_text(now + from_now); }

struct Case {
  Fields response;
  uint16_t status = 200;
  Fields request{};
  std::string_view method = "GET";
  Duration delay{0};  // from the request to the head
  FreshnessSettings settings{};
};

ResponseFacts facts_of_case(const Case& said) {
  return facts_of({said.method, views_of(said.request)}, {said.status, views_of(said.response)}, now - said.delay, now,
                  said.settings);
}

ResponseFacts cached(std::string control) { return facts_of_case({{{"cache-control", std::move(control)}}}); }

TEST(Freshness, what_may_be_kept_and_why_not) {
  using enum Storable;
  const std::string lm = date(-1000s);
  const std::pair<Case, Storable> cases[] = {
      // RFC 9111 section 3
      {{{{"cache-control", "max-age=1"}}}, yes},
      {{{{"cache-control", "max-age=1"}}, 200, {}, "HEAD"}, method},
      {{{{"cache-control", "max-age=1"}}, 200, {}, "POST"}, method},
      {{{{"cache-control", "max-age=1"}}, 599}, yes},
      {{{{"cache-control", "max-age=1"}}, 206}, partial},
      {{{{"cache-control", "max-age=1"}}, 304}, status_not_understood},
      {{{{"cache-control", "max-age=1"}}, 101}, status_not_understood},
      {{{{"cache-control", "max-age=1, no-store"}}}, no_store},
      {{{{"cache-control", "max-age=1, private"}}}, private_},
      {{{{"cache-control", "max-age=1, private=\"a\""}}}, private_},
      {{{{"cache-control", "max-age=1"}}, 200, {{"cache-control", "no-store"}}}, request_no_store},
      // 5.2.2.3
      {{{{"cache-control", "max-age=1, must-understand"}}, 599}, status_not_understood},
      {{{{"cache-control", "max-age=1, must-understand, no-store"}}}, yes},
      {{{{"cache-control", "max-age=1, must-understand, no-store"}}, 599}, status_not_understood},
      // 3.5
      {{{{"cache-control", "max-age=1"}}, 200, {{"authorization", "x"}}}, authorization},
      {{{{"cache-control", "max-age=1, public"}}, 200, {{"authorization", "x"}}}, yes},
      {{{{"cache-control", "max-age=1, must-revalidate"}}, 200, {{"authorization", "x"}}}, yes},
      {{{{"cache-control", "s-maxage=1"}}, 200, {{"authorization", "x"}}}, yes},
      // 4.1
      {{{{"cache-control", "max-age=1"}, {"vary", "a, *"}}}, vary_star},
      // cookies
      {{{{"last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"}, {"set-cookie", "a=b"}}}, set_cookie},
      {{{{"cache-control", "max-age=1"}, {"set-cookie", "a=b"}}}, yes},
      {{{{"cache-control", "public, max-age=1"}, {"set-cookie", "a=b"}}}, yes},
      {{{{"cache-control", "s-maxage=1"}, {"set-cookie", "a=b"}}}, yes},
      {{{{"cdn-cache-control", "max-age=1"}, {"set-cookie", "a=b"}}}, yes},
      // of no use
      {{{}}, no_freshness_no_validator},
      {{{{"cache-control", "no-cache"}}}, no_freshness_no_validator},
      {{{{"cache-control", "max-age=0"}}}, no_freshness_no_validator},
      {{{{"cache-control", "max-age=0, stale-while-revalidate=5"}}}, yes},
      {{{{"cache-control", "no-cache"}, {"etag", "\"x\""}}}, yes},
      {{{{"last-modified", lm}}, 403}, yes},
      {{{{"last-modified", "junk"}}}, no_freshness_no_validator},
      {{{}, 404}, yes},
      {{{}, 410}, no_freshness_no_validator},
      {{{{"cache-control", "no-store"}}, 404}, no_store},
      // RFC 9213
      {{{{"cache-control", "no-store"}, {"klieg-cache-control", "max-age=1"}}}, yes},
      {{{{"cache-control", "max-age=1"}, {"cdn-cache-control", "no-store"}}}, no_store},
      {{{{"expires", date(100s)}, {"cdn-cache-control", "foo"}}}, no_freshness_no_validator},
  };
  for (const auto& [said, storable] : cases) {
    const std::string about = said.response.empty() ? "nothing" : said.response[0].second;
    EXPECT_EQ(name_of(facts_of_case(said).storable), name_of(storable)) << about << " " << said.status;
  }
}

// Section 4.2.1.
TEST(Freshness, the_first_that_says_a_lifetime_says_it) {
  const std::pair<Fields, Duration> cases[] = {
      {{{"cache-control", "max-age=10, s-maxage=5"}}, 5s},
      {{{"cache-control", "max-age=10"}, {"expires", date(99s)}}, 10s},
      {{{"cache-control", "max-age=10"}, {"klieg-cache-control", "max-age=3"}}, 3s},
      {{{"expires", date(99s)}}, 99s},
      {{{"expires", date(99s)}, {"date", date(9s)}}, 90s},
      {{{"expires", date(300s)}, {"date", date(400s)}}, 0s},
      {{{"expires", date(10s)}, {"date", "foo"}}, 10s},
      {{{"expires", "0"}}, 0s},
      {{{"expires", date(10s)}, {"expires", date(20s)}}, 10s},
      {{{"cache-control", "max-age=junk"}, {"expires", date(10s)}}, 0s},
      {{{"expires", "Fri, 31 Dec 9999 23:59:59 GMT"}, {"date", "Thu, 01 Jan 1970 00:00:00 GMT"}}, wire::delta_max},
  };
  for (const auto& [response, lifetime] : cases) {
    const ResponseFacts facts = facts_of_case({response});
    EXPECT_EQ(facts.basis, LifetimeBasis::explicit_);
    EXPECT_EQ(facts.lifetime, lifetime) << response[0].second;
  }
}

// Section 4.2.2, RFC 9110 section 15.1.
TEST(Freshness, without_a_word_a_tenth_of_the_time_since_the_last_change_is_guessed) {
  const std::string lm = date(-1000s);
  for (const int status : {200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501}) {
    const ResponseFacts facts = facts_of_case({{{"last-modified", lm}}, static_cast<uint16_t>(status)});
    EXPECT_EQ(facts.basis, LifetimeBasis::heuristic) << status;
    EXPECT_EQ(facts.lifetime, 100s) << status;
  }
  for (const int status : {201, 202, 302, 303, 307, 400, 403, 500, 502, 503, 504, 599}) {
    const Case said{{{"last-modified", lm}}, static_cast<uint16_t>(status)};
    EXPECT_EQ(facts_of_case(said).basis, LifetimeBasis::none) << status;
  }
  EXPECT_EQ(facts_of_case({{{"last-modified", lm}, {"cache-control", "public"}}, 599}).lifetime, 100s);
  EXPECT_EQ(facts_of_case({{{"last-modified", date(-10'000'000s)}}}).lifetime, 86400s);
  EXPECT_EQ(facts_of_case({{{"last-modified", date(50s)}}}).lifetime, 0s);
}

TEST(Freshness, a_404_without_a_word_lives_as_long_as_the_setting_says) {
  const ResponseFacts facts = facts_of_case({{}, 404});
  EXPECT_EQ(facts.lifetime, 250ms);
  EXPECT_EQ(use_of(facts, {}, now + 249ms), Use::fresh);
  EXPECT_EQ(use_of(facts, {}, now + 250ms), Use::must_validate);
  EXPECT_EQ(use_on_error(facts, now + 251ms), OnError::fail);
  EXPECT_EQ(facts_of_case({{{"cache-control", "max-age=7"}}, 404}).lifetime, 7s);
}

// Section 4.2.3.
TEST(Freshness, age_is_what_somebody_said_or_what_the_date_says) {
  const auto age = [](Fields response, Duration delay = 0s) {
    return current_age(facts_of_case({std::move(response), 200, {}, "GET", delay}), now);
  };
  EXPECT_EQ(age({}), 0s);
  EXPECT_EQ(age({{"age", "30"}}), 30s);
  EXPECT_EQ(age({{"age", "30"}}, 3s), 33s);
  EXPECT_EQ(age({}, 3s), 3s);
  EXPECT_EQ(age({{"date", date(10s)}}), 0s);
  EXPECT_EQ(age({{"date", date(-10s)}, {"age", "30"}}), 30s);
  EXPECT_EQ(age({{"date", date(-40s)}, {"age", "30"}}), 39s + 1ns);
  EXPECT_EQ(age({{"date", date(-1s)}}), 1ns);  // made just before the second was over
}

TEST(Freshness, an_age_that_is_not_one_number_is_very_old) {
  for (const char* value : {"abc", "-7200", "7200.0", "7200, 0", "0, 0", "7200;foo=bar", ""}) {
    const ResponseFacts facts = facts_of_case({{{"cache-control", "max-age=3600"}, {"age", value}}});
    EXPECT_EQ(use_of(facts, {}, now), Use::must_validate) << value;
  }
  const ResponseFacts twice = facts_of_case({{{"cache-control", "max-age=3600"}, {"age", "0"}, {"age", "0"}}});
  EXPECT_EQ(use_of(twice, {}, now), Use::must_validate);
}

TEST(Freshness, age_grows_and_a_clock_that_goes_back_does_not_make_it_negative) {
  const ResponseFacts facts = cached("max-age=10");
  EXPECT_EQ(current_age(facts, now + 3s), 3s);
  EXPECT_EQ(current_age(facts, now - 10000s), 0s);
}

struct Asking {
  const char* control;  // of the response
  RequestDirectives request;
  Duration after;
  Use use;
};

TEST(Freshness, how_a_kept_response_may_be_used) {
  using enum Use;
  const Asking cases[] = {
      // 4.2
      {"max-age=10", {}, 9s, fresh},
      {"max-age=10", {}, 10s, must_validate},
      // 5.2.2.4
      {"no-cache, max-age=10", {}, 0s, must_validate},
      {"no-cache, max-age=10", {.max_stale = wire::delta_max}, 0s, must_validate},
      // 5.2.1.1 to 5.2.1.4
      {"max-age=10", {.max_age = 3s}, 3s, fresh},
      {"max-age=10", {.max_age = 3s}, 4s, must_validate},
      {"max-age=10", {.max_stale = 5s}, 15s, stale_allowed},
      {"max-age=10", {.max_stale = 5s}, 16s, must_validate},
      {"max-age=10", {.max_age = 20s, .max_stale = 5s}, 15s, stale_allowed},
      {"max-age=10", {.max_stale = wire::delta_max}, 9999s, stale_allowed},
      {"max-age=10", {.min_fresh = 3s}, 7s, fresh},
      {"max-age=10", {.min_fresh = 3s}, 8s, must_validate},
      {"max-age=10", {.no_cache = true}, 0s, must_validate},
      {"max-age=10", {.no_store = true}, 0s, fresh},
      // 5.2.1.7
      {"max-age=10", {.only_if_cached = true}, 9s, fresh},
      {"max-age=10", {.only_if_cached = true}, 10s, gateway_timeout},
      // 4.2.4, 5.2.2.2, 5.2.2.8, 5.2.2.10
      {"max-age=10, must-revalidate", {.max_stale = 5s}, 11s, must_validate},
      {"max-age=10, proxy-revalidate", {.max_stale = 5s}, 11s, must_validate},
      {"s-maxage=10", {.max_stale = 5s}, 11s, must_validate},
      // RFC 5861 section 3
      {"max-age=10, stale-while-revalidate=5", {}, 14s, stale_while_revalidate},
      {"max-age=10, stale-while-revalidate=5", {}, 15s, must_validate},
      {"s-maxage=10, stale-while-revalidate=5", {}, 14s, stale_while_revalidate},
      {"max-age=10, stale-while-revalidate=5, must-revalidate", {}, 11s, must_validate},
      {"max-age=10, stale-while-revalidate=5", {.max_age = 60s}, 11s, must_validate},
      {"max-age=10, stale-while-revalidate=5", {.no_cache = true}, 11s, must_validate},
      // RFC 8246
      {"max-age=10, immutable", {.no_cache = true}, 9s, fresh},
      {"max-age=10, immutable", {.max_age = 0s}, 9s, fresh},
      {"max-age=10, immutable", {.no_cache = true}, 10s, must_validate},
      {"no-cache, immutable, max-age=10", {}, 0s, must_validate},
  };
  for (const Asking& asking : cases) {
    const Use use = use_of(cached(asking.control), asking.request, now + asking.after);
    EXPECT_EQ(use, asking.use) << asking.control << " after " << asking.after / 1s << " s";
  }
}

// RFC 5861 section 4, RFC 9111 section 4.2.4.
TEST(Freshness, what_may_be_used_when_no_parent_can_say_better) {
  const std::tuple<const char*, Duration, OnError> cases[] = {
      {"max-age=10", 9s, OnError::use},
      {"max-age=10", 19s, OnError::use},
      {"max-age=10", 20s, OnError::fail},
      {"max-age=10, stale-if-error=60", 69s, OnError::use},
      {"max-age=10, stale-if-error=60", 70s, OnError::fail},
      {"max-age=10, stale-if-error=0", 11s, OnError::fail},
      {"max-age=10, must-revalidate", 11s, OnError::fail},
      {"max-age=10, proxy-revalidate", 11s, OnError::fail},
      {"max-age=10, must-revalidate, stale-if-error=60", 11s, OnError::fail},
      {"max-age=10, no-cache", 0s, OnError::fail},
      {"s-maxage=10", 11s, OnError::fail},
      {"s-maxage=10, stale-if-error=60", 11s, OnError::use},
  };
  for (const auto& [control, after, use] : cases) {
    EXPECT_EQ(use_on_error(cached(control), now + after), use) << control << " after " << after / 1s << " s";
  }
  for (const int status : {500, 502, 503, 504}) EXPECT_TRUE(is_error(static_cast<uint16_t>(status)));
  for (const int status : {200, 404, 501, 505}) EXPECT_FALSE(is_error(static_cast<uint16_t>(status)));
}

TEST(Freshness, what_our_origin_says_is_treated_so) {
  const ResponseFacts media = cached("public, max-age=31536000, immutable");
  EXPECT_EQ(media.storable, Storable::yes);
  EXPECT_EQ(use_of(media, {.no_cache = true}, now + 1000000s), Use::fresh);
  const ResponseFacts index = facts_of_case({{{"cache-control", "no-cache"}, {"etag", "\"7\""}}});
  EXPECT_EQ(index.storable, Storable::yes);
  EXPECT_EQ(use_of(index, {}, now), Use::must_validate);
}

TEST(Freshness, what_later_requests_need_is_kept) {
  const ResponseFacts facts = facts_of_case({{{"etag", "W/\"a\""},
                                              {"last-modified", date(-5s)},
                                              {"vary", "Accept-Encoding, CMCD-Session"},
                                              {"no-vary-search", "key-order"}}});
  EXPECT_EQ(facts.etag, "W/\"a\"");
  EXPECT_EQ(facts.last_modified, date(-5s));
  EXPECT_EQ(facts.changed_by, date(-5s));
  const ResponseFacts undated = facts_of_case({{{"date", date(-7s)}}});
  EXPECT_EQ(undated.last_modified, "");
  EXPECT_EQ(undated.changed_by, date(-7s));
  EXPECT_EQ(facts_of_case({}).changed_by, date(0s));
  EXPECT_EQ(facts.vary.names, std::vector<std::string>{"accept-encoding"});
  EXPECT_EQ(facts.query_variance.order, wire::QueryVariance::Order::does_not);
}

rc::Gen<std::string> field_text() {
  return rc::gen::oneOf(
      rc::gen::container<std::string>(rc::gen::elementOf(std::string("0123456789-,=\" max-age s-maxage"))),
      rc::gen::elementOf(std::vector<std::string>{"max-age=99999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "4294967295",
                                                  "Thu, 01 Jan 1970 00:00:00 GMT",
                                                  "stale-while-revalidate=9999999999"}));
}

RC_GTEST_PROP(Freshness, whatever_is_said_age_and_lifetime_stay_in_range, ()) {
  Fields response;
  for (const char* name : {"cache-control", "expires", "date", "age", "last-modified", "cdn-cache-control"}) {
    if (*rc::gen::arbitrary<bool>()) response.emplace_back(name, *field_text());
  }
  const auto status = *rc::gen::inRange<uint16_t>(100, 600);
  const ResponseFacts facts = facts_of_case({response, status});
  RC_ASSERT(facts.initial_age >= 0s && facts.initial_age <= wire::delta_max);
  RC_ASSERT(facts.lifetime >= 0s && facts.lifetime <= wire::delta_max);
  const Duration later(*rc::gen::inRange<int64_t>(-4'000'000'000'000'000'000, 4'000'000'000'000'000'000));
  RC_ASSERT(current_age(facts, now + later) >= facts.initial_age);
  RC_ASSERT(!facts.no_cache || use_of(facts, {}, now + later) == Use::must_validate);
}

RC_GTEST_PROP(Freshness, what_was_not_fresh_does_not_become_so, ()) {
  const ResponseFacts facts = facts_of_case({{{"cache-control", *field_text()}, {"age", *field_text()}}});
  const auto sooner = Duration(*rc::gen::inRange<int64_t>(0, 1'000'000'000'000));
  const auto later = sooner + Duration(*rc::gen::inRange<int64_t>(0, 1'000'000'000'000));
  if (use_of(facts, {}, now + later) == Use::fresh) RC_ASSERT(use_of(facts, {}, now + sooner) == Use::fresh);
}

}  // namespace
}  // namespace klieg::edge
