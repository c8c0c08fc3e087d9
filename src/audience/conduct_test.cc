#include "audience/conduct.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klieg::audience {
namespace {

using media::AccountId;
using media::Refusal;
using media::Standing;
using media::Visibility;
using media::WhoMayComment;

constexpr LoopTime start = LoopTime(1000s);
constexpr WallTime wall = WallTime(1'764'000'000s);
const media::Person stranger{AccountId{1}, "Ada", Standing::stranger};
const media::Person follower{AccountId{2}, "Ben", Standing::follower};
const media::Person moderator{AccountId{3}, "Cyd", Standing::moderator};

// What the room says to it: a refusal's name is its number.
std::string verdict(Conduct& conduct, const media::Person& author, LoopTime now = start,
                    std::string_view text = "hello", std::optional<uint32_t> came_as = 0) {
  const auto judged = conduct.judge(author, text, came_as, now, wall + (now - start));
  if (!judged) return "refused " + std::to_string(static_cast<int>(judged.error()));
  return *judged == Visibility::shown ? "shown" : "held";
}
std::string refused(Refusal refusal) { return "refused " + std::to_string(static_cast<int>(refusal)); }

TEST(Conduct, everyone_with_a_name_may_comment) {
  Conduct conduct;
  EXPECT_EQ(verdict(conduct, stranger), "shown");
  EXPECT_EQ(verdict(conduct, {}), refused(Refusal::nameless));
}

TEST(Conduct, the_rules_say_who_may_and_moderators_always_may) {
  Conduct conduct;
  conduct.set_rules({.who = WhoMayComment::followers});
  EXPECT_EQ(verdict(conduct, stranger), refused(Refusal::not_follower));
  EXPECT_EQ(verdict(conduct, follower), "shown");
  conduct.set_rules({.who = WhoMayComment::first, .first = 100});
  EXPECT_EQ(verdict(conduct, stranger, start, "hello", 99), "shown");
  EXPECT_EQ(verdict(conduct, follower, start, "hello", 100), refused(Refusal::not_first));
  EXPECT_EQ(verdict(conduct, follower, start, "hello", std::nullopt), refused(Refusal::not_first));
  conduct.set_rules({.who = WhoMayComment::nobody});
  EXPECT_EQ(verdict(conduct, follower), refused(Refusal::not_now));
  EXPECT_EQ(verdict(conduct, moderator), "shown");
}

TEST(Conduct, slow_mode_has_everyone_wait_between_two) {
  Conduct conduct;
  conduct.set_rules({.slow = 30s});
  EXPECT_EQ(verdict(conduct, stranger), "shown");
  EXPECT_EQ(verdict(conduct, stranger, start + 29s), refused(Refusal::too_soon));
  EXPECT_EQ(verdict(conduct, follower, start + 29s), "shown");
  EXPECT_EQ(verdict(conduct, stranger, start + 30s), "shown");
  EXPECT_EQ(verdict(conduct, moderator), "shown");
  EXPECT_EQ(verdict(conduct, moderator, start + 1s), "shown");
}

TEST(Conduct, nobody_types_faster_than_anybody_can) {
  Conduct conduct;
  for (const media::Person& author : {stranger, moderator}) {
    for (uint32_t i = 0; i < ConductLimits().burst_max; ++i) EXPECT_EQ(verdict(conduct, author), "shown");
    EXPECT_EQ(verdict(conduct, author), refused(Refusal::too_much));
    EXPECT_EQ(verdict(conduct, author, start + 500ms), "shown");
  }
}

TEST(Conduct, who_is_barred_is_so_until_then) {
  Conduct conduct;
  conduct.bar(stranger.account, wall + 60s, wall);
  conduct.bar(follower.account, WallTime::max(), wall);
  EXPECT_EQ(verdict(conduct, stranger, start + 59s), refused(Refusal::timed_out));
  EXPECT_EQ(verdict(conduct, stranger, start + 60s), "shown");
  EXPECT_EQ(verdict(conduct, follower, start + 60s), refused(Refusal::banned));
  conduct.bar(follower.account, WallTime::min(), wall);
  EXPECT_EQ(verdict(conduct, follower, start + 60s), "shown");
}

TEST(Conduct, those_whose_time_is_over_make_room_for_others) {
  Conduct conduct({.barred_max = 2});
  EXPECT_TRUE(conduct.bar(AccountId{1}, wall + 1s, wall));
  EXPECT_TRUE(conduct.bar(AccountId{2}, wall + 60s, wall));
  EXPECT_FALSE(conduct.bar(AccountId{3}, wall + 60s, wall));
  EXPECT_TRUE(conduct.bar(AccountId{3}, wall + 60s, wall + 1s));
}

TEST(Conduct, so_many_are_remembered_and_those_who_are_quiet_make_room) {
  Conduct conduct({.talkers_max = 2});
  EXPECT_EQ(verdict(conduct, stranger), "shown");
  EXPECT_EQ(verdict(conduct, follower), "shown");
  EXPECT_EQ(verdict(conduct, moderator), refused(Refusal::busy));
  EXPECT_EQ(verdict(conduct, moderator, start + 1s), "shown");
}

TEST(Conduct, a_word_of_the_filter_is_refused_or_held) {
  Conduct conduct;
  conduct.set_words({"badword", "два слова"});
  EXPECT_EQ(verdict(conduct, stranger, start, "a BádWord!"), refused(Refusal::word));
  EXPECT_EQ(verdict(conduct, stranger, start, "Ｂａｄｗｏｒｄ"), refused(Refusal::word));
  EXPECT_EQ(verdict(conduct, stranger, start, "это ДВА СЛОВА."), refused(Refusal::word));
  EXPECT_EQ(verdict(conduct, stranger, start, "badwords are not a badworded thing"), "shown");
  EXPECT_EQ(verdict(conduct, moderator, start, "badword"), "shown");
  conduct.set_rules({.review = media::Review::filtered});
  EXPECT_EQ(verdict(conduct, follower, start, "badword"), "held");
  EXPECT_EQ(verdict(conduct, follower, start, "good"), "shown");
  conduct.set_rules({.review = media::Review::everything});
  EXPECT_EQ(verdict(conduct, follower, start, "good"), "held");
  conduct.set_words({});
  conduct.set_rules({});
  EXPECT_EQ(verdict(conduct, follower, start, "badword"), "shown");
}

TEST(WordFilter, finds_words_of_a_script_without_spaces_wherever_they_stand) {
  WordFilter filter;
  filter.set({"馬鹿", "", "\u200B"});
  EXPECT_TRUE(filter.finds("お前は馬鹿だ"));
  EXPECT_FALSE(filter.finds("馬と鹿"));
}

RC_GTEST_PROP(Conduct, nobody_comments_more_than_the_limits_allow, ()) {
  Conduct conduct;
  const ConductLimits limits;
  LoopTime now = start;
  uint64_t shown = 0;
  for (const uint16_t step : *rc::gen::container<std::vector<uint16_t>>(rc::gen::inRange<uint16_t>(0, 700))) {
    now += std::chrono::milliseconds(step);
    if (verdict(conduct, stranger, now) == "shown") ++shown;
  }
  RC_ASSERT(shown <= limits.burst_max + static_cast<uint64_t>((now - start) / limits.comment_every));
}

}  // namespace
}  // namespace klieg::audience
