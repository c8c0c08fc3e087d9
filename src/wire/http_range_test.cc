#include "wire/http_range.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klieg::wire {
namespace {

std::optional<ByteRange> selected(std::string_view field, uint64_t size) {
  const auto spec = parse_range(field);
  return spec ? select_range(*spec, size) : std::nullopt;
}

TEST(HttpRange, the_three_forms_select_what_the_rfc_says) {
  EXPECT_EQ(selected("bytes=2-5", 10), (ByteRange{2, 6}));
  EXPECT_EQ(selected("bytes=2-", 10), (ByteRange{2, 10}));
  EXPECT_EQ(selected("bytes=-3", 10), (ByteRange{7, 10}));
  EXPECT_EQ(selected("bytes=-30", 10), (ByteRange{0, 10}));
  EXPECT_EQ(selected("Bytes=0-99999999999999999999", 10), (ByteRange{0, 10}));
}

TEST(HttpRange, what_selects_nothing_is_unsatisfiable) {
  for (const char* field : {"bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999-"}) {
    ASSERT_TRUE(parse_range(field)) << field;
    EXPECT_FALSE(select_range(*parse_range(field), 10)) << field;
  }
  EXPECT_FALSE(selected("bytes=-1", 0));
}

TEST(HttpRange, what_is_malformed_or_several_is_ignored) {
  for (const char* field : {"", "bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=0-1,3-4", "bytes=+1-2",
                            "items=0-1", "bytes=0 - 1", "bytes 0-1"}) {
    EXPECT_FALSE(parse_range(field)) << field;
  }
}

RC_GTEST_PROP(HttpRange, a_selected_range_is_never_empty_and_lies_inside,
              (uint64_t first, uint64_t last, uint64_t size)) {
  const auto range = select_range({first, last, 0}, size);
  RC_PRE(last >= first);
  if (range) RC_ASSERT(range->first == first && range->first < range->end && range->end <= size);
  RC_ASSERT(range.has_value() == (first < size));
}

TEST(HttpRange, content_range_names_what_is_sent) {
  EXPECT_EQ(content_range({2, 6}, 10), "bytes 2-5/10");
  EXPECT_EQ(content_range({2, 6}, std::nullopt), "bytes 2-5/*");
  EXPECT_EQ(content_range_unsatisfied(10), "bytes */10");
}

TEST(HttpRange, content_range_is_read_as_it_is_written_and_nothing_else_is) {
  EXPECT_EQ(parse_content_range("bytes 2-5/10"), (ContentRange{{2, 6}, 10}));
  EXPECT_EQ(parse_content_range("bytes 2-5/6"), (ContentRange{{2, 6}, 6}));
  EXPECT_EQ(parse_content_range("bytes 2-9007199254740991/*"), (ContentRange{{2, uint64_t{1} << 53}, std::nullopt}));
  for (const std::string_view wrong :
       {"", "bytes", "bytes */10", "bytes 5-2/10", "bytes 2-5/5", "bytes 2-5", "bytes 2-5/", "bytes -5/10",
        "bytes 2-/10", "bytes 2/10", "items 2-5/10", "bytes 2-18446744073709551615/*", "bytes 2-5/1x", "bytes /-"}) {
    EXPECT_EQ(parse_content_range(wrong), std::nullopt) << wrong;
  }
}

TEST(HttpRange, if_none_match_compares_weakly_and_if_range_strongly) {
  EXPECT_TRUE(matches_any("\"a\", W/\"b,c\", \"d\"", "\"b,c\""));
  EXPECT_TRUE(matches_any(" * ", "\"x\""));
  EXPECT_TRUE(matches_any("\"a\"", "W/\"a\""));
  EXPECT_FALSE(matches_any("\"a\", \"ab\"", "\"b\""));
  EXPECT_FALSE(matches_any("a", "\"a\""));
  EXPECT_FALSE(matches_any("\"open", "\"open\""));
  EXPECT_TRUE(range_applies("\"a\"", "\"a\""));
  EXPECT_FALSE(range_applies("W/\"a\"", "\"a\""));
  EXPECT_FALSE(range_applies("Fri, 20 Nov 2026 10:00:00 GMT", "\"a\""));
}

}  // namespace
}  // namespace klieg::wire
