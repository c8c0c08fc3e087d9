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
  wire::PathTrust trust_in(const wire::TokenPath&) override { return wire::PathTrust::wrong; }
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
  wire::PathTrust trust_in(const wire::TokenPath& path) override { return key.judge(path.token, path.name, now); }
  const wire::PathKey key{"a secret of all nodes"};
  const WallTime now{1'800'000'000s};
};

TEST(EdgeServer, shows_what_is_private_to_guests_and_nodes_alone_and_fetches_it_once) {
  Node node;
  Guestbook guests;
  Server server(node.loop, node.engine, &guests, node.metrics);
  const auto viewer = std::make_shared<Statuses>();
  const auto ask = [&](const std::string& path, http::HeaderView header = {"accept", "*/*"}) {
    http::Request request;
    request.method_name = "GET";
    request.path = path;
    request.headers = {header};
    request.peer = "192.0.2.1:4711";
    server.serve(request, http::Responder(viewer, 1));
  };
  const std::string path = "/live/ada/1.2/video-3.m4s";
  ask(path);
  node.parent.answer(0, 200, {{"cache-control", "max-age=60"}, {"klieg-private", "?1"}}, "the picture");
  node.turn();
  ask(path);
  ask(path, {"klieg-node", "proof"});
  ask("/t/" + guests.key.sign("ada", 1, guests.now + 1s) + path);
  ask("/t/" + guests.key.sign("ada", 2, guests.now + 9s) + path);
  ask("/t/" + guests.key.sign("ada", 1, guests.now) + path);
  ask("/t/" + guests.key.sign("bob", 1, guests.now + 1s) + path);
  ask("/t/" + wire::PathKey("another").sign("ada", 1, guests.now + 1s) + path);
  EXPECT_EQ(viewer->seen, (std::vector<uint16_t>{404, 404, 200, 200, 200, 403, 403, 403}));
  EXPECT_EQ(node.parent.asked(), 1u);
}

}  // namespace
}  // namespace klieg::edge
