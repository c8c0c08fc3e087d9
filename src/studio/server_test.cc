#include "studio/server.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "store/postgresql.h"
#include "studio/revocation_records.h"
#include "studio/secret.h"
#include "studio/server_test.h"
#include "studio/session_records.h"

namespace klieg::studio {
namespace {

using testing::HasSubstr;

TEST_F(Api, who_signs_up_is_logged_in_and_told_so) {
  const Answered nobody = ask(get, "/session");
  EXPECT_EQ(nobody.status, 200);
  EXPECT_EQ(nobody.body, Json::parse(R"({"account":null,"csrf":null,"sign_up":"open",
                                         "ingest":{"rtmp":"rtmp://localhost:1935/live"}})"));
  EXPECT_EQ(nobody.header("cache-control"), "no-store");

  const Answered made_it = ask(post, "/accounts", somebody("ada"));
  EXPECT_EQ(made_it.status, 201);
  EXPECT_EQ(made_it.body["account"], Json::parse(R"({"id":1,"name":"ada","display_name":"The ada","role":"person"})"));
  EXPECT_THAT(made_it.header("set-cookie"), HasSubstr("; HttpOnly; SameSite=Lax; Max-Age=2592000"));
  const Answered again = ask(entered(made_it), get, "/session");
  EXPECT_EQ(again.body["account"]["name"], "ada");
  EXPECT_EQ(again.body["csrf"], made_it.body["csrf"]);
  EXPECT_NE(again.header("set-cookie"), "") << "the browser keeps it for as long as it is good";
}

TEST_F(Api, a_log_in_never_goes_on_with_the_session_that_the_browser_came_with) {
  const Browser planted = sign_up("mallory");
  sign_up("ada");
  const Answered in = ask(planted, post, "/session", {{"name", "ada"}, {"password", good_password}});
  ASSERT_EQ(in.status, 200);
  EXPECT_NE(entered(in).session, planted.session);
  EXPECT_EQ(ask(planted, get, "/session").body["account"], Json()) << "what was planted is worth nothing";
  EXPECT_EQ(ask(entered(in), get, "/session").body["account"]["name"], "ada");
}

TEST_F(Api, who_logs_out_is_out_whatever_the_browser_keeps) {
  const Browser ada = sign_up("ada");
  const Answered out = ask(ada, delete_, "/session");
  EXPECT_EQ(out.status, 204);
  EXPECT_THAT(out.header("set-cookie"), HasSubstr("Max-Age=0"));
  EXPECT_EQ(ask(ada, get, "/session").body["account"], Json());
  EXPECT_EQ(ask(delete_, "/session").status, 204) << "also who never was in";
}

TEST_F(Api, what_changes_something_needs_the_token_that_another_site_cannot_know) {
  const Browser ada = sign_up("ada");
  Browser without = ada;
  without.csrf = "";
  Browser wrong = ada;
  wrong.csrf.back() = wrong.csrf.back() == 'A' ? 'B' : 'A';
  for (const Browser& by : {without, wrong}) {
    for (const auto& [method, path] :
         {std::pair{post, "/keys"}, {delete_, "/keys/1"}, {post, "/keys/1/rotate"}, {delete_, "/session"}}) {
      const Answered refused = ask(by, method, path, {{"label", "x"}});
      EXPECT_EQ(refused.status, 403) << path;
      EXPECT_EQ(refused.code(), "csrf") << path;
    }
  }
  EXPECT_EQ(ask(ada, post, "/keys", {{"label", "x"}}).status, 201);
}

TEST_F(Api, a_page_of_another_site_logs_nobody_in) {
  sign_up("ada");
  Call made = call(post, "/session", {{"name", "ada"}, {"password", good_password}});
  Call form = call(post, "/session", {{"name", "ada"}, {"password", good_password}});
  made.origin = "https://evil.example";
  form.content_type = "text/plain";  // what a form can send without asking first
  EXPECT_EQ(ask(std::move(made)).code(), "csrf");
  EXPECT_EQ(ask(std::move(form)).status, 415);
}

TEST_F(Api, a_password_is_not_taken_in_clear) {
  for (const char* path : {"/session", "/accounts"}) {
    Call made = call(post, path, somebody("ada"));
    made.line = Line::clear;
    const Answered refused = ask(std::move(made));
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(refused.code(), "insecure");
  }
}

TEST_F(Api, who_guesses_waits_and_is_told_for_how_long) {
  sign_up("ada");
  Answered last;
  for (int guess = 0; guess < 10 && last.status != 429; ++guess) {
    last = ask(post, "/session", {{"name", "ada"}, {"password", "not the right one"}});
    EXPECT_TRUE(last.code() == "wrong" || last.code() == "try_later") << last.code();
  }
  EXPECT_EQ(last.status, 429);
  EXPECT_NE(last.header("retry-after"), "");
  Call from_elsewhere = call(post, "/session", {{"name", "ada"}, {"password", good_password}});
  from_elsewhere.network[15] = 9;
  EXPECT_EQ(ask(std::move(from_elsewhere)).status, 200) << "nobody is locked out by another's guesses";
}

TEST_F(Api, unknown_names_and_wrong_passwords_are_refused_in_the_same_words) {
  sign_up("ada");
  const Answered wrong = ask(post, "/session", {{"name", "ada"}, {"password", "not the right one"}});
  const Answered unknown = ask(post, "/session", {{"name", "bob"}, {"password", "not the right one"}});
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(wrong.body, unknown.body);
}

TEST_F(Api, what_is_no_name_is_refused_with_the_field_that_it_stood_in) {
  sign_up("ada");
  const auto refused = [&](Json wanted) {
    const Answered answer = ask(post, "/accounts", wanted);
    return std::to_string(answer.status) + " " + answer.code() + " " + answer.body.value("field", "");
  };
  EXPECT_EQ(refused(somebody("ada")), "409 name_taken name");
  EXPECT_EQ(refused(somebody("radio")), "409 name_taken name") << "a channel has it";
  EXPECT_EQ(refused(somebody("'; DROP TABLE accounts; --")), "422 bad_name name");
  EXPECT_EQ(refused({{"name", "bob"}, {"display_name", "a\nb"}, {"password", good_password}}),
            "422 bad_display_name display_name");
  EXPECT_EQ(refused({{"name", "bob"}, {"display_name", "Bob"}, {"password", "short"}}), "422 bad_password password");
  EXPECT_EQ(refused({{"name", "bob"}, {"display_name", 7}, {"password", good_password}}), "400 bad_body display_name");
  Json misspelt = somebody("bob");
  misspelt["visibilty"] = "private";
  EXPECT_EQ(ask(post, "/accounts", misspelt).code(), "unknown_field");
}

TEST_F(Api, what_is_no_json_object_is_refused) {
  for (const char* text : {"", "[]", "{", "\"x\"", "{\"name\":\"\xff\"}", "{} {}"}) {
    Call made = call(post, "/session");
    made.body = Bytes::copy_of(std::string_view(text));
    made.content_type = "application/json";
    EXPECT_EQ(ask(std::move(made)).status, 400) << text;
  }
  Call deep = call(post, "/session");
  deep.body = Bytes::take(std::string(60'000, '['));
  deep.content_type = "application/json; charset=utf-8";
  EXPECT_EQ(ask(std::move(deep)).status, 400);
}

TEST_F(Api, what_is_not_there_and_what_cannot_be_done_are_told_apart) {
  EXPECT_EQ(ask(get, "/nothing").status, 404);
  EXPECT_EQ(ask(get, "/keys/").status, 404);
  EXPECT_EQ(ask(delete_, "/keys/0").status, 404);
  EXPECT_EQ(ask(delete_, "/keys/99999999999999999999").status, 404);
  const Answered refused = ask(put, "/session");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.header("allow"), "GET, POST, DELETE");
  EXPECT_EQ(ask(get, "/keys").status, 401);
}

TEST_F(Api, a_key_is_shown_once_and_rotating_or_revoking_it_ends_what_it_carries) {
  const Browser ada = sign_up("ada"), bob = sign_up("bob");
  const Answered made_it = ask(ada, post, "/keys", {{"label", "Desk"}});
  ASSERT_EQ(made_it.status, 201);
  EXPECT_TRUE(is_secret(SecretKind::stream_key, made_it.body["secret"].get<std::string>()));
  const Answered list = ask(ada, get, "/keys");
  ASSERT_EQ(list.body["items"].size(), 1u);
  EXPECT_EQ(list.body["items"][0]["label"], "Desk");
  EXPECT_EQ(list.body["items"][0]["used"], Json());
  EXPECT_FALSE(list.body["items"][0].contains("secret"));

  EXPECT_EQ(ask(bob, post, "/keys/1/rotate").status, 404) << "another's is not there";
  EXPECT_EQ(ask(bob, delete_, "/keys/1").status, 404);
  EXPECT_TRUE(stage.ended.empty());
  const Answered rotated = ask(ada, post, "/keys/1/rotate");
  EXPECT_EQ(rotated.status, 200);
  EXPECT_EQ(rotated.body["label"], "Desk");
  EXPECT_NE(rotated.body["secret"], made_it.body["secret"]);
  EXPECT_EQ(stage.ended, std::vector<int64_t>{1});
  EXPECT_EQ(ask(ada, delete_, "/keys/2").status, 204);
  EXPECT_EQ(stage.ended, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(ask(ada, delete_, "/keys/2").status, 404);
}

TEST_F(Api, a_key_is_called_something_on_one_line_and_there_are_twenty_at_most) {
  const Browser ada = sign_up("ada");
  for (const std::string& label : {std::string(), std::string("a\nb"), std::string(51, 'x')}) {
    EXPECT_EQ(ask(ada, post, "/keys", {{"label", label}}).code(), "bad_label") << label;
  }
  for (size_t i = 0; i < keys_max; ++i) EXPECT_EQ(ask(ada, post, "/keys", {{"label", "x"}}).status, 201);
  EXPECT_EQ(ask(ada, post, "/keys", {{"label", "x"}}).code(), "keys_max");
}

TEST_F(Api, a_token_may_what_its_scopes_say_and_no_cookie_counts_beside_it) {
  const Browser ada = sign_up("ada");
  const auto token = [&](std::string_view scopes) {
    return (*make_token(*beside, 1, "x", *Scopes::parse(scopes), std::nullopt, read_wall_clock()))->secret;
  };
  const auto status_with = [&](const std::string& secret, std::string_view method, const std::string& path) {
    Call made = call(method, path, method == get ? Json() : Json{{"label", "x"}});
    made.cookies = "klieg_session=" + ada.session;
    made.authorization = "Bearer " + secret;
    return ask(std::move(made)).status;
  };
  EXPECT_EQ(status_with(token("keys:write"), post, "/keys"), 201) << "no page is needed, nor its token";
  EXPECT_EQ(status_with(token("account:read"), post, "/keys"), 403);
  EXPECT_EQ(status_with(token("keys:write"), patch, "/me"), 403) << "what only a person may";
  EXPECT_EQ(status_with("klieg_token_nonsense", get, "/keys"), 401) << "though the cookie is good";
}

TEST_F(Api, somebody_changes_what_he_is_shown_as_and_his_password) {
  const Browser ada = sign_up("ada");
  const Browser elsewhere = entered(ask(post, "/session", {{"name", "ada"}, {"password", good_password}}));
  EXPECT_EQ(ask(ada, patch, "/me", {{"display_name", "<script>Ada"}}).body["display_name"], "<script>Ada");
  EXPECT_EQ(ask(ada, patch, "/me", {{"display_name", ""}}).code(), "bad_display_name");
  EXPECT_EQ(ask(ada, put, "/me/password", {{"password", good_password}, {"new_password", "short"}}).body["field"],
            "new_password");
  EXPECT_EQ(ask(ada, put, "/me/password", {{"password", good_password}, {"new_password", "another good one"}}).status,
            204);
  EXPECT_EQ(ask(ada, get, "/session").body["account"]["display_name"], "<script>Ada");
  EXPECT_EQ(ask(elsewhere, get, "/session").body["account"], Json()) << "other sessions ended";
}

TEST_F(Api, is_described_route_by_route) {
  const Description description;
  std::set<std::string> described;
  std::set<std::string> ids;
  for (const auto& [path, operations] : description.all()["paths"].items()) {
    for (const auto& [method, operation] : operations.items()) {
      std::string word = method;
      std::ranges::transform(word, word.begin(), [](unsigned char c) { return std::toupper(c); });
      described.insert(fmt::format("{} {}", word, path));
      EXPECT_TRUE(ids.insert(operation["operationId"].get<std::string>()).second) << operation["operationId"];
    }
  }
  const std::vector<std::string> routes = Server::routes();
  EXPECT_EQ(described, std::set(routes.begin(), routes.end()));
  EXPECT_EQ(described.size(), routes.size());
  const Answered answer = ask(get, "/openapi.json");
  EXPECT_EQ(answer.body, description.all());
  EXPECT_EQ(answer.body["openapi"], "3.1.0");
}

TEST_F(Api, a_picture_is_shown_to_everybody_as_a_picture_and_as_nothing_else) {
  const Browser ada = sign_up("ada");
  const auto put_it = [&](std::string_view content, std::string_view called) {
    Call made = call(put, "/me/picture");
    made.cookies = "klieg_session=" + ada.session;
    made.csrf_token = ada.csrf;
    made.body = Bytes::copy_of(content);
    made.content_type = called;
    return ask(std::move(made));
  };
  EXPECT_EQ(ask(get, "/people/ada").body["picture"], Json());
  EXPECT_EQ(ask(get, "/people/ada/picture").status, 404);
  EXPECT_EQ(put_it("<svg onload=alert(1)>", "image/png").code(), "bad_picture");
  EXPECT_EQ(put_it("", "image/png").code(), "bad_picture");
  EXPECT_EQ(put_it("\xff\xd8\xff picture", "text/html").status, 204) << "it is what its bytes say";
  EXPECT_THAT(ask(get, "/people/ada").body["picture"].get<std::string>(), HasSubstr("/api/v1/people/ada/picture?at="));
  const Answered shown = ask(get, "/people/ada/picture");
  EXPECT_EQ(shown.header("content-type"), "image/jpeg");
  EXPECT_EQ(shown.header("x-content-type-options"), "nosniff");
  EXPECT_EQ(put_it("\x89PNG\r\n\x1a\n", "image/png").status, 204);
  EXPECT_EQ(ask(get, "/people/ada/picture").header("content-type"), "image/png");
  for (int time = 0; time < 2; ++time) EXPECT_EQ(ask(ada, delete_, "/me/picture").status, 204);
  EXPECT_EQ(ask(get, "/people/ada").body["picture"], Json());
}

TEST_F(Api, who_follows_twice_follows_once) {
  const Browser ada = sign_up("ada"), bob = sign_up("bob");
  for (int time = 0; time < 2; ++time) EXPECT_EQ(ask(bob, put, "/people/ada/follow").status, 204);
  Answered seen = ask(bob, get, "/people/ada");
  EXPECT_EQ(seen.body["followers"], 1);
  EXPECT_EQ(seen.body["following"], true);
  EXPECT_EQ(seen.body["live"], false);
  EXPECT_EQ(ask(get, "/people/ada").body["following"], false);
  EXPECT_EQ(ask(get, "/people/bob").body["following_count"], 1);
  for (int time = 0; time < 2; ++time) EXPECT_EQ(ask(bob, delete_, "/people/ada/follow").status, 204);
  EXPECT_EQ(ask(get, "/people/ada").body["followers"], 0);
  EXPECT_EQ(ask(bob, put, "/people/bob/follow").status, 404) << "oneself";
  EXPECT_EQ(ask(bob, put, "/people/nobody/follow").status, 404);
  EXPECT_EQ(ask(put, "/people/ada/follow").status, 401);
}

TEST_F(ApiOnAir, who_is_live_is_listed_under_what_he_is_shown_as) {
  go_live();
  server->on_live("radio", WallTime(1'800'000'001s), Listing::listed);
  server->on_viewers("ada", 3);
  ask(bob, put, "/people/ada/follow");
  const Answered list = ask(bob, get, "/live");
  ASSERT_EQ(list.body["items"].size(), 2u);
  EXPECT_EQ(list.body["items"][0], Json::parse(R"({"channel":"ada","title":null,"display_name":"The ada","viewers":3,
      "started_at":"2027-01-15T08:00:00.000Z","poster":null,"following":true})"));
  EXPECT_EQ(list.body["items"][1]["display_name"], Json());
  EXPECT_EQ(ask(get, "/live").body["items"][0]["following"], false);
  EXPECT_EQ(ask(get, "/people/ada").body["live"], true);
  EXPECT_EQ(ask(get, "/people/ada").body["title"], Json());

  Call freshest = call(get, "/live");
  freshest.query = "sort=freshness&limit=1";
  const Answered page = ask(std::move(freshest));
  EXPECT_EQ(page.body["items"][0]["channel"], "radio");
  Call next = call(get, "/live");
  next.query = "sort=freshness&cursor=" + page.body["next"].get<std::string>();
  EXPECT_EQ(ask(std::move(next)).body["items"][0]["channel"], "ada");
  Call drawn = call(get, "/live");
  drawn.query = "mode=random50";
  const Answered draw = ask(std::move(drawn));
  EXPECT_EQ(draw.body["items"].size(), 2u);
  EXPECT_EQ(draw.header("cache-control"), "private, max-age=5");
  for (const char* query : {"cursor=x", "limit=0", "limit=101", "sort=name", "mode=all"}) {
    Call bad = call(get, "/live");
    bad.query = query;
    EXPECT_EQ(ask(std::move(bad)).status, 400) << query;
  }
  server->on_ended("ada");
  EXPECT_EQ(ask(get, "/live").body["items"].size(), 1u);
}

TEST_F(ApiOnAir, a_broadcast_is_planned_begins_is_described_anew_and_ends) {
  const Answered plan = ask(ada, post, "/broadcasts", {{"title", "Tonight"}, {"visibility", "public"}});
  ASSERT_EQ(plan.status, 201);
  EXPECT_EQ(plan.body["started"], Json());
  go_live();
  EXPECT_EQ(ask(get, "/live").body["items"][0]["title"], "Tonight");
  EXPECT_EQ(ask(get, "/people/ada").body["title"], "Tonight");
  EXPECT_EQ(ask(ada, patch, "/broadcasts/1", {{"title", "Tonight, <b>late</b>"}}).status, 200);
  EXPECT_EQ(ask(get, "/live").body["items"][0]["title"], "Tonight, <b>late</b>");
  server->on_viewers("ada", 5);
  server->on_viewers("ada", 2);

  EXPECT_EQ(ask(bob, post, "/broadcasts/1/end").status, 404) << "another's is not there";
  for (int time = 0; time < 2; ++time) EXPECT_EQ(ask(ada, post, "/broadcasts/1/end").status, 204);
  ASSERT_FALSE(stage.ended_channels.empty());
  EXPECT_EQ(stage.ended_channels.front(), "ada");
  server->on_ended("ada");
  const Answered all = ask(ada, get, "/broadcasts");
  ASSERT_EQ(all.body["items"].size(), 1u);
  EXPECT_EQ(all.body["items"][0]["title"], "Tonight, <b>late</b>");
  EXPECT_NE(all.body["items"][0]["ended"], Json());
  EXPECT_EQ(all.body["items"][0]["viewers_peak"], 5);
  EXPECT_EQ(ask(bob, get, "/broadcasts").body["items"].size(), 0u);
  EXPECT_EQ(ask(bob, get, "/broadcasts/1").status, 404);
}

TEST_F(ApiOnAir, a_plan_that_is_not_understood_is_refused_before_it_makes_anything_public) {
  EXPECT_EQ(ask(ada, post, "/broadcasts", {{"title", "x"}, {"visibility", "secret"}}).code(), "bad_visibility");
  EXPECT_EQ(ask(ada, post, "/broadcasts", {{"title", "x"}, {"guests", {"bob"}}}).code(), "bad_guests");
  EXPECT_EQ(ask(ada, post, "/broadcasts", {{"visibility", "private"}, {"guests", {"nobody"}}}).code(), "bad_guests");
  EXPECT_EQ(ask(ada, post, "/broadcasts", {{"title", "a\nb"}}).code(), "bad_title");
  EXPECT_EQ(ask(ada, post, "/broadcasts", {{"title", "x"}, {"visibilty", "private"}}).code(), "unknown_field");
  EXPECT_EQ(ask(ada, get, "/broadcasts").body["items"].size(), 0u);
}

TEST_F(ApiOnAir, a_guest_has_a_pass_for_what_is_private_until_he_is_taken_off_the_list) {
  const Answered plan = ask(ada, post, "/broadcasts", {{"visibility", "private"}, {"guests", {"bob"}}});
  ASSERT_EQ(plan.status, 201);
  EXPECT_EQ(plan.body["guests"], Json::parse(R"(["bob"])"));
  EXPECT_EQ(ask(bob, post, "/people/ada/pass").status, 404) << "nothing is live";
  go_live();
  EXPECT_EQ(ask(get, "/live").body["items"].size(), 0u);
  EXPECT_EQ(ask(get, "/people/ada").body["title"], Json()) << "what it is called is not told, either";
  const Browser carl = sign_up("carl");
  EXPECT_EQ(ask(carl, post, "/people/ada/pass").status, 404) << "a stranger is not told";
  EXPECT_EQ(ask(post, "/people/ada/pass").status, 401);
  EXPECT_EQ(ask(ada, post, "/people/ada/pass").status, 200);
  const Answered pass = ask(bob, post, "/people/ada/pass");
  ASSERT_EQ(pass.status, 200);
  const std::string token = pass.body["token"];
  const wire::PathKey key("a secret of all nodes");
  EXPECT_EQ(key.judge(token, "ada", loop.wall_now()).trust, wire::PathTrust::trusted);

  stage.all_revoked.clear();
  ASSERT_EQ(ask(ada, patch, "/broadcasts/1", {{"guests", {"carl"}}}).status, 200);
  ASSERT_FALSE(stage.all_revoked.empty());
  const auto guest = wire::guest_of(token);
  EXPECT_TRUE(std::ranges::any_of(stage.all_revoked, [&](const media::GuestsRevoked& revoked) {
    return revoked.channel == "ada" && revoked.viewer == guest->viewer &&
           revoked.issued_until_s >= wire::seconds_of(guest->issued);
  }));
  EXPECT_EQ(ask(bob, post, "/people/ada/pass").status, 404);
  const Answered of_carl = ask(carl, post, "/people/ada/pass");
  ASSERT_EQ(of_carl.status, 200);
  EXPECT_EQ(ask(ada, patch, "/broadcasts/1", {{"visibility", "public"}}).code(), "live");
}

TEST_F(ApiOnAir, links_open_what_is_not_public_and_are_taken_back_together) {
  ASSERT_EQ(ask(ada, post, "/broadcasts", {{"visibility", "unlisted"}}).status, 201);
  const std::string unlisted = ask(ada, get, "/broadcasts/1").body["link"];
  EXPECT_TRUE(unlisted.starts_with("/t/") && unlisted.ends_with("/@ada")) << unlisted;
  EXPECT_EQ(ask(ada, get, "/broadcasts/1").body["link"], unlisted) << "it can be handed out twice";
  go_live();
  EXPECT_EQ(ask(ada, get, "/broadcasts/1").body["link"], unlisted);
  EXPECT_EQ(ask(ada, post, "/broadcasts/1/links", {{"hours", 0}}).code(), "bad_hours");
  EXPECT_EQ(ask(bob, post, "/broadcasts/1/links", {{"hours", 1}}).status, 404);
  const Answered made = ask(ada, post, "/broadcasts/1/links", {{"hours", 1}});
  ASSERT_EQ(made.status, 201);

  stage.all_revoked.clear();
  EXPECT_EQ(ask(ada, delete_, "/broadcasts/1/links").status, 204);
  ASSERT_EQ(stage.all_revoked.size(), 1u);
  EXPECT_EQ(stage.all_revoked[0].viewer, by_link);
  for (const std::string& old : {unlisted, made.body["link"].get<std::string>()}) {
    EXPECT_LE(wire::seconds_of(wire::guest_of(old.substr(3, old.find('/', 3) - 3))->issued),
              stage.all_revoked[0].issued_until_s);
  }
  EXPECT_NE(ask(ada, get, "/broadcasts/1").body["link"], unlisted);
}

TEST_F(ApiOnAir, a_key_that_was_rotated_is_nobodys) {
  ask(ada, post, "/keys/1/rotate");
  std::optional<bool> known;
  server->use_key(secret, [&](store::Outcome<std::optional<KeyHolder>> found) {
    known = found->has_value();
    loop.stop();
  });
  loop.run();
  EXPECT_EQ(known, false);
}

TEST_F(Api, says_what_cannot_be_done_while_the_database_is_down_and_still_who_is_live) {
  auto nowhere = store::open_postgresql({.conninfo = "host=/nowhere dbname=none"});
  ASSERT_TRUE(nowhere);
  store::Worker down(std::move(*nowhere));
  server.emplace(loop, down, stage, metrics,
                 Server::Options{.accounts = {.policy = SignUpPolicy::open, .cost = no_cost, .key = {1, 2}}});
  const Browser by{new_secret(SecretKind::session), ""};
  server->on_live("radio", WallTime(1s), Listing::listed);
  EXPECT_EQ(ask(by, get, "/live").body["items"].size(), 1u);
  for (const char* path : {"/session", "/keys", "/people/ada", "/broadcasts"}) {
    const Answered refused = ask(by, get, path);
    EXPECT_EQ(refused.status, 503) << path;
    EXPECT_EQ(refused.code(), "unavailable") << path;
    EXPECT_EQ(refused.header("retry-after"), "5") << path;
  }
  EXPECT_EQ(ask(post, "/accounts", somebody("ada")).status, 503);
  server.reset();  // before the store that it asks
}

struct ClosedApi : Api {
  ClosedApi() : Api(SignUpPolicy::closed) {}
};
TEST_F(ClosedApi, makes_no_accounts) {
  const Answered refused = ask(post, "/accounts", somebody("ada"));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.code(), "closed");
}

}  // namespace
}  // namespace klieg::studio
