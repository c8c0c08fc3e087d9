#include "edge/stored_fields.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klieg::edge {
namespace {

constexpr WallTime now{1'800'000'000s};
constexpr const char* now_text = "Fri, 15 Jan 2027 08:00:00 GMT";

Fields stored(const Fields& response) {
  const auto views = views_of(response);
  return fields_to_store(views, facts_of({"GET", {}}, {200, views}, now, now, {}));
}

// RFC 9110 section 7.6.1, RFC 9111 section 3.1.
TEST(StoredFields, what_is_for_the_next_hop_alone_goes_no_further) {
  const Fields response = {{"connection", "A, b"},
                           {"connection", "close"},
                           {"a", "1"},
                           {"b", "2"},
                           {"c", "3"},
                           {"keep-alive", "x"},
                           {"proxy-authenticate", "x"},
                           {"proxy-authentication-info", "x"},
                           {"proxy-authorization", "x"},
                           {"proxy-connection", "x"},
                           {"te", "x"},
                           {"trailer", "x"},
                           {"transfer-encoding", "chunked"},
                           {"upgrade", "x"},
                           {"set-cookie", "a=b"},
                           {"set-cookie", "c=d"}};
  EXPECT_EQ(end_to_end(views_of(response)), (Fields{{"c", "3"}, {"set-cookie", "a=b"}, {"set-cookie", "c=d"}}));
}

TEST(StoredFields, what_is_kept_has_a_date_and_no_age) {
  EXPECT_EQ(stored({{"age", "3"}, {"x", "y"}}), (Fields{{"x", "y"}, {"date", now_text}}));
  EXPECT_EQ(stored({{"date", "Thu, 01 Jan 1970 00:00:00 GMT"}}), (Fields{{"date", "Thu, 01 Jan 1970 00:00:00 GMT"}}));
}

// RFC 9111 section 3.2.
TEST(StoredFields, a_304_replaces_what_it_says_but_not_what_describes_the_bytes) {
  const Fields kept = {{"cache-control", "max-age=1"}, {"etag", "\"a\""},
                       {"content-length", "5"},        {"content-encoding", "gzip"},
                       {"content-range", "x"},         {"content-md5", "x"},
                       {"content-type", "text/plain"}, {"set-cookie", "a=1"},
                       {"set-cookie", "b=1"},          {"date", "old"},
                       {"test-header", "stays"}};
  const Fields not_modified = {{"cache-control", "max-age=9"}, {"etag", "\"b\""},      {"content-length", "0"},
                               {"content-encoding", "br"},     {"content-range", "y"}, {"content-md5", "y"},
                               {"content-type", "text/html"},  {"set-cookie", "c=2"},  {"age", "7"},
                               {"connection", "x-hop"},        {"x-hop", "1"},         {"x-new", "2"}};
  const Fields merged = fields_after_validation(kept, views_of(not_modified), now);
  EXPECT_EQ(merged, (Fields{{"etag", "\"a\""},
                            {"content-length", "5"},
                            {"content-encoding", "gzip"},
                            {"content-range", "x"},
                            {"content-md5", "x"},
                            {"test-header", "stays"},
                            {"cache-control", "max-age=9"},
                            {"content-type", "text/html"},
                            {"set-cookie", "c=2"},
                            {"x-new", "2"},
                            {"date", now_text}}));
}

// RFC 9111 section 4.3.1.
TEST(StoredFields, a_validation_says_all_that_is_known) {
  const Fields response = {{"etag", "\"a\""}, {"last-modified", "Thu, 01 Jan 1970 00:00:00 GMT"}};
  const ResponseFacts facts = facts_of({"GET", {}}, {200, views_of(response)}, now, now, {});
  EXPECT_EQ(conditions_of(facts), (Fields{{"if-none-match", "\"a\""}, {"if-modified-since", response[1].second}}));
  EXPECT_EQ(conditions_of({}), Fields{});
}

RC_GTEST_PROP(StoredFields, storing_what_was_stored_changes_nothing, ()) {
  const auto name = rc::gen::elementOf(std::vector<std::string>{"connection", "age", "date", "x", "te", "etag"});
  const auto value = rc::gen::elementOf(std::vector<std::string>{"x", "etag", "te, age", "date"});
  const auto response = *rc::gen::container<Fields>(rc::gen::pair(name, value));
  RC_ASSERT(stored(stored(response)) == stored(response));
}

}  // namespace
}  // namespace klieg::edge
