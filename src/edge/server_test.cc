#include "edge/server.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "edge/made_up_upstream.h"

namespace klieg::edge {
namespace {

// Viewers without connections: how much of the body was there when each was answered.
struct Answered final : http::Responder::Target {
  void respond(uint64_t, http::Response response) override {
    const auto* range = std::get_if<http::LogRange>(&response.body);
    bytes_there.push_back(range ? range->log->size() : 0);
  }
  std::vector<uint64_t> bytes_there;
};

// An engine and who it asks, on a loop of their own.
struct Node {
  net::Loop loop;
  LoopClock clock{loop};
  MadeUpUpstream parent;
  MadeUpRoutes routes{{&parent}};
  Metrics metrics;
  Engine engine{{}, clock, routes, nullptr, 1};

  void turn() {
    loop.post([this] { loop.stop(); });
    loop.run();
  }
};

TEST(EdgeServer, answers_many_who_waited_a_few_a_turn_with_what_came_behind_the_head) {
  Node node;
  Server server(node.loop, node.engine, nullptr, node.metrics);
  const auto viewers = std::make_shared<Answered>();
  for (uint64_t i = 0; i < 250; ++i) {
    http::Request request;
    request.method_name = "GET";
    request.path = "/a";
    request.peer = "192.0.2.1:4711";
    server.serve(request, http::Responder(viewers, i));
  }
  node.parent.head(0, 200, {{"cache-control", "max-age=60"}});
  node.parent.body(0, "first piece");
  EXPECT_EQ(viewers->bytes_there.size(), 0u);
  node.turn();
  EXPECT_EQ(viewers->bytes_there, std::vector<uint64_t>(100, 11));
  node.turn();
  EXPECT_EQ(viewers->bytes_there.size(), 200u);
  node.turn();
  EXPECT_EQ(viewers->bytes_there, std::vector<uint64_t>(250, 11));
}

struct EverybodyIsANode final : Gatekeeper {
  Trust trust_in(const http::Request&) override { return Trust::node; }
  Guests& guests() override { return nobody; }
  Guests nobody{""};
};

struct Statuses final : http::Responder::Target {
  void respond(uint64_t, http::Response response) override { seen.push_back(response.status); }
  std::vector<uint16_t> seen;
};

// What becomes of three requests of one address that may make two a second.
std::vector<uint16_t> statuses_of_three(Gatekeeper* gatekeeper) {
  Node node;
  Door door(node.loop, "http", {.requests_per_s_max = 2}, {}, {1, 2}, node.metrics);
  Server server(node.loop, node.engine, gatekeeper, node.metrics, &door);
  const auto viewer = std::make_shared<Statuses>();
  for (uint64_t i = 0; i < 3; ++i) {
    http::Request request;
    request.method_name = "GET";
    request.path = "/a";
    request.peer = "192.0.2.1:4711";
    const wire::HeaderView only_if_cached[] = {{"cache-control", "only-if-cached"}};
    request.headers.assign(std::begin(only_if_cached), std::end(only_if_cached));
    server.serve(request, http::Responder(viewer, i));
  }
  return viewer->seen;
}

TEST(EdgeServer, refuses_who_asks_too_often_unless_it_is_a_node) {
  EverybodyIsANode gatekeeper;
  EXPECT_EQ(statuses_of_three(nullptr), (std::vector<uint16_t>{504, 504, 429}));
  EXPECT_EQ(statuses_of_three(&gatekeeper), (std::vector<uint16_t>{504, 504, 504}));
}

struct Guestbook final : Gatekeeper {
  Trust trust_in(const http::Request& request) override {
    return request.header("klieg-node") ? Trust::node : Trust::viewer;
  }
  Guests& guests() override { return known; }
  std::string token(std::string_view channel, uint64_t viewer, Duration good_for) const {
    return key.sign(channel, {.viewer = viewer, .issued = now - 10s, .expires = now + good_for});
  }
  const WallTime now = read_wall_clock();
  const wire::PathKey key{"a secret of all nodes"};
  Guests known{"a secret of all nodes"};
};

class EdgeServerOfGuests : public testing::Test {
 protected:
  void ask(const std::string& target, http::HeaderView header = {"accept", "*/*"}) {
    http::Request request;
    request.method_name = "GET";
    request.path = target;
    request.headers = {header};
    request.peer = "192.0.2.1:4711";
    server.serve(request, http::Responder(viewer, 1));
  }

  Node node;
  Guestbook guests;
  Server server{node.loop, node.engine, &guests, node.metrics};
  const std::shared_ptr<Statuses> viewer = std::make_shared<Statuses>();
  const std::string path = "/live/ada/1.2/video-3.m4s";
};

TEST_F(EdgeServerOfGuests, shows_what_is_private_to_guests_and_nodes_alone_and_fetches_it_once) {
  ask(path);
  node.parent.answer(0, 200, {{"cache-control", "max-age=60"}, {"klieg-private", "?1"}}, "the picture");
  node.turn();
  ask(path);
  ask(path, {"klieg-node", "proof"});
  ask("/t/" + guests.token("ada", 1, 60s) + path);
  ask("/t/" + guests.token("ada", 2, 90s) + path);
  ask("/t/" + guests.token("ada", 1, -1s) + path);
  ask("/t/" + guests.token("bob", 1, 60s) + path);
  ask("/t/" + wire::PathKey("another").sign("ada", {.viewer = 1, .issued = guests.now, .expires = guests.now + 60s}) +
      path);
  EXPECT_EQ(viewer->seen, (std::vector<uint16_t>{404, 404, 200, 200, 200, 403, 403, 403}));
  EXPECT_EQ(node.parent.asked(), 1u);
}

TEST_F(EdgeServerOfGuests, asks_upward_once_and_without_a_token_for_two_guests_who_wait) {
  ask("/t/" + guests.token("ada", 1, 60s) + path);
  ask("/t/" + guests.token("ada", 2, 60s) + path);
  ASSERT_EQ(node.parent.asked(), 1u);
  EXPECT_EQ(node.parent.request(0).target, path);
  node.parent.answer(0, 200, {{"cache-control", "max-age=60"}, {"klieg-private", "?1"}}, "the picture");
  node.turn();
  EXPECT_EQ(viewer->seen, (std::vector<uint16_t>{200, 200}));
}

TEST_F(EdgeServerOfGuests, answers_who_waits_at_once_when_his_token_is_revoked_and_refuses_it_from_then_on) {
  const std::string token = guests.token("ada", 1, 60s), other = guests.token("ada", 2, 60s);
  ask("/t/" + token + path);
  ask("/t/" + other + path);
  guests.known.revoke({"ada", 1, wire::seconds_of(guests.now)});
  EXPECT_EQ(viewer->seen, (std::vector<uint16_t>{403}));
  node.parent.answer(0, 200, {{"cache-control", "max-age=60"}, {"klieg-private", "?1"}}, "the picture");
  node.turn();
  ask("/t/" + token + path);
  EXPECT_EQ(viewer->seen, (std::vector<uint16_t>{403, 200, 403}));
}

TEST_F(EdgeServerOfGuests, lets_no_token_go_upward_and_no_viewer_ask_what_nodes_ask) {
  for (const char* behind : {"", "/", "/live", "/studio", "/.klieg/topic/live/ada"}) {
    ask("/t/" + guests.token("ada", 1, 60s) + behind);
  }
  ask("/.klieg/revoke/ada");
  EXPECT_EQ(viewer->seen, (std::vector<uint16_t>{404, 404, 404, 404, 404, 403}));
  ask("/t/" + guests.token("ada", 1, 60s) + "/@ada");
  ASSERT_EQ(node.parent.asked(), 1u) << "the page is the same for every address";
  EXPECT_EQ(node.parent.request(0).target, "/");
}

TEST_F(EdgeServerOfGuests, lets_what_proves_who_asks_go_to_the_api_alone_and_says_as_which_server_it_was_asked) {
  server.sessions_go_to("/api/v1/");
  const auto ask_as = [&](std::string_view target, http::HeaderView proof, std::string_view authority = "pop.example") {
    http::Request request;
    request.method_name = "GET";
    request.path = target;
    request.headers = {proof, {"x-forwarded-host", "evil.example"}, {"x-forwarded-proto", "gopher"}};
    request.peer = "192.0.2.1:4711";
    request.scheme = "https";
    request.authority = authority;
    server.serve(request, http::Responder(viewer, 1));
  };
  ask_as(path, {"cookie", "__Host-klieg_session=secret"});
  ask_as("/api/v1/session", {"cookie", "__Host-klieg_session=secret"});
  ask_as("/api/v1/session", {"authorization", "Bearer secret"});
  ASSERT_EQ(node.parent.asked(), 3u) << "nobody waits behind another's question";
  EXPECT_EQ(node.parent.field(0, "cookie"), "");
  EXPECT_EQ(node.parent.field(1, "cookie"), "__Host-klieg_session=secret");
  EXPECT_EQ(node.parent.field(2, "authorization"), "Bearer secret");
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(node.parent.field(i, "x-forwarded-proto"), "https");
    EXPECT_EQ(node.parent.field(i, "x-forwarded-host"), "pop.example");
  }
  ask_as("/api/v1/session", {"authorization", "Bearer secret"}, "");
  ASSERT_EQ(node.parent.asked(), 4u);
  EXPECT_EQ(node.parent.field(3, "x-forwarded-proto"), "https");
  EXPECT_EQ(node.parent.field(3, "x-forwarded-host"), "") << "what a viewer says is not what we say";
}

}  // namespace
}  // namespace klieg::edge
