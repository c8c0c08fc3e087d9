#include "wire/vary.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klieg::wire {
namespace {

Vary vary_of(std::initializer_list<std::string_view> lines) {
  std::vector<HeaderView> headers;
  for (const auto line : lines) headers.push_back({"vary", line});
  return parse_vary(headers);
}

std::string key(const Vary& vary, std::initializer_list<HeaderView> request) {
  return variant_key(vary, std::span(request.begin(), request.size()));
}

TEST(Vary, names_are_collected_from_all_lines) {
  EXPECT_EQ(vary_of({"Foo, bar", ", BAZ,,foo"}), (Vary{false, {"bar", "baz", "foo"}}));
  EXPECT_EQ(vary_of({}), Vary{});
}

TEST(Vary, a_star_anywhere_is_anything) {
  for (const char* value : {"*", "*, *", ", *", "*, Foo", "Foo, *"}) EXPECT_TRUE(vary_of({value}).anything) << value;
  EXPECT_TRUE(vary_of({",", "*"}).anything);
  EXPECT_FALSE(vary_of({"a*"}).anything);
}

TEST(Vary, what_players_tell_about_themselves_chooses_nothing) {
  EXPECT_EQ(vary_of({"CMCD-Session, accept-encoding"}), (Vary{false, {"accept-encoding"}}));
}

TEST(Vary, requests_match_when_the_named_fields_do) {
  const Vary vary = vary_of({"foo, bar"});
  const std::string stored = key(vary, {{"foo", "1"}, {"bar", "abc"}, {"other", "2"}});
  EXPECT_EQ(stored, key(vary, {{"bar", "abc"}, {"other", "3"}, {"foo", "1"}}));
  EXPECT_NE(stored, key(vary, {{"foo", "2"}, {"bar", "abc"}}));
  EXPECT_NE(stored, key(vary, {{"foo", "1"}}));
  EXPECT_NE(stored, key(vary, {{"foo", "1"}, {"bar", "ABC"}}));
  EXPECT_EQ(key(vary, {{"foo", "1"}}), key(vary, {{"foo", "1"}, {"baz", "2"}}));
}

TEST(Vary, a_missing_field_is_not_an_empty_one) {
  const Vary vary = vary_of({"foo"});
  EXPECT_NE(key(vary, {}), key(vary, {{"foo", ""}}));
  EXPECT_EQ(key(vary, {{"foo", ""}}), key(vary, {{"foo", ""}, {"foo", ""}}));
}

TEST(Vary, lines_and_white_space_make_no_difference) {
  const Vary vary = vary_of({"foo"});
  const std::string one_line = key(vary, {{"foo", "1, 2"}});
  EXPECT_EQ(one_line, key(vary, {{"foo", "1"}, {"foo", "2"}}));
  EXPECT_EQ(one_line, key(vary, {{"foo", " 1 ,\t2 "}}));
  EXPECT_NE(one_line, key(vary, {{"foo", "\"1, 2\""}}));
  EXPECT_NE(key(vary, {{"foo", "\"1,2\""}}), key(vary, {{"foo", "\"1, 2\""}}));
}

TEST(Vary, languages_and_codings_have_no_case) {
  const Vary vary = vary_of({"accept-language"});
  EXPECT_EQ(key(vary, {{"accept-language", "en, de"}}), key(vary, {{"accept-language", "eN,De"}}));
}

RC_GTEST_PROP(Vary, equal_requests_have_equal_keys_whatever_is_in_them, (std::string a, std::string b)) {
  const Vary vary = vary_of({"a, b"});
  RC_ASSERT(key(vary, {{"a", a}, {"b", b}}) == key(vary, {{"b", b}, {"a", a}}));
}

}  // namespace
}  // namespace klieg::wire
