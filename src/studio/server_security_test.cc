// What somebody who means ill sends, and what comes of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "studio/server_test.h"

namespace klieg::studio {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> hostile_texts = {
    "<script>hit()</script>",     "\"><img src=x onerror=hit()>",
    "'; DROP TABLE accounts; --", "x' OR '1'='1",
    "\\'; SELECT 1; /*",          "$1 %s {} ${7*7}",
    "Robert\xc2\xb4); --",
};

struct Hostile : ApiOnAir {
  std::vector<std::string> rows_of_accounts() {
    std::vector<std::string> rows;
    const auto found = *beside->run("SELECT name FROM accounts ORDER BY id");
    for (const store::Row& row : found) rows.push_back(row[0].text());
    return rows;
  }
};

TEST_F(Hostile, what_is_written_into_any_text_comes_back_as_it_was_and_does_nothing) {
  uint8_t network = 0;
  for (const std::string& text : hostile_texts) {
    EXPECT_EQ(ask(ada, patch, "/me", {{"display_name", text}}).body["display_name"], text);
    EXPECT_EQ(ask(get, "/people/ada").body["display_name"], text);
    EXPECT_EQ(ask(ada, post, "/broadcasts", {{"title", text}}).body["title"], text);
    EXPECT_EQ(ask(ada, patch, "/broadcasts/1", {{"title", text}}).body["title"], text);
    EXPECT_EQ(ask(ada, post, "/keys", {{"label", text}}).body["label"], text);
    EXPECT_EQ(ask(ada, post, "/tokens", {{"label", text}, {"scopes", "keys:write"}}).body["label"], text);
    EXPECT_EQ(ask(ada, get, "/keys").body["items"].back()["label"], text);
    EXPECT_EQ(ask(ada, get, "/tokens").body["items"].back()["label"], text);
    Call log_in = call(post, "/session", {{"name", text}, {"password", text}});
    log_in.network[15] = ++network;  // of one that guessed thrice nothing would be looked at
    EXPECT_EQ(ask(std::move(log_in)).code(), "wrong");
    EXPECT_EQ(ask(post, "/accounts", somebody(text)).code(), "bad_name");
  }
  EXPECT_EQ(rows_of_accounts(), (std::vector<std::string>{"ada", "bob"}));
}

TEST_F(Hostile, what_is_written_into_an_address_is_not_shown_again_and_does_nothing) {
  for (const std::string& text : hostile_texts) {
    for (const std::string& path :
         {"/people/" + text, "/people/" + text + "/broadcasts", "/keys/" + text, "/" + text}) {
      const Answered answer = ask(get, path);
      EXPECT_EQ(answer.status, 404) << path;
      EXPECT_THAT(answer.body.dump(), Not(HasSubstr(text))) << path;
    }
    for (const char* list : {"/live", "/broadcasts", "/audit"}) {
      Call page = call(get, list);
      page.cookies = "klieg_session=" + ada.session;
      page.query = "cursor=" + text;
      const Answered answer = ask(std::move(page));
      EXPECT_EQ(answer.code(), "bad_cursor") << list << " " << text;
      EXPECT_THAT(answer.body.dump(), Not(HasSubstr(text)));
      EXPECT_EQ(answer.header("content-type"), "application/problem+json");
      EXPECT_EQ(answer.header("x-content-type-options"), "nosniff");
    }
    EXPECT_EQ(ask(ada, put, "/people/" + text + "/follow").status, 404);
  }
  EXPECT_EQ(rows_of_accounts(), (std::vector<std::string>{"ada", "bob"}));
}

TEST_F(Hostile, nothing_is_changed_for_a_page_of_another_site_whatever_the_route) {
  for (const std::string& route : Server::routes()) {
    const std::string method = route.substr(0, route.find(' '));
    if (method == "GET") continue;
    std::string path = route.substr(route.find(' ') + 1);
    if (const size_t at = path.find("{id}"); at != path.npos) path.replace(at, 4, "1");
    if (const size_t at = path.find("{name}"); at != path.npos) path.replace(at, 6, "bob");
    const auto code_with = [&](const std::string& csrf, const std::string& origin, const std::string& site) {
      Call made = call(method, path, Json::object());
      made.cookies = "klieg_session=" + ada.session;
      made.csrf_token = csrf;
      made.origin = origin;
      made.sec_fetch_site = site;
      return ask(std::move(made)).code();
    };
    EXPECT_EQ(code_with(ada.csrf, "https://evil.example", ""), "csrf") << route;
    EXPECT_EQ(code_with(ada.csrf, "null", ""), "csrf") << route;
    EXPECT_EQ(code_with(ada.csrf, "", "cross-site"), "csrf") << route;
    // Who enters has no session yet that a token could be of.
    if (route == "POST /session" || route == "POST /accounts") continue;
    EXPECT_EQ(code_with("", "", ""), "csrf") << route;
    EXPECT_EQ(code_with(bob.csrf, "http://localhost:8080", "same-origin"), "csrf") << route << ": another's token";
  }
  EXPECT_EQ(ask(ada, get, "/session").body["account"]["name"], "ada") << "and nobody was logged out";
}

TEST_F(Hostile, who_signs_up_gets_another_session_than_the_one_that_was_planted) {
  const Answered in = ask(bob, post, "/accounts", somebody("carol"));
  ASSERT_EQ(in.status, 201);
  EXPECT_NE(entered(in).session, bob.session);
  EXPECT_EQ(ask(bob, get, "/session").body["account"], Json());
  // Nor is a text that somebody made up ever taken for one.
  const Browser made_up{"klieg_session_" + std::string(32, 'a'), ""};
  const Answered again = ask(made_up, post, "/session", {{"name", "carol"}, {"password", good_password}});
  EXPECT_NE(entered(again).session, made_up.session);
  EXPECT_EQ(ask(made_up, get, "/session").body["account"], Json());
}

}  // namespace
}  // namespace klieg::studio
