#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace klieg {
namespace {

TEST(Utf8, is_told_from_what_is_none) {
  for (const char* good : {"", "a", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80",
                           "\xf4\x8f\xbf\xbf", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"}) {
    EXPECT_TRUE(is_utf8(std::string_view(good))) << testing::PrintToString(good);
  }
  for (const char* bad : {"\x80", "\xc0\xaf", "\xc1\x80", "\xc2",
                          "\xc2"
                          "a",
                          "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe1\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80", "\xff"}) {
    EXPECT_FALSE(is_utf8(std::string_view(bad))) << testing::PrintToString(bad);
  }
}

TEST(Utf8, code_points_come_one_by_one_and_what_is_none_stays) {
  std::string_view text = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\xa5\xff";
  std::u32string points;
  while (const auto point = take_code_point(text)) points += *point;
  EXPECT_EQ(points, U"a\u00e4\u20ac\U0001f3a5");
  EXPECT_EQ(text, "\xff");
}

}  // namespace
}  // namespace klieg
