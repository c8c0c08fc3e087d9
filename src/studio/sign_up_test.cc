#include "studio/sign_up.h"

#include <gtest/gtest.h>

namespace klieg::studio {
namespace {

constexpr WallTime now = WallTime(1'800'000'000s);
constexpr Invite good = {.id = 1, .made_by = 2, .uses_left = 1, .created = now, .expires = now + 1s};

TEST(SignUp, is_open_to_all_or_to_nobody) {
  for (const Offered offered : {Offered::no, Offered::yes}) {
    EXPECT_EQ(judge(SignUpPolicy::open, offered, std::nullopt, now), SignUpIs::allowed);
    EXPECT_EQ(judge(SignUpPolicy::closed, offered, good, now), SignUpIs::closed);
  }
}

TEST(SignUp, by_invite_takes_one_that_is_still_good) {
  EXPECT_EQ(judge(SignUpPolicy::invite, Offered::yes, good, now), SignUpIs::allowed);
  EXPECT_EQ(judge(SignUpPolicy::invite, Offered::no, std::nullopt, now), SignUpIs::needs_invite);
  EXPECT_EQ(judge(SignUpPolicy::invite, Offered::yes, std::nullopt, now), SignUpIs::invite_is_over);
  EXPECT_EQ(judge(SignUpPolicy::invite, Offered::yes, good, now + 1s), SignUpIs::invite_is_over);
  Invite used = good;
  used.uses_left = 0;
  EXPECT_EQ(judge(SignUpPolicy::invite, Offered::yes, used, now), SignUpIs::invite_is_over);
}

TEST(SignUp, policies_are_words) {
  EXPECT_EQ(sign_up_policy_of("open"), SignUpPolicy::open);
  EXPECT_EQ(sign_up_policy_of("invite"), SignUpPolicy::invite);
  EXPECT_EQ(sign_up_policy_of("closed"), SignUpPolicy::closed);
  EXPECT_EQ(sign_up_policy_of("Open"), std::nullopt);
}

}  // namespace
}  // namespace klieg::studio
