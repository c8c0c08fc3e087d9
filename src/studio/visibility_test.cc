#include "studio/visibility.h"

#include <gtest/gtest.h>

namespace klieg::studio {
namespace {

TEST(Visibility, words_come_back) {
  for (const char* word : {"public", "unlisted", "private"}) EXPECT_EQ(word_of(*visibility_of(word)), word);
  EXPECT_EQ(visibility_of("Public"), std::nullopt);
}

TEST(Visibility, whose_it_is_may_always_watch) {
  for (const auto visibility : {Visibility::everyone, Visibility::with_link, Visibility::guests}) {
    EXPECT_EQ(judge(visibility, {.owns_it = true}), MayWatch::yes);
  }
}

TEST(Visibility, public_is_for_everyone) {
  EXPECT_EQ(judge(Visibility::everyone, {}), MayWatch::yes);
  EXPECT_EQ(judge(Visibility::everyone, {.is_blocked = true}), MayWatch::yes);
}

TEST(Visibility, unlisted_is_for_who_has_the_link) {
  EXPECT_EQ(judge(Visibility::with_link, {.has_link = true}), MayWatch::yes);
  EXPECT_EQ(judge(Visibility::with_link, {.is_guest = true}), MayWatch::not_there);
  EXPECT_EQ(judge(Visibility::with_link, {.has_link = true, .is_blocked = true}), MayWatch::not_there);
}

TEST(Visibility, private_is_for_guests_whoever_has_the_link) {
  EXPECT_EQ(judge(Visibility::guests, {.is_guest = true}), MayWatch::yes);
  EXPECT_EQ(judge(Visibility::guests, {.has_link = true}), MayWatch::not_there);
  EXPECT_EQ(judge(Visibility::guests, {.is_guest = true, .is_blocked = true}), MayWatch::not_there);
  EXPECT_EQ(judge(Visibility::guests, {}), MayWatch::not_there);
}

}  // namespace
}  // namespace klieg::studio
