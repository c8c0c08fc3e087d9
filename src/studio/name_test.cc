#include "studio/name.h"

#include <gtest/gtest.h>

namespace klieg::studio {
namespace {

TEST(AccountName, is_short_plain_and_kept_in_lower_case) {
  EXPECT_EQ(account_name_of("Anna_2"), "anna_2");
  EXPECT_EQ(account_name_of("ab"), "ab");
  EXPECT_EQ(account_name_of(std::string(30, 'a')), std::string(30, 'a'));
  for (const char* none :
       {"", "a", "1anna", "_anna", "an na", "an-na", "an.na", "\xc3\xa4nna", "<b>", "anna'--", "../x"}) {
    EXPECT_EQ(account_name_of(none), std::nullopt) << none;
  }
  EXPECT_EQ(account_name_of(std::string(31, 'a')), std::nullopt);
}

TEST(AccountName, is_no_address_and_no_role) {
  for (const char* none : {"admin", "Admin", "live", "api", "klieg", "moderator"}) {
    EXPECT_EQ(account_name_of(none), std::nullopt) << none;
  }
}

TEST(Line, is_text_without_what_never_belongs_into_one) {
  EXPECT_TRUE(is_line("Anna \xf0\x9f\x8e\xa5 <live>", 50, Emptiness::refused));
  EXPECT_TRUE(is_line("", 50, Emptiness::allowed));
  EXPECT_FALSE(is_line("", 50, Emptiness::refused));
  for (const char* none : {" a", "a ", "a\nb", "a\tb", "\x1b[31m", "a\x7f", "\xc2\x85",
                           "\xe2\x80\xae"
                           "evil",
                           "\xe2\x80\xa8", "\xff"}) {
    EXPECT_FALSE(is_line(none, 50, Emptiness::refused)) << testing::PrintToString(none);
  }
}

TEST(Line, is_measured_in_characters) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "\xc3\xa4";
  EXPECT_TRUE(is_line(text, 50, Emptiness::refused));
  EXPECT_FALSE(is_line(text + "b", 50, Emptiness::refused));
}

}  // namespace
}  // namespace klieg::studio
