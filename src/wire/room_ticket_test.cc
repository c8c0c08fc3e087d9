#include "wire/room_ticket.h"

#include <gtest/gtest.h>

#include <string>

#include "wire/path_token.h"

namespace klieg::wire {
namespace {

constexpr WallTime noon{1'800'000'000s};
const RoomTicketKey key("a secret of all nodes");
const media::Person bob{media::AccountId{12}, "bob", media::Standing::follower};

ClaimTrust judge(std::string_view ticket, std::string_view channel, WallTime now, const RoomTicketKey& by = key) {
  return by.judge(ticket, channel, now).trust;
}

TEST(RoomTicket, says_who_somebody_is_in_one_room_until_it_expires) {
  const std::string ticket = key.sign("ada", bob, noon + 60s);
  EXPECT_EQ(judge(ticket, "ada", noon), ClaimTrust::trusted);
  EXPECT_EQ(key.judge(ticket, "ada", noon).person, bob);
  EXPECT_EQ(judge(ticket, "ada", noon + 59s), ClaimTrust::trusted);
  EXPECT_EQ(judge(ticket, "ada", noon + 60s), ClaimTrust::expired);
  EXPECT_EQ(judge(ticket, "ad", noon), ClaimTrust::wrong);
  EXPECT_EQ(judge(ticket, "cyd", noon), ClaimTrust::wrong);
}

TEST(RoomTicket, is_not_made_by_who_has_another_secret_or_none) {
  const std::string ticket = key.sign("ada", bob, noon + 60s);
  EXPECT_EQ(judge(ticket, "ada", noon, RoomTicketKey("another")), ClaimTrust::wrong);
  EXPECT_EQ(judge(ticket, "ada", noon, RoomTicketKey("")), ClaimTrust::wrong);
}

TEST(RoomTicket, is_worth_nothing_with_any_of_its_characters_changed) {
  const std::string ticket = key.sign("ada", bob, noon + 60s);
  for (size_t i = 0; i < ticket.size(); ++i) {
    for (const char other : std::string_view("0Az9._-/")) {
      if (ticket[i] == other) continue;
      std::string changed = ticket;
      changed[i] = other;
      EXPECT_EQ(judge(changed, "ada", noon), ClaimTrust::wrong) << changed;
    }
    EXPECT_EQ(judge(ticket.substr(0, i), "ada", noon), ClaimTrust::wrong);
  }
  EXPECT_EQ(judge(ticket + "A", "ada", noon), ClaimTrust::wrong);
  std::string promoted = ticket;
  promoted.replace(promoted.find("follower"), 8, "moderator");
  EXPECT_EQ(judge(promoted, "ada", noon), ClaimTrust::wrong);
}

TEST(RoomTicket, that_is_forged_is_not_told_that_its_time_is_over) {
  std::string ticket = key.sign("ada", bob, noon);
  ticket.back() = ticket.back() == 'A' ? 'Q' : 'A';
  EXPECT_EQ(judge(ticket, "ada", noon + 60s), ClaimTrust::wrong);
}

TEST(RoomTicket, is_no_token_for_a_path_nor_the_other_way_round) {
  const PathKey path_key("a secret of all nodes");
  const std::string token = path_key.sign("ada", {.viewer = 12, .issued = noon, .expires = noon + 60s});
  EXPECT_EQ(judge(token, "ada", noon), ClaimTrust::wrong);
  EXPECT_EQ(path_key.judge(key.sign("ada", bob, noon + 60s), "ada", noon).trust, ClaimTrust::wrong);
  // Also where the fields would be read as the other's.
  EXPECT_FALSE(ClaimKey("a secret of all nodes", "klieg-path")
                   .made(ClaimKey("a secret of all nodes", "klieg-room").sign("ada", "1.2.3"), "ada"));
}

TEST(RoomTicket, is_of_an_account_with_a_name_of_bounded_size) {
  const ClaimKey signs("a secret of all nodes", "klieg-room");
  const auto judged = [&](const std::string& fields) { return judge(signs.sign("ada", fields), "ada", noon); };
  EXPECT_EQ(judged("1800000060.12.follower.bob"), ClaimTrust::trusted);
  EXPECT_EQ(judged("1800000060.0.follower.bob"), ClaimTrust::wrong) << "nobody";
  EXPECT_EQ(judged("1800000060.4503599627370496.follower.bob"), ClaimTrust::wrong) << "a guest";
  EXPECT_EQ(judged("1800000060.012.follower.bob"), ClaimTrust::wrong);
  EXPECT_EQ(judged("1800000060.12.operator.bob"), ClaimTrust::wrong);
  EXPECT_EQ(judged("1800000060.12.follower."), ClaimTrust::wrong);
  EXPECT_EQ(judged("1800000060.12.follower." + std::string(65, 'b')), ClaimTrust::wrong);
  EXPECT_EQ(judged("99999999999.12.follower.bob"), ClaimTrust::wrong) << "no clock says so";
}

TEST(RoomTicket, is_found_in_a_query) {
  EXPECT_EQ(room_ticket_in("ticket=a.b"), "a.b");
  EXPECT_EQ(room_ticket_in("x=1&ticket=a.b&y"), "a.b");
  EXPECT_EQ(room_ticket_in("ticket="), "");
  EXPECT_EQ(room_ticket_in("xticket=a.b"), std::nullopt);
  EXPECT_EQ(room_ticket_in(""), std::nullopt);
}

}  // namespace
}  // namespace klieg::wire
