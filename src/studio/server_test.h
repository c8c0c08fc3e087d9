// For tests: the API's server over a database of its own, and people who ask it. Each answer is held against
// openapi.json.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/migrate.h"
#include "store/test_databases.h"
#include "studio/key_records.h"
#include "studio/openapi_test.h"
#include "studio/server.h"

namespace klieg::studio {

inline constexpr std::string_view get = "GET", post = "POST", put = "PUT", patch = "PATCH", delete_ = "DELETE";
inline constexpr std::string_view good_password = "correct horse battery";

struct MadeUpStage final : Stage {
  void end_carried_by(int64_t key) override { ended.push_back(key); }
  void end(const std::string& channel) override { ended_channels.push_back(channel); }
  void room_people_changed(const std::string& channel) override { people_changed_of.push_back(channel); }
  void revoked(const media::GuestsRevoked& revoked) override { all_revoked.push_back(revoked); }
  std::vector<int64_t> ended;
  std::vector<std::string> ended_channels;
  std::vector<media::GuestsRevoked> all_revoked;
  std::vector<std::string> people_changed_of;
};

struct Answered {
  uint16_t status = 0;
  Json body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return "";
  }
  std::string code() const { return body.value("code", ""); }
};

// A browser of somebody, as far as the API sees it.
struct Browser {
  std::string session, csrf;
};

class Api : public testing::Test {
 protected:
  explicit Api(SignUpPolicy policy = SignUpPolicy::open) {
    EXPECT_DONE(store::migrate(*beside, WallTime(1s)));
    server.emplace(
        loop, worker, stage, metrics,
        Server::Options{.accounts = {.policy = policy, .cost = no_cost, .key = {1, 2}, .not_free = {"radio"}},
                        .path_secret = "a secret of all nodes"});
  }

  static Call call(std::string_view method, std::string path, const Json& body = {}) {
    Call asked;
    asked.method = method;
    asked.path = std::move(path);
    asked.authority = "localhost:8080";
    asked.line = Line::loopback;
    asked.rtmp_port = 1935;
    if (!body.is_null()) {
      asked.body = Bytes::take(body.dump());
      asked.content_type = "application/json";
    }
    return asked;
  }
  // Each answer is held against the API's description.
  Answered ask(Call asked) {
    static const Description description;
    const std::string method = asked.method, path = asked.path, sent(asked.body.text());
    std::optional<http::Response> got;
    server->serve(std::move(asked), [&](http::Response response) {
      got = std::move(response);
      loop.post([this] { loop.stop(); });
    });
    loop.run();
    Answered answered{got->status, nullptr, got->headers->all()};
    for (const auto& own : got->own_headers.all()) answered.headers.push_back(own);
    if (const auto* body = std::get_if<Bytes>(&got->body)) answered.body = Json::parse(body->text(), nullptr, false);
    const Json* operation = description.operation(method, path);
    if (!operation) return answered;
    const Json& responses = (*operation)["responses"];
    const std::string status = std::to_string(answered.status);
    EXPECT_TRUE(responses.contains(status)) << method << " " << path << " answers " << status;
    if (!responses.contains(status) || !responses[status].contains("content")) return answered;
    const Json& content = responses[status]["content"];
    EXPECT_TRUE(content.contains(answered.header("content-type"))) << method << " " << path << " " << status;
    if (!content.front().contains("schema")) return answered;  // a picture
    EXPECT_EQ(description.fault(content.front()["schema"], answered.body), "") << method << " " << path;
    if (answered.status < 300 && operation->contains("requestBody") &&
        (*operation)["requestBody"]["content"].contains("application/json")) {
      const Json& schema = (*operation)["requestBody"]["content"]["application/json"]["schema"];
      EXPECT_EQ(description.fault(schema, Json::parse(sent)), "") << method << " " << path;
    }
    return answered;
  }
  Answered ask(const Browser& by, std::string_view method, std::string path, const Json& body = {}) {
    Call asked = call(method, std::move(path), body);
    asked.cookies = "klieg_session=" + by.session;
    asked.csrf_token = by.csrf;
    return ask(std::move(asked));
  }
  Answered ask(std::string_view method, std::string path, const Json& body = {}) {
    return ask(call(method, std::move(path), body));
  }
  Browser entered(const Answered& answer) {
    EXPECT_EQ(answer.body.value("code", ""), "");
    const std::string cookie = answer.header("set-cookie");
    return {session_in(cookie.substr(0, cookie.find(';')), Line::loopback), answer.body.value("csrf", "")};
  }
  static Json somebody(const std::string& name) {
    return {{"name", name}, {"display_name", "The " + name}, {"password", good_password}};
  }
  Browser sign_up(const std::string& name) { return entered(ask(post, "/accounts", somebody(name))); }

  store::TestDatabase made{store::Engine::sqlite};
  std::unique_ptr<store::Database> beside = made.connect();  // what the test looks with
  net::Loop loop;
  store::Worker worker{made.connect()};
  MadeUpStage stage;
  Metrics metrics;
  std::optional<Server> server;
};

class ApiOnAir : public Api {
 protected:
  ApiOnAir() : ada(sign_up("ada")), bob(sign_up("bob")) {
    secret = ask(ada, post, "/keys", {{"label", "Desk"}}).body["secret"].get<std::string>();
  }
  // As when an encoder comes with the key, and its first picture.
  void go_live() {
    std::optional<std::optional<KeyHolder>> holder;
    server->use_key(secret, [&](store::Outcome<std::optional<KeyHolder>> found) {
      holder = *found;
      loop.stop();
    });
    loop.run();
    ASSERT_TRUE(*holder);
    server->on_publisher(**holder);
    server->on_live((*holder)->account.name, WallTime(1'800'000'000s), Listing::unlisted);
    ask(ada, get, "/keys");  // answered after what the store was told before
  }
  Browser ada, bob;
  std::string secret;
};

}  // namespace klieg::studio
