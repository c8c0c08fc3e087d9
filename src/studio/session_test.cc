#include "studio/session.h"

#include <gtest/gtest.h>

namespace klieg::studio {
namespace {

constexpr WallTime start = WallTime(1'800'000'000s);

TEST(Session, lasts_while_it_is_used_and_not_for_ever) {
  EXPECT_EQ(judge({start, start}, start), SessionIs::good);
  EXPECT_EQ(judge({start, start}, start + touch_every), SessionIs::to_be_touched);
  EXPECT_EQ(judge({start, start}, start + idle_max - 1s), SessionIs::to_be_touched);
  EXPECT_EQ(judge({start, start}, start + idle_max), SessionIs::over);
  EXPECT_EQ(judge({start, start + lifetime_max - 1s}, start + lifetime_max - 1s), SessionIs::good);
  EXPECT_EQ(judge({start, start + lifetime_max - 1s}, start + lifetime_max), SessionIs::over);
}

TEST(Session, expires_at_the_moment_it_is_over) {
  for (const SessionTimes& times : {SessionTimes{start, start}, SessionTimes{start, start + lifetime_max - 1s}}) {
    EXPECT_NE(judge(times, expires(times) - 1s), SessionIs::over);
    EXPECT_EQ(judge(times, expires(times)), SessionIs::over);
  }
}

TEST(Session, a_clock_that_was_put_back_ends_none) { EXPECT_EQ(judge({start, start}, start - 3600s), SessionIs::good); }

}  // namespace
}  // namespace klieg::studio
