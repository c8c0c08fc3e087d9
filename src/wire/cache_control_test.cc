#include "wire/cache_control.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klieg::wire {
namespace {

ResponseDirectives said(std::initializer_list<std::string_view> lines) {
  std::vector<HeaderView> headers;
  for (const auto line : lines) headers.push_back({"cache-control", line});
  return response_directives(headers);
}

RequestDirectives asked(std::initializer_list<HeaderView> headers) {
  return request_directives(std::span(headers.begin(), headers.size()));
}

std::optional<ResponseDirectives> targeted(std::initializer_list<HeaderView> headers) {
  return targeted_directives(std::span(headers.begin(), headers.size()));
}

TEST(CacheControl, what_our_origin_says_is_understood) {
  const ResponseDirectives media = said({"public, max-age=31536000, immutable"});
  EXPECT_TRUE(media.public_ && media.immutable);
  EXPECT_EQ(media.max_age, 31'536'000s);
  EXPECT_TRUE(said({"no-cache"}).no_cache);
}

TEST(CacheControl, each_directive_of_a_response_is_known) {
  const ResponseDirectives all =
      said({"public, private, no-store, no-cache, no-transform, must-revalidate, proxy-revalidate",
            "must-understand,immutable,max-age=1,s-maxage=2,stale-while-revalidate=3,stale-if-error=4, extension=5"});
  const ResponseDirectives expected{.public_ = true,
                                    .private_ = true,
                                    .no_store = true,
                                    .no_cache = true,
                                    .no_transform = true,
                                    .must_revalidate = true,
                                    .proxy_revalidate = true,
                                    .must_understand = true,
                                    .immutable = true,
                                    .max_age = 1s,
                                    .s_maxage = 2s,
                                    .stale_while_revalidate = 3s,
                                    .stale_if_error = 4s};
  EXPECT_EQ(all, expected);
}

// RFC 9111 section 4.2.1: what makes no sense is stale; 1.2.2: what is too much is 2^31 s.
TEST(CacheControl, a_lifetime_is_read_leniently_and_never_longer_than_it_says) {
  const std::pair<const char*, Duration> lifetimes[] = {
      {"max-age=3600", 3600s},
      {"MaX-aGe=3600", 3600s},
      {"max-age=003600", 3600s},
      {"max-age=\"3600\"", 3600s},
      {"foo, ,max-age=3600,", 3600s},
      {"foo=\"a, max-age=1\", max-age=3600", 3600s},
      {"foo=\"a\\\", max-age=1\", max-age=3600", 3600s},
      {"max-age=2147483647", delta_max - 1s},
      {"max-age=2147483648", delta_max},
      {"max-age=99999999999", delta_max},
      {"max-age=99999999999999999999999999", delta_max},
      {"max-age=1800, max-age=1", 1800s},
      {"max-age=1, max-age=1800", 1s},
      {"max-age", 0s},
      {"max-age=", 0s},
      {"max-age=-1", 0s},
      {"max-age=+1", 0s},
      {"max-age=1.0", 0s},
      {"max-age=1a", 0s},
      {"max-age=a1", 0s},
      {"max-age='1'", 0s},
      {"max-age= 1", 0s},
      {"max-age =1", 0s},
      {"max-age=junk, max-age=5", 0s},
  };
  for (const auto& [field, lifetime] : lifetimes) EXPECT_EQ(said({field}).max_age, lifetime) << field;
}

TEST(CacheControl, what_is_inside_quotation_marks_is_no_directive) {
  EXPECT_FALSE(said({"extension=\"max-age=3600\""}).max_age);
  EXPECT_FALSE(said({"extension=\"a, max-age=3600"}).max_age);
  EXPECT_FALSE(said({"extension=\"no-store, x\""}).no_store);
  EXPECT_TRUE(said({"max-age=60, extension=\"private, x"}).no_store);
  EXPECT_TRUE(said({"max-age=60, extension=\""}).no_store);
}

TEST(CacheControl, permissions_are_given_only_by_what_can_be_read) {
  EXPECT_FALSE(said({"stale-while-revalidate"}).stale_while_revalidate);
  EXPECT_FALSE(said({"stale-if-error=soon"}).stale_if_error);
  EXPECT_FALSE(asked({{"cache-control", "max-stale=x"}}).max_stale);
}

TEST(CacheControl, restrictions_with_field_names_are_about_everything) {
  EXPECT_TRUE(said({"no-cache=\"A, b\""}).no_cache);
  EXPECT_TRUE(said({"private=\"a, max-age=3\""}).private_);
  EXPECT_FALSE(said({"private=\"a, max-age=3\""}).max_age);
}

TEST(CacheControl, each_directive_of_a_request_is_known) {
  const RequestDirectives all =
      asked({{"cache-control", "no-cache, no-store, only-if-cached, max-age=1, min-fresh=2, max-stale=3"}});
  EXPECT_EQ(all, (RequestDirectives{true, true, true, 1s, 2s, 3s}));
  EXPECT_EQ(asked({{"cache-control", "max-stale"}}).max_stale, delta_max);
}

// RFC 9111 section 5.4.
TEST(CacheControl, pragma_counts_where_there_is_no_cache_control) {
  EXPECT_TRUE(asked({{"pragma", "No-Cache"}}).no_cache);
  EXPECT_TRUE(asked({{"pragma", "x, no-cache"}}).no_cache);
  EXPECT_FALSE(asked({{"pragma", "no-cache-at-all"}}).no_cache);
  EXPECT_FALSE(asked({{"pragma", "no-cache"}, {"cache-control", "max-age=0"}}).no_cache);
}

// RFC 9213 section 2.2.
TEST(TargetedCacheControl, the_most_particular_valid_field_speaks) {
  EXPECT_EQ(targeted({{"cdn-cache-control", "max-age=60"}})->max_age, 60s);
  EXPECT_EQ(targeted({{"cdn-cache-control", "max-age=60"}, {"klieg-cache-control", "max-age=1"}})->max_age, 1s);
  EXPECT_EQ(targeted({{"cdn-cache-control", "max-age=60"}, {"klieg-cache-control", "max-age=1,"}})->max_age, 60s);
  EXPECT_EQ(targeted({{"cdn-cache-control", "max-age=60"}, {"klieg-cache-control", ""}})->max_age, 60s);
  EXPECT_EQ(targeted({{"cdn-cache-control", "no-store"}, {"cdn-cache-control", "max-age=60;x=1"}})->max_age, 60s);
  EXPECT_TRUE(targeted({{"cdn-cache-control", "no-store, max-age=60"}})->no_store);
  EXPECT_FALSE(targeted({{"cdn-cache-control", "MaX-aGe=60"}}));
  EXPECT_FALSE(targeted({{"cache-control", "max-age=60"}}));
}

TEST(TargetedCacheControl, values_of_another_type_make_no_sense) {
  EXPECT_EQ(targeted({{"cdn-cache-control", "max-age=\"60\""}})->max_age, 0s);
  EXPECT_EQ(targeted({{"cdn-cache-control", "max-age=6.5"}})->max_age, 0s);
  EXPECT_EQ(targeted({{"cdn-cache-control", "max-age"}})->max_age, 0s);
  EXPECT_EQ(targeted({{"cdn-cache-control", "max-age=-1"}})->max_age, 0s);
  EXPECT_FALSE(targeted({{"cdn-cache-control", "no-store=?0"}})->no_store);
  EXPECT_TRUE(targeted({{"cdn-cache-control", "no-cache=\"a\""}})->no_cache);
}

TEST(TargetedCacheControl, surrogate_control_speaks_where_nothing_newer_does) {
  EXPECT_EQ(targeted({{"surrogate-control", "foo, MaX-aGe=60"}})->max_age, 60s);
  EXPECT_EQ(targeted({{"surrogate-control", "max-age=60"}, {"cdn-cache-control", "max-age=1"}})->max_age, 1s);
  EXPECT_TRUE(targeted({{"surrogate-control", "no-store"}})->no_store);
  EXPECT_FALSE(targeted({{"surrogate-control", "max-age=60;somebody, no-store;somebody"}}));
  EXPECT_EQ(targeted({{"surrogate-control", "no-store;somebody, max-age=60;klieg"}})->max_age, 60s);
  EXPECT_FALSE(targeted({{"surrogate-control", "no-store;somebody, max-age=60;klieg"}})->no_store);
}

RC_GTEST_PROP(CacheControl, any_text_says_lifetimes_in_range, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("max-age=s,\"\\ 0123456789;")));
  const std::string field = "max-age=" + text;
  const HeaderView headers[] = {{"cache-control", field}};
  const ResponseDirectives read = response_directives(headers);
  RC_ASSERT(read.no_store || read.max_age);
  RC_ASSERT(read.max_age.value_or(0s) >= 0s && read.max_age.value_or(0s) <= delta_max);
}

}  // namespace
}  // namespace klieg::wire
