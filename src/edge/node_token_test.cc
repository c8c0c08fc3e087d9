#include "edge/node_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klieg::edge {
namespace {

constexpr WallTime noon(1'700'000'000s);
constexpr std::string_view target = "/live/ada/x.1/video-1.m4s?a=b";

const NodeSecret ours("a secret of sixteen");

NodeTrust trust_in(std::string_view token, std::string_view method = "GET", std::string_view asked = target,
                   WallTime now = noon) {
  return ours.judge(token, method, asked, now).trust;
}

TEST(NodeToken, who_knows_the_secret_is_trusted_by_name) {
  const std::string token = ours.token("fra-1", "GET", target, noon);
  EXPECT_THAT(token, testing::StartsWith("id=fra-1, t=1700000000, mac=:"));
  const auto judged = ours.judge(token, "GET", target, noon);
  EXPECT_EQ(judged.trust, NodeTrust::trusted);
  EXPECT_EQ(judged.id, "fra-1");
}

// From another implementation: printf "klieg-node\nGET\n/a?b\n1700000000\nfra-1" | openssl dgst -sha256 -hmac KEY
TEST(NodeToken, is_what_others_would_compute) {
  EXPECT_EQ(NodeSecret("0123456789abcdef").token("fra-1", "GET", "/a?b", noon),
            "id=fra-1, t=1700000000, mac=:Rv9JO4bzimS9HbtA0WPfL+PYMYoyGgfZYmk7e16Evsc=:");
}

TEST(NodeToken, is_for_one_request) {
  const std::string token = ours.token("fra-1", "GET", target, noon);
  EXPECT_EQ(trust_in(token, "PUT"), NodeTrust::wrong);
  EXPECT_EQ(trust_in(token, "GET", "/live/ada/x.1/video-2.m4s?a=b"), NodeTrust::wrong);
  EXPECT_EQ(trust_in(token, "GET", "/live/ada/x.1/video-1.m4s"), NodeTrust::wrong);
}

TEST(NodeToken, cannot_be_made_over_for_another_name_or_time) {
  std::string token = ours.token("fra-1", "GET", target, noon);
  token.replace(token.find("fra-1"), 5, "fra-2");
  EXPECT_EQ(trust_in(token), NodeTrust::wrong);
  token = ours.token("fra-1", "GET", target, noon);
  token.replace(token.find("1700000000"), 10, "1700000001");
  EXPECT_EQ(trust_in(token), NodeTrust::wrong);
}

TEST(NodeToken, lives_a_minute_in_either_direction) {
  const std::string token = ours.token("fra-1", "GET", target, noon);
  EXPECT_EQ(trust_in(token, "GET", target, noon + 60s), NodeTrust::trusted);
  EXPECT_EQ(trust_in(token, "GET", target, noon - 60s), NodeTrust::trusted);
  EXPECT_EQ(trust_in(token, "GET", target, noon + 61s), NodeTrust::stale);
  EXPECT_EQ(trust_in(token, "GET", target, noon - 61s), NodeTrust::stale);
  EXPECT_EQ(ours.judge(token, "GET", target, noon + 3600s).id, "fra-1") << "whose clock is to be put right";
}

TEST(NodeToken, of_another_secret_is_wrong_and_nobody_is_named) {
  const auto judged =
      ours.judge(NodeSecret("another secret altogether").token("fra-1", "GET", target, noon), "GET", target, noon);
  EXPECT_EQ(judged.trust, NodeTrust::wrong);
  EXPECT_EQ(judged.id, "");
}

TEST(NodeToken, without_a_secret_nobody_is_believed_and_nothing_is_said) {
  const NodeSecret none("");
  EXPECT_EQ(none.token("fra-1", "GET", target, noon), "");
  EXPECT_EQ(none.judge(std::nullopt, "GET", target, noon).trust, NodeTrust::absent);
  EXPECT_EQ(none.judge(ours.token("fra-1", "GET", target, noon), "GET", target, noon).trust, NodeTrust::wrong);
  // HMAC with an empty key is what anybody can compute.
  EXPECT_EQ(
      none.judge("id=fra-1, t=1700000000, mac=:yVfozoA/bq1e389ztT13BmbhV6jIT8s4JliqJC6u1EY=:", "GET", "/a?b", noon)
          .trust,
      NodeTrust::wrong);
}

TEST(NodeToken, what_is_no_token_is_malformed) {
  EXPECT_EQ(ours.judge(std::nullopt, "GET", target, noon).trust, NodeTrust::absent);
  EXPECT_EQ(trust_in(""), NodeTrust::absent);
  const std::string whole = ours.token("fra-1", "GET", target, noon);
  for (const std::string& token :
       {std::string("trust me"), std::string("id=fra-1, t=1700000000"), std::string("id=\"fra-1\", t=1, mac=:AA==:"),
        std::string("id=fra-1, t=1.5, mac=:AA==:"), std::string("id=fra-1, t=1, mac=AA"), whole + ",",
        "id=" + std::string(65, 'a') + ", t=1, mac=:AA==:"}) {
    EXPECT_EQ(trust_in(token), NodeTrust::malformed) << token;
  }
  EXPECT_EQ(trust_in("id=fra-1, t=1700000000, mac=:AA==:"), NodeTrust::wrong) << "a short proof is none";
  EXPECT_EQ(trust_in("id=fra-1, t=-999999999999999, mac=:AA==:"), NodeTrust::wrong);
}

RC_GTEST_PROP(NodeToken, a_letter_that_changes_breaks_it, ()) {
  std::string token = ours.token("fra-1", "GET", target, noon);
  const auto at = *rc::gen::inRange<size_t>(0, token.size());
  const char letter = *rc::gen::inRange<char>(' ', '~');
  // "...X=:": two bits of X mean nothing, so the same proof has several spellings there.
  RC_PRE(token[at] != letter && at != token.size() - 3);
  token[at] = letter;
  const NodeTrust trust = trust_in(token);
  RC_ASSERT(trust == NodeTrust::wrong || trust == NodeTrust::malformed);
}

}  // namespace
}  // namespace klieg::edge
