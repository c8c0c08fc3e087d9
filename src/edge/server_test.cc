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

}  // namespace
}  // namespace klieg::edge
