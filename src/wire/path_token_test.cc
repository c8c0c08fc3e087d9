#include "wire/path_token.h"

#include <gtest/gtest.h>

#include <string>

namespace klieg::wire {
namespace {

const PathKey key("a secret of all nodes");
constexpr WallTime noon{1'800'000'000s};

TEST(PathToken, is_for_its_name_until_it_expires) {
  const std::string token = key.sign("ada", 7, noon + 60s);
  EXPECT_EQ(key.judge(token, "ada", noon), PathTrust::trusted);
  EXPECT_EQ(key.judge(token, "ada", noon + 59s), PathTrust::trusted);
  EXPECT_EQ(key.judge(token, "ada", noon + 60s), PathTrust::expired);
  EXPECT_EQ(key.judge(token, "ad", noon), PathTrust::wrong);
  EXPECT_EQ(key.judge(token, "bob", noon), PathTrust::wrong);
}

TEST(PathToken, is_not_made_by_who_has_another_secret_or_none) {
  const std::string token = PathKey("another secret").sign("ada", 7, noon + 60s);
  EXPECT_EQ(key.judge(token, "ada", noon), PathTrust::wrong);
  // Anybody can make the key of no secret: a node without one trusts nobody.
  EXPECT_EQ(PathKey("").judge(key.sign("ada", 7, noon + 60s), "ada", noon), PathTrust::wrong);
}

TEST(PathToken, is_worth_nothing_with_any_of_its_characters_changed) {
  const std::string token = key.sign("ada", 7, noon + 60s);
  for (size_t i = 0; i < token.size(); ++i) {
    for (const char other : std::string_view("0Az9._-/")) {
      if (token[i] == other) continue;
      std::string changed = token;
      changed[i] = other;
      EXPECT_EQ(key.judge(changed, "ada", noon), PathTrust::wrong) << changed;
    }
    EXPECT_EQ(key.judge(token.substr(0, i), "ada", noon), PathTrust::wrong);
  }
  EXPECT_EQ(key.judge(token + "A", "ada", noon), PathTrust::wrong);
}

TEST(PathToken, that_is_forged_is_not_told_that_its_time_is_over) {
  std::string token = key.sign("ada", 7, noon);
  token.back() = token.back() == 'A' ? 'Q' : 'A';
  EXPECT_EQ(key.judge(token, "ada", noon + 60s), PathTrust::wrong);
}

TEST(PathToken, stands_before_the_path) {
  const std::string token = key.sign("ada", 0, noon);
  const std::string path = "/t/" + token + "/live/ada/1.2/video-3.m4s";
  const auto parsed = parse_token_path(path);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->token, token);
  EXPECT_EQ(parsed->name, "ada");
  EXPECT_EQ(parsed->path, "/live/ada/1.2/video-3.m4s");
}

TEST(PathToken, stands_before_nothing_but_what_is_live) {
  const std::string token = key.sign("ada", 0, noon);
  for (const std::string& path :
       {"/live/ada/index.m3u8", "/t/", "/t/live/ada/index.m3u8", "/t/x/live/ada/index.m3u8"}) {
    EXPECT_FALSE(parse_token_path(path)) << path;
  }
  for (const char* behind : {"", "/", "/live", "/live/", "/live/ada", "/live//index.m3u8", "/.klieg/topic/live/ada"}) {
    EXPECT_FALSE(parse_token_path("/t/" + token + behind)) << behind;
  }
}

}  // namespace
}  // namespace klieg::wire
