#include "studio/session_records.h"

#include <gtest/gtest.h>

#include "studio/records_test.h"

namespace klieg::studio {
namespace {

class SessionRecords : public Records {
 protected:
  std::string open(int64_t account, WallTime now = start, const std::string& replaced = "") {
    auto opened = open_session(*database, account, "browser", replaced, now);
    EXPECT_DONE(opened);
    return opened ? *opened : "";
  }
  bool good(const std::string& secret, WallTime now) {
    const auto used = use_session(*database, secret, now);
    EXPECT_DONE(used);
    return used && used->has_value();
  }
};
INSTANTIATE_ON_BOTH_ENGINES(SessionRecords);

TEST_P(SessionRecords, a_session_is_whose_it_is_and_its_secret_is_not_at_rest) {
  const std::string secret = open(anna);
  EXPECT_EQ((**use_session(*database, secret, start)).account.name, "anna");
  auto rows = database->run("SELECT digest, agent FROM sessions");
  EXPECT_FALSE((*rows)[0][0].bytes().text().contains(secret));
  EXPECT_FALSE(good("", start));
  EXPECT_FALSE(good("klieg_session_" + std::string(32, 'x'), start));
}

TEST_P(SessionRecords, logging_in_replaces_the_session_that_the_browser_came_with) {
  const std::string planted = open(ben);
  const std::string secret = open(anna, start, planted);
  EXPECT_NE(secret, planted);
  EXPECT_FALSE(good(planted, start));
  EXPECT_TRUE(good(secret, start));
  const std::string made_up = "klieg_session_" + std::string(32, 'x');  // fixation: chosen by somebody else
  EXPECT_NE(open(anna, start, made_up), made_up);
  EXPECT_FALSE(good(made_up, start));
}

TEST_P(SessionRecords, use_keeps_it_alive_and_is_written_down_now_and_then) {
  const std::string secret = open(anna);
  const auto used = [&] { return count("SELECT max(used_ms) FROM sessions") - to_ms(start.time_since_epoch()); };
  EXPECT_TRUE(good(secret, start + touch_every - 1s));
  EXPECT_EQ(used(), 0);
  WallTime now = start;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(good(secret, now += idle_max - 1s));
  EXPECT_EQ(used(), to_ms(now - start));
  EXPECT_FALSE(good(secret, now + idle_max));
}

TEST_P(SessionRecords, what_is_over_is_swept_and_nothing_else) {
  const std::string old = open(anna);
  const std::string young = open(anna, start + 1s);
  EXPECT_EQ(sweep_sessions(*database, start + idle_max), 1);
  EXPECT_FALSE(good(old, start + 2s));
  EXPECT_TRUE(good(young, start + 2s));
}

TEST_P(SessionRecords, beyond_the_most_the_longest_unused_ends) {
  const std::string first = open(anna), bens = open(ben);
  for (size_t i = 1; i < sessions_max; ++i) open(anna, start + std::chrono::seconds(i));
  EXPECT_TRUE(good(first, start + 60s));
  open(anna, start + 60s);
  EXPECT_FALSE(good(first, start + 60s));
  EXPECT_TRUE(good(bens, start + 60s));
  EXPECT_EQ(count("SELECT count(*) FROM sessions"), static_cast<int64_t>(sessions_max) + 1);
}

TEST_P(SessionRecords, logging_out_ends_it) {
  const std::string secret = open(anna);
  ASSERT_DONE(close_session(*database, secret));
  ASSERT_DONE(close_session(*database, secret));
  EXPECT_FALSE(good(secret, start));
}

TEST_P(SessionRecords, whatever_a_browser_calls_itself_can_be_kept) {
  for (const std::string& agent : {std::string(5'000, 'x'), std::string("\xff\0\n<script>", 11), std::string()}) {
    EXPECT_DONE(open_session(*database, anna, agent, "", start));
  }
}

class TokenRecords : public Records {
 protected:
  Scopes scopes = *Scopes::parse("keys:write rooms:write");
};
INSTANTIATE_ON_BOTH_ENGINES(TokenRecords);

TEST_P(TokenRecords, a_token_may_what_its_scopes_say_until_it_is_revoked) {
  const auto token = make_token(*database, anna, "obs", scopes, std::nullopt, start);
  ASSERT_DONE(token);
  ASSERT_TRUE(*token);
  const auto holder = use_token(*database, (*token)->secret, start);
  ASSERT_DONE(holder);
  ASSERT_TRUE(*holder);
  EXPECT_EQ((*holder)->account.id, anna);
  EXPECT_EQ((*holder)->scopes, scopes);
  EXPECT_EQ(list_tokens(*database, anna)->at(0).used, start);
  EXPECT_EQ(revoke_token(*database, ben, (*token)->id, start), Revoked::not_there);
  EXPECT_EQ(revoke_token(*database, anna, (*token)->id, start), Revoked::yes);
  EXPECT_EQ(revoke_token(*database, anna, (*token)->id, start), Revoked::not_there);
  EXPECT_FALSE(*use_token(*database, (*token)->secret, start));
  EXPECT_TRUE(list_tokens(*database, anna)->empty());
}

TEST_P(TokenRecords, a_token_expires_and_sleeps_while_its_account_is_suspended) {
  const auto token = make_token(*database, anna, "obs", scopes, start + 10s, start);
  EXPECT_TRUE(*use_token(*database, (*token)->secret, start + 9s));
  EXPECT_FALSE(*use_token(*database, (*token)->secret, start + 10s));
  ASSERT_DONE(suspend(*database, anna, Suspension::begins, ben, start));
  EXPECT_FALSE(*use_token(*database, (*token)->secret, start));
  ASSERT_DONE(suspend(*database, anna, Suspension::ends, ben, start));
  EXPECT_TRUE(*use_token(*database, (*token)->secret, start));
}

TEST_P(TokenRecords, there_are_so_many_at_most) {
  for (size_t i = 0; i < tokens_max; ++i) {
    ASSERT_TRUE(*make_token(*database, anna, "obs", scopes, std::nullopt, start));
  }
  EXPECT_FALSE(*make_token(*database, anna, "obs", scopes, std::nullopt, start));
  EXPECT_TRUE(*make_token(*database, ben, "obs", scopes, std::nullopt, start));
}

}  // namespace
}  // namespace klieg::studio
