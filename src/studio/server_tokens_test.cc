#include <gtest/gtest.h>

#include "studio/account_records.h"
#include "studio/secret.h"
#include "studio/server_test.h"
#include "studio/session_records.h"

namespace klieg::studio {
namespace {

TEST_F(Api, a_token_is_shown_once_does_what_its_scopes_say_and_is_revoked) {
  const Browser ada = sign_up("ada"), bob = sign_up("bob");
  const Answered made_it = ask(ada, post, "/tokens", {{"label", "Bot"}, {"scopes", "keys:write"}});
  ASSERT_EQ(made_it.status, 201);
  const std::string secret = made_it.body["secret"];
  EXPECT_TRUE(is_secret(SecretKind::api_token, secret));
  const auto with_it = [&](std::string_view method, const std::string& path, const Json& body = {}) {
    Call made = call(method, path, body);
    made.authorization = "Bearer " + secret;
    return ask(std::move(made)).status;
  };
  EXPECT_EQ(with_it(get, "/keys"), 200);
  EXPECT_EQ(with_it(get, "/tokens"), 403) << "tokens are a person's";
  EXPECT_EQ(with_it(post, "/tokens", {{"label", "more"}, {"scopes", "rooms:write"}}), 403);
  EXPECT_EQ(with_it(get, "/audit"), 403);
  EXPECT_EQ(with_it(post, "/invites", {{"uses", 1}}), 403);

  const Answered list = ask(ada, get, "/tokens");
  ASSERT_EQ(list.body["items"].size(), 1u);
  EXPECT_EQ(list.body["items"][0]["scopes"], "keys:write");
  EXPECT_NE(list.body["items"][0]["used"], Json());
  EXPECT_EQ(ask(bob, get, "/tokens").body["items"].size(), 0u);
  EXPECT_EQ(ask(bob, delete_, "/tokens/1").status, 404) << "another's is not there";
  EXPECT_EQ(ask(ada, delete_, "/tokens/1").status, 204);
  EXPECT_EQ(ask(ada, delete_, "/tokens/1").status, 404);
  EXPECT_EQ(with_it(get, "/keys"), 401);
}

TEST_F(Api, a_token_has_a_name_scopes_and_an_end_that_is_to_come) {
  const Browser ada = sign_up("ada");
  const auto refused = [&](const Json& wanted) { return ask(ada, post, "/tokens", wanted).code(); };
  EXPECT_EQ(refused({{"label", ""}, {"scopes", "keys:write"}}), "bad_label");
  EXPECT_EQ(refused({{"label", "x"}, {"scopes", "keys:write everything"}}), "bad_scopes");
  EXPECT_EQ(refused({{"label", "x"}, {"scopes", ""}}), "bad_scopes");
  EXPECT_EQ(refused({{"label", "x"}, {"scopes", "keys:write"}, {"expires", "2001-01-01T00:00:00Z"}}), "bad_expires");
  EXPECT_EQ(refused({{"label", "x"}, {"scopes", "keys:write"}, {"expires", "soon"}}), "bad_expires");
  const Answered made_it =
      ask(ada, post, "/tokens",
          {{"label", "x"}, {"scopes", "rooms:write keys:write"}, {"expires", "2190-01-01T00:00:00Z"}});
  EXPECT_EQ(made_it.body["expires"], "2190-01-01T00:00:00.000Z");
  EXPECT_EQ(made_it.body["scopes"], "keys:write rooms:write");
}

struct InvitedApi : Api {
  InvitedApi() : Api(SignUpPolicy::invite) {}
};
TEST_F(InvitedApi, lets_in_whom_somebody_has_invited) {
  EXPECT_EQ(ask(post, "/accounts", somebody("bob")).code(), "needs_invite");
  ASSERT_DONE(make_first_account(*beside, {"ada", "Ada", "no digest", {}}, WallTime(1s)));
  const Browser ada{*open_session(*beside, 1, "", "", read_wall_clock()), ""};
  const Browser page{ada.session, csrf_token_of(ada.session)};
  EXPECT_EQ(ask(page, post, "/invites", {{"uses", 0}}).code(), "bad_uses");
  EXPECT_EQ(ask(page, post, "/invites", {{"uses", 101}}).code(), "bad_uses");
  EXPECT_EQ(ask(page, post, "/invites", {{"uses", "1"}}).code(), "bad_body");
  const Answered made_it = ask(page, post, "/invites", {{"uses", 1}});
  ASSERT_EQ(made_it.status, 201);
  Json bob = somebody("bob");
  bob["invite"] = made_it.body["secret"];
  EXPECT_EQ(ask(post, "/accounts", bob).status, 201);
  bob["name"] = "bert";
  EXPECT_EQ(ask(post, "/accounts", bob).code(), "invite_is_over");
}

TEST_F(InvitedApi, who_invited_sees_what_is_good_yet_and_takes_it_back) {
  ASSERT_DONE(make_first_account(*beside, {"ada", "Ada", "no digest", {}}, WallTime(1s)));
  const std::string session = *open_session(*beside, 1, "", "", read_wall_clock());
  const Browser page{session, csrf_token_of(session)};
  EXPECT_EQ(ask(page, get, "/invites").body["items"], Json::array());
  const Answered made_it = ask(page, post, "/invites", {{"uses", 5}});
  const Json items = ask(page, get, "/invites").body["items"];
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0]["id"], made_it.body["id"]);
  EXPECT_EQ(items[0]["uses_left"], 5);
  EXPECT_FALSE(items[0].contains("secret")) << "it was shown once";
  const std::string path = "/invites/" + made_it.body["id"].dump();
  EXPECT_EQ(ask(page, delete_, path).status, 204);
  EXPECT_EQ(ask(page, delete_, path).status, 404);
  Json bob = somebody("bob");
  bob["invite"] = made_it.body["secret"];
  EXPECT_EQ(ask(post, "/accounts", bob).code(), "invite_is_over");
  EXPECT_EQ(ask(get, "/invites").status, 401);
}

TEST_F(Api, what_was_done_to_an_account_is_told_to_it_and_all_of_it_to_operators) {
  const Browser ada = sign_up("ada"), bob = sign_up("bob");
  for (const char* scopes : {"keys:write", "rooms:write"}) {
    ask(ada, post, "/tokens", {{"label", "x"}, {"scopes", scopes}});
  }
  ask(bob, post, "/keys", {{"label", "x"}});
  ask(bob, delete_, "/keys/1");
  Call first = call(get, "/audit");
  first.cookies = "klieg_session=" + ada.session;
  first.query = "limit=1";
  const Answered page = ask(std::move(first));
  ASSERT_EQ(page.body["items"].size(), 1u);
  EXPECT_EQ(page.body["items"][0]["action"], "API token made");
  EXPECT_EQ(page.body["items"][0]["actor"], 1);
  EXPECT_EQ(page.body["items"][0]["actor_name"], "ada");
  EXPECT_EQ(page.body["items"][0]["detail"], "x") << "what the token is called";
  Call second = call(get, "/audit");
  second.cookies = "klieg_session=" + ada.session;
  second.query = "cursor=" + page.body["next"].get<std::string>();
  const Answered rest = ask(std::move(second));
  EXPECT_EQ(rest.body["items"].size(), 1u) << "and nothing of bob's";
  EXPECT_EQ(rest.body["next"], Json());

  const auto all = [&] {
    Call everything = call(get, "/audit");
    everything.cookies = "klieg_session=" + ada.session;
    everything.query = "all=1";
    return ask(std::move(everything));
  };
  EXPECT_EQ(all().code(), "operator");
  ASSERT_DONE(beside->run("UPDATE accounts SET role = 'operator' WHERE name = 'ada'"));
  EXPECT_EQ(all().body["items"].size(), 4u);
}

TEST_F(ApiOnAir, what_was_public_and_is_over_is_shown_to_everybody) {
  EXPECT_EQ(ask(get, "/people/nobody/broadcasts").status, 404);
  ask(ada, post, "/broadcasts", {{"title", "<i>Tonight</i>"}});
  go_live();
  EXPECT_EQ(ask(get, "/people/ada/broadcasts").body["items"].size(), 0u) << "not over yet";
  server->on_viewers("ada", 4);
  server->on_ended("ada");
  ask(ada, get, "/keys");
  const Answered past = ask(get, "/people/ada/broadcasts");
  ASSERT_EQ(past.body["items"].size(), 1u);
  EXPECT_EQ(past.body["items"][0]["title"], "<i>Tonight</i>");
  EXPECT_EQ(past.body["items"][0]["viewers_peak"], 4);
  ASSERT_DONE(beside->run("UPDATE broadcasts SET visibility = 'unlisted'"));
  EXPECT_EQ(ask(get, "/people/ada/broadcasts").body["items"].size(), 0u);
}

}  // namespace
}  // namespace klieg::studio
