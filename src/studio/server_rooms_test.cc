#include <gtest/gtest.h>

#include "studio/server_test.h"
#include "wire/room_ticket.h"

namespace klieg::studio {
namespace {

using ApiOfRooms = Api;

TEST_F(ApiOfRooms, moderators_are_appointed_by_name_and_dismissed) {
  const Browser ada = sign_up("ada"), bob = sign_up("bob");
  for (int time = 0; time < 2; ++time) EXPECT_EQ(ask(ada, put, "/moderators/bob").status, 204);
  EXPECT_EQ(ask(ada, get, "/moderators").body, Json::parse(R"({"items":[{"name":"bob","display_name":"The bob"}]})"));
  EXPECT_EQ(ask(bob, get, "/moderators").body["items"].size(), 0u) << "of one's own rooms";
  for (int time = 0; time < 2; ++time) EXPECT_EQ(ask(ada, delete_, "/moderators/bob").status, 204);
  EXPECT_EQ(ask(ada, get, "/moderators").body["items"].size(), 0u);
  EXPECT_EQ(ask(ada, put, "/moderators/ada").status, 404) << "oneself";
  EXPECT_EQ(ask(ada, put, "/moderators/nobody").status, 404);
  EXPECT_EQ(ask(put, "/moderators/bob").status, 401);
  EXPECT_EQ(stage.people_changed_of, std::vector<std::string>(4, "ada")) << "rooms are told at once";
}

TEST_F(ApiOfRooms, a_ticket_says_who_one_is_in_the_room_that_it_was_asked_for) {
  const Browser ada = sign_up("ada"), bob = sign_up("bob");
  const wire::RoomTicketKey key("a secret of all nodes");
  const auto judged = [&](const Browser& by, const std::string& channel) {
    const Answered made = ask(by, post, "/rooms/" + channel + "/ticket");
    EXPECT_EQ(made.status, 200);
    EXPECT_EQ(made.body["for_s"], 120);
    const std::string ticket = made.body["ticket"];
    EXPECT_EQ(key.judge(ticket, "cyd", loop.wall_now()).trust, wire::ClaimTrust::wrong);
    EXPECT_EQ(key.judge(ticket, channel, loop.wall_now() + 121s).trust, wire::ClaimTrust::expired);
    return key.judge(ticket, channel, loop.wall_now()).person;
  };
  const media::AccountId account_of_bob{2};
  EXPECT_EQ(judged(bob, "ada"), (media::Person{account_of_bob, "bob", media::Standing::stranger}));
  ASSERT_EQ(ask(bob, put, "/people/ada/follow").status, 204);
  EXPECT_EQ(judged(bob, "ada").standing, media::Standing::follower);
  ASSERT_EQ(ask(ada, put, "/moderators/bob").status, 204);
  EXPECT_EQ(judged(bob, "ada").standing, media::Standing::moderator);
  EXPECT_EQ(judged(ada, "ada").standing, media::Standing::broadcaster);
  EXPECT_EQ(judged(bob, "radio").standing, media::Standing::stranger) << "a channel without an account";
  EXPECT_EQ(ask(bob, post, "/rooms/nobody/ticket").status, 404);
  EXPECT_EQ(ask(bob, post, "/rooms/A%0A/ticket").status, 404);
  EXPECT_EQ(ask(post, "/rooms/ada/ticket").status, 401);
}

TEST_F(ApiOfRooms, who_is_banned_is_listed_until_the_ban_is_lifted_and_rooms_are_told_at_once) {
  const Browser ada = sign_up("ada");
  sign_up("bob");
  sign_up("cyd");
  EXPECT_EQ(ask(ada, put, "/bans/bob", {{"reason", "spam"}}).status, 204);
  EXPECT_EQ(ask(ada, put, "/bans/cyd", {{"reason", nullptr}}).status, 204);
  EXPECT_EQ(stage.people_changed_of, (std::vector<std::string>{"ada", "ada"}));
  Call first = call(get, "/bans");
  first.cookies = "klieg_session=" + ada.session;
  first.query = "limit=1";
  const Answered page = ask(std::move(first));
  ASSERT_EQ(page.body["items"].size(), 1u);
  EXPECT_EQ(page.body["items"][0]["name"], "bob");
  EXPECT_EQ(page.body["items"][0]["reason"], "spam");
  EXPECT_EQ(page.body["items"][0]["until"], Json());
  Call next = call(get, "/bans");
  next.cookies = "klieg_session=" + ada.session;
  next.query = "cursor=" + page.body["next"].get<std::string>();
  EXPECT_EQ(ask(std::move(next)).body["items"][0]["name"], "cyd");
  EXPECT_EQ(ask(ada, put, "/moderators/bob").status, 404) << "who is banned keeps no order";
  EXPECT_EQ(ask(ada, delete_, "/bans/bob").status, 204);
  EXPECT_EQ(ask(ada, get, "/bans").body["items"].size(), 1u);
  EXPECT_EQ(ask(ada, put, "/bans/cyd", {{"reason", std::string(201, 'x')}}).code(), "bad_reason");
  EXPECT_EQ(ask(ada, put, "/bans/ada", {{"reason", ""}}).status, 404) << "oneself";
}

}  // namespace
}  // namespace klieg::studio
