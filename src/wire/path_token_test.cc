#include "wire/path_token.h"

#include <gtest/gtest.h>

#include <string>

namespace klieg::wire {
namespace {

const PathKey key("a secret of all nodes");
constexpr WallTime noon{1'800'000'000s};

std::string sign(const PathKey& with, std::string_view name, uint64_t viewer, WallTime expires) {
  return with.sign(name, {.viewer = viewer, .issued = noon - 60s, .expires = expires});
}
PathTrust judge(const PathKey& with, std::string_view token, std::string_view name, WallTime now) {
  return with.judge(token, name, now).trust;
}

TEST(PathToken, is_for_its_name_until_it_expires) {
  const std::string token = sign(key, "ada", 7, noon + 60s);
  EXPECT_EQ(judge(key, token, "ada", noon), PathTrust::trusted);
  EXPECT_EQ(judge(key, token, "ada", noon + 59s), PathTrust::trusted);
  EXPECT_EQ(judge(key, token, "ada", noon + 60s), PathTrust::expired);
  EXPECT_EQ(judge(key, token, "ad", noon), PathTrust::wrong);
  EXPECT_EQ(judge(key, token, "bob", noon), PathTrust::wrong);
}

TEST(PathToken, is_not_made_by_who_has_another_secret_or_none) {
  const std::string token = sign(PathKey("another secret"), "ada", 7, noon + 60s);
  EXPECT_EQ(judge(key, token, "ada", noon), PathTrust::wrong);
  // Anybody can make the key of no secret: a node without one trusts nobody.
  EXPECT_EQ(judge(PathKey(""), sign(key, "ada", 7, noon + 60s), "ada", noon), PathTrust::wrong);
}

TEST(PathToken, is_worth_nothing_with_any_of_its_characters_changed) {
  const std::string token = sign(key, "ada", 7, noon + 60s);
  for (size_t i = 0; i < token.size(); ++i) {
    for (const char other : std::string_view("0Az9._-/")) {
      if (token[i] == other) continue;
      std::string changed = token;
      changed[i] = other;
      EXPECT_EQ(judge(key, changed, "ada", noon), PathTrust::wrong) << changed;
    }
    EXPECT_EQ(judge(key, token.substr(0, i), "ada", noon), PathTrust::wrong);
  }
  EXPECT_EQ(judge(key, token + "A", "ada", noon), PathTrust::wrong);
}

TEST(PathToken, that_is_forged_is_not_told_that_its_time_is_over) {
  std::string token = sign(key, "ada", 7, noon);
  token.back() = token.back() == 'A' ? 'Q' : 'A';
  EXPECT_EQ(judge(key, token, "ada", noon + 60s), PathTrust::wrong);
}

TEST(PathToken, stands_before_the_path) {
  const std::string token = sign(key, "ada", 0, noon);
  const std::string path = "/t/" + token + "/live/ada/1.2/video-3.m4s";
  const auto parsed = parse_token_path(path);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->token, token);
  EXPECT_EQ(parsed->name, "ada");
  EXPECT_EQ(parsed->path, "/live/ada/1.2/video-3.m4s");
}

TEST(PathToken, says_for_whom_it_is_and_since_when) {
  const auto guest = guest_of(key.sign("ada", {.viewer = 7, .issued = noon, .expires = noon + 60s + 1ms}));
  ASSERT_TRUE(guest);
  EXPECT_EQ(guest->viewer, 7u);
  EXPECT_EQ(guest->issued, noon);
  EXPECT_EQ(guest->expires, noon + 60s);
  EXPECT_FALSE(guest_of("0123abcd.1.2.3.AAAAAAAAAAAAAAAAAAAAA"));
  EXPECT_FALSE(guest_of("0123abcd.1.99999999999.3.AAAAAAAAAAAAAAAAAAAAAA")) << "no clock says so";
}

TEST(PathToken, stands_before_the_page_that_plays) {
  const std::string prefix = "/t/" + sign(key, "ada", 0, noon);
  for (const char* page : {"/@ada", "/@ada/"}) {
    const std::string path = prefix + page;
    const auto parsed = parse_token_path(path);
    ASSERT_TRUE(parsed) << page;
    EXPECT_EQ(parsed->name, "ada") << page;
    EXPECT_EQ(parsed->path, page);
    EXPECT_TRUE(is_page_of(*parsed)) << page;
  }
  const std::string media = prefix + "/live/ada/index.m3u8";
  EXPECT_FALSE(is_page_of(*parse_token_path(media)));
  EXPECT_EQ(path_behind_token(media), "/live/ada/index.m3u8");
  EXPECT_EQ(path_behind_token("/live/ada/index.m3u8"), "/live/ada/index.m3u8");
}

TEST(PathToken, stands_before_nothing_else) {
  const std::string token = sign(key, "ada", 0, noon);
  for (const std::string& path :
       {"/live/ada/index.m3u8", "/t/", "/t/live/ada/index.m3u8", "/t/x/live/ada/index.m3u8"}) {
    EXPECT_FALSE(parse_token_path(path)) << path;
  }
  for (const char* behind : {"", "/", "/live", "/live/", "/live/ada", "/live//index.m3u8", "/.klieg/topic/live/ada",
                             "/@", "/@ada/b", "/embed/@ada", "/studio"}) {
    const std::string path = "/t/" + token + behind;
    const auto parsed = parse_token_path(path);
    ASSERT_TRUE(parsed) << behind;
    EXPECT_EQ(parsed->name, "") << behind;
  }
}

}  // namespace
}  // namespace klieg::wire
