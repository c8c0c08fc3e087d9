#include "studio/secret.h"

#include <gtest/gtest.h>

#include <set>

namespace klieg::studio {
namespace {

constexpr SecretKind kinds[] = {SecretKind::session, SecretKind::api_token, SecretKind::invite, SecretKind::stream_key};

TEST(Secret, is_known_for_what_it_is_and_for_nothing_else) {
  for (const SecretKind kind : kinds) {
    const std::string secret = new_secret(kind);
    for (const SecretKind other : kinds) EXPECT_EQ(is_secret(other, secret), other == kind) << secret;
    EXPECT_FALSE(is_secret(kind, secret + "a"));
    EXPECT_FALSE(is_secret(kind, secret.substr(0, secret.size() - 1)));
    EXPECT_FALSE(is_secret(kind, secret.substr(0, secret.size() - 1) + "'"));
    EXPECT_FALSE(is_secret(kind, ""));
  }
}

TEST(Secret, no_two_are_the_same_and_neither_are_their_digests) {
  std::set<std::string> secrets, digests;
  for (int i = 0; i < 1'000; ++i) {
    const std::string secret = new_secret(SecretKind::stream_key);
    secrets.insert(secret);
    digests.insert(std::string(digest_of(secret).text()));
  }
  EXPECT_EQ(secrets.size(), 1'000u);
  EXPECT_EQ(digests.size(), 1'000u);
}

TEST(Secret, a_digest_is_the_same_each_time_and_does_not_show_its_secret) {
  EXPECT_EQ(digest_of("klieg_key_x"), digest_of("klieg_key_x"));
  EXPECT_EQ(digest_of("klieg_key_x").size(), digest_size);
  EXPECT_FALSE(digest_of("klieg_key_x").text().contains("klieg"));
}

TEST(CsrfToken, is_of_one_session_alone) {
  const std::string session = new_secret(SecretKind::session), other = new_secret(SecretKind::session);
  const std::string token = csrf_token_of(session);
  EXPECT_TRUE(is_csrf_token_of(session, token));
  EXPECT_FALSE(is_csrf_token_of(other, token));
  EXPECT_FALSE(is_csrf_token_of(session, ""));
  EXPECT_FALSE(is_csrf_token_of(session, token + "a"));
  EXPECT_FALSE(is_csrf_token_of(session, session));
  EXPECT_NE(token, csrf_token_of(other));
}

}  // namespace
}  // namespace klieg::studio
