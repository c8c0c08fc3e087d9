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

TEST(EdgeServer, answers_many_who_waited_a_few_a_turn_with_what_came_behind_the_head) {
  net::Loop loop;
  LoopClock clock(loop);
  MadeUpUpstream parent;
  MadeUpRoutes routes({&parent});
  Metrics metrics;
  Engine engine({}, clock, routes, nullptr, 1);
  Server server(loop, engine, nullptr, metrics);
  const auto viewers = std::make_shared<Answered>();
  const auto turn = [&] {
    loop.post([&] { loop.stop(); });
    loop.run();
  };
  for (uint64_t i = 0; i < 250; ++i) {
    http::Request request;
    request.method_name = "GET";
    request.path = "/a";
    request.peer = "192.0.2.1:4711";
    server.serve(request, http::Responder(viewers, i));
  }
  parent.head(0, 200, {{"cache-control", "max-age=60"}});
  parent.body(0, "first piece");
  EXPECT_EQ(viewers->bytes_there.size(), 0u);
  turn();
  EXPECT_EQ(viewers->bytes_there, std::vector<uint64_t>(100, 11));
  turn();
  EXPECT_EQ(viewers->bytes_there.size(), 200u);
  turn();
  EXPECT_EQ(viewers->bytes_there, std::vector<uint64_t>(250, 11));
}

struct EverybodyIsANode final : Gatekeeper {
  Trust trust_in(const http::Request&) override { return Trust::node; }
};

struct Statuses final : http::Responder::Target {
  void respond(uint64_t, http::Response response) override { seen.push_back(response.status); }
  std::vector<uint16_t> seen;
};

// What becomes of three requests of one address that may make two a second.
std::vector<uint16_t> statuses_of_three(Gatekeeper* gatekeeper) {
  net::Loop loop;
  LoopClock clock(loop);
  MadeUpUpstream parent;
  MadeUpRoutes routes({&parent});
  Metrics metrics;
  Engine engine({}, clock, routes, nullptr, 1);
  Door door(loop, "http", {.requests_per_s_max = 2}, {}, {1, 2}, metrics);
  Server server(loop, engine, gatekeeper, metrics, &door);
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

}  // namespace
}  // namespace klieg::edge
