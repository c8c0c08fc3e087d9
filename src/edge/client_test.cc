// On loopback, with real sockets and with our own server as the parent.
#include "edge/client.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "http/server.h"
#include "net/listener.h"

namespace klieg::edge {
namespace {

// Answers "/object" at once, and holds whatever else it is asked.
struct HoldingParent final : http::Handler {
  void serve(const http::Request& request, http::Responder responder) override {
    if (request.path != "/object") return held.push_back(std::move(responder));
    responder.respond({.status = 200, .body = Bytes::copy_of("here")});
  }
  std::vector<http::Responder> held;
};

struct Heard final : FetchHandler {
  void on_head(const FetchHead& head) override { status = head.status; }
  void on_body(Bytes) override {}
  void on_end(FetchEnd how) override {
    end = how;
    if (in_end) in_end();
  }
  uint16_t status = 0;
  std::optional<FetchEnd> end;
  std::function<void()> in_end;
};

TEST(EdgeParent, what_goes_for_one_viewer_each_takes_no_place_from_what_goes_for_all) {
  net::Loop loop;
  Metrics metrics, server_metrics;
  HoldingParent handler;
  const auto server = http::Server::make(loop, handler, {}, server_metrics);
  auto listener = net::Listener::listen(loop, {"127.0.0.1", 0}, nullptr, {},
                                        [&](auto connection) { server->accept(std::move(connection)); });
  ASSERT_TRUE(listener) << listener.error().message;
  const auto url = parse_parent_url("http://" + (*listener)->local().text());
  ASSERT_TRUE(url);
  Parent parent(loop, *url, nullptr, metrics);

  constexpr size_t herd = 3'000;  // more than have connections and more than may wait
  std::vector<Heard> alone(herd);
  std::vector<std::unique_ptr<Fetch>> fetches;
  for (Heard& one : alone) {
    fetches.push_back(parent.fetch({.target = "/private", .whom = FetchRequest::For::one}, one));
  }
  net::Timer timeout(loop, [&] { loop.stop(); });
  timeout.arm(loop.now() + 20s);
  alone.back().in_end = [&] { loop.stop(); };
  loop.run();
  EXPECT_EQ(alone.back().end, FetchEnd::too_many);

  Heard object;
  object.in_end = [&] { loop.stop(); };
  const auto fetch = parent.fetch({.target = "/object"}, object);
  loop.run();
  EXPECT_EQ(object.end, FetchEnd::complete);
  EXPECT_EQ(object.status, 200);
  fetches.clear();
}

}  // namespace
}  // namespace klieg::edge
