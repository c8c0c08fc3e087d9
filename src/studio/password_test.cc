#include "studio/password.h"

#include <gtest/gtest.h>

namespace klieg::studio {
namespace {

TEST(Password, is_long_enough_and_not_what_anybody_would_try) {
  EXPECT_EQ(fault_of("correct horse battery", "anna"), std::nullopt);
  EXPECT_EQ(fault_of("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4", "anna"),
            std::nullopt);
  EXPECT_EQ(fault_of("short", "anna"), PasswordFault::too_short);
  EXPECT_EQ(fault_of("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc", "anna"), PasswordFault::too_short);
  EXPECT_EQ(fault_of(std::string(1'001, 'x') + "y", "anna"), PasswordFault::too_long);
  EXPECT_EQ(fault_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "anna"), PasswordFault::not_utf8);
  EXPECT_EQ(fault_of("aaaaaaaaaaaaaa", "ben"), PasswordFault::is_the_name);
  EXPECT_EQ(fault_of("annabelle123", "annabelle"), PasswordFault::is_the_name);
  EXPECT_EQ(fault_of("anna likes long walks", "anna"), std::nullopt);
}

TEST(Password, its_digest_knows_it_and_no_other) {
  const auto digest = digest_of_password("correct horse battery", no_cost);
  ASSERT_TRUE(digest);
  EXPECT_TRUE(digest->starts_with("$argon2id$")) << *digest;
  EXPECT_EQ(compare("correct horse battery", *digest), PasswordIs::right);
  EXPECT_EQ(compare("correct horse batterz", *digest), PasswordIs::wrong);
  EXPECT_EQ(compare("", *digest), PasswordIs::wrong);
  EXPECT_EQ(compare("anything", "no digest"), PasswordIs::wrong);
}

TEST(Password, two_who_chose_the_same_have_different_digests) {
  EXPECT_NE(digest_of_password("correct horse battery", no_cost), digest_of_password("correct horse battery", no_cost));
}

TEST(Password, a_digest_of_another_cost_is_outdated) {
  const auto digest = digest_of_password("correct horse battery", no_cost);
  EXPECT_FALSE(is_outdated(*digest, no_cost));
  EXPECT_TRUE(is_outdated(*digest, {.passes = 2, .memory = 8192}));
  EXPECT_TRUE(is_outdated("no digest", no_cost));
}

}  // namespace
}  // namespace klieg::studio
