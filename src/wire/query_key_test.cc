#include "wire/query_key.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace klieg::wire {
namespace {

QueryVariance said(std::string_view field) {
  const HeaderView headers[] = {{"no-vary-search", field}};
  return no_vary_search(headers);
}

bool same(std::string_view field, std::string_view a, std::string_view b) {
  const QueryVariance variance = said(field);
  return query_key(a, variance) == query_key(b, variance);
}

TEST(QueryKey, without_the_field_every_byte_matters_except_cmcd) {
  for (const char* query : {"", "b=2&a=%31&&c", "a=%31&", "&", "&&", "&a"}) EXPECT_EQ(query_key(query), query);
  EXPECT_EQ(query_key("CMCD=bl%3D2900%2Csid%3D%22x%22"), "");
  EXPECT_EQ(query_key("_HLS_msn=3&CMCD=br%3D1000&_HLS_part=1"), "_HLS_msn=3&_HLS_part=1");
  EXPECT_EQ(query_key("CMCD&a=1&%43MCD=2"), "a=1");
  EXPECT_EQ(query_key("cmcd=1&CMCDX=2&a=CMCD"), "cmcd=1&CMCDX=2&a=CMCD");
}

// The examples of the draft's sections 1 and 5.
TEST(QueryKey, no_vary_search_says_what_does_not_matter) {
  EXPECT_TRUE(same("key-order", "a=1&b=2&c=3", "b=2&a=1&c=3"));
  EXPECT_FALSE(same("key-order", "a=1&b=2&c=3", "b=2&a=4&c=3"));
  EXPECT_FALSE(same("key-order", "a=1&a=2", "a=2&a=1"));
  EXPECT_TRUE(same("params", "a=1&b=2", "c=3"));
  EXPECT_TRUE(same("params=(\"utm_source\" \"utm_medium\")", "id=1&utm_source=x", "utm_medium=y&id=1"));
  EXPECT_FALSE(same("params=(\"utm_source\")", "id=1&utm_source=x", "id=2"));
  EXPECT_TRUE(same("params, except=(\"id\")", "id=1&x=2", "y&id=1"));
  EXPECT_FALSE(same("params, except=(\"id\")", "id=1&x=2", "id=2&x=2"));
  EXPECT_FALSE(same("params=?0", "a=1", "a=2"));
  EXPECT_TRUE(same("key-order, params=(\"a\")", "a=1&c=2&b=3", "b=3&a=9&c=2"));
}

TEST(QueryKey, names_and_values_are_compared_decoded_once_anything_does_not_matter) {
  EXPECT_TRUE(same("params=(\"%C3%A9+%C3%A9\")", "a=1&%c3%a9%20%c3%a9=1", "a=1"));
  EXPECT_TRUE(same("key-order", "a=b+c&d", "d=&a=b%20c"));
  EXPECT_FALSE(same("key-order", "a=b%26c=d", "a=b&c=d"));
}

TEST(QueryKey, a_field_that_breaks_the_rules_says_nothing) {
  for (const char* field : {"", "key-order=1", "params=\"a\"", "params=(a)", "params=(1)", "except=(\"a\")",
                            "params=(\"a\"), except=(\"b\")", "params=?0, except=(\"b\")", "params, except=\"a\"",
                            "params, except=(a)", "params, KEY"}) {
    EXPECT_EQ(said(field), QueryVariance{}) << field;
  }
}

rc::Gen<std::string> query() { return rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab=&%26+C1"))); }

RC_GTEST_PROP(QueryKey, a_normal_form_is_its_own, ()) {
  const QueryVariance variance{
      *rc::gen::elementOf(std::vector{QueryVariance::Parameters::all_matter, QueryVariance::Parameters::listed_do_not,
                                      QueryVariance::Parameters::only_listed_do}),
      {"a", "ab"},
      *rc::gen::elementOf(std::vector{QueryVariance::Order::matters, QueryVariance::Order::does_not})};
  const std::string key = query_key(*query(), variance);
  RC_ASSERT(query_key(key, variance) == key);
}

RC_GTEST_PROP(QueryKey, order_that_does_not_matter_does_not_matter, ()) {
  std::vector<std::string> parameters = *rc::gen::unique<std::vector<std::string>>(
      rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange('a', 'z'))));
  const auto joined = [&] {
    std::string text;
    for (const auto& parameter : parameters) text += parameter + "=" + parameter + "&";
    return text;
  };
  const std::string one_way = joined();
  std::ranges::reverse(parameters);
  RC_ASSERT(same("key-order", one_way, joined()));
}

}  // namespace
}  // namespace klieg::wire
