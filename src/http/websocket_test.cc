#include "http/websocket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/server_test.h"

namespace klieg::http {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// What a browser asks, with some of it said otherwise.
Request asked(std::vector<HeaderView> otherwise = {}) {
  Request request;
  request.path = "/live/ada/push";
  request.authority = "ada.example:8080";
  request.headers = {{"upgrade", "websocket"},
                     {"connection", "keep-alive, Upgrade"},
                     {"sec-websocket-version", "13"},
                     {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="},
                     {"sec-websocket-protocol", "other, klieg.push.1"},
                     {"origin", "http://ada.example:8080"}};
  for (const HeaderView& field : otherwise) {
    std::erase_if(request.headers, [&](const HeaderView& one) { return one.name == field.name; });
    if (!field.value.empty()) request.headers.push_back(field);
  }
  return request;
}

uint16_t status_of(const Request& request) {
  const auto offer = read_websocket_offer(request, "klieg.push.1");
  return offer ? 0 : offer.error().status;
}

TEST(WebSocketOffer, what_browsers_ask_is_understood) {
  const auto offer = read_websocket_offer(asked(), "klieg.push.1");
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->key, "dGhlIHNhbXBsZSBub25jZQ==");
}

TEST(WebSocketOffer, what_is_none_is_refused_with_its_status) {
  EXPECT_EQ(status_of(asked({{"upgrade", "h2c"}})), 426);
  EXPECT_EQ(status_of(asked({{"upgrade", ""}})), 426);
  EXPECT_EQ(status_of(asked({{"connection", "keep-alive"}})), 400);
  EXPECT_EQ(status_of(asked({{"sec-websocket-protocol", "klieg.push.2"}})), 400);
  EXPECT_EQ(status_of(asked({{"sec-websocket-protocol", ""}})), 400);
  EXPECT_EQ(status_of(asked({{"sec-websocket-key", "short"}})), 400);
  EXPECT_EQ(status_of(asked({{"sec-websocket-version", "8"}})), 426);
  Request post = asked();
  post.method = Method::post;
  EXPECT_EQ(status_of(post), 405);
  Request second = asked();
  second.version = Version::http_2;
  EXPECT_EQ(status_of(second), 400);
}

TEST(WebSocketOffer, pages_of_another_origin_may_not_and_who_is_no_browser_may) {
  EXPECT_EQ(status_of(asked({{"origin", "https://ada.example:8080"}})), 0) << "a proxy may take TLS off";
  EXPECT_EQ(status_of(asked({{"origin", "http://ADA.example:8080"}})), 0);
  EXPECT_EQ(status_of(asked({{"origin", ""}})), 0);
  for (const char* other : {"http://evil.example", "http://ada.example", "http://ada.example:80800", "null",
                            "http://ada.example:8080.evil.example", "ada.example:8080"}) {
    EXPECT_EQ(status_of(asked({{"origin", other}})), 403) << other;
  }
}

constexpr std::string_view request_text =
    "GET /live/ada/push HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: p\r\n\r\n";

struct MadeUpOwner final : net::ConnectionHandler {
  void take(std::unique_ptr<net::Connection> taken) {
    connection = std::move(taken);
    if (connection) connection->start(*this);
  }
  void on_bytes(ByteView bytes) override { heard.append(reinterpret_cast<const char*>(bytes.data()), bytes.size()); }
  void on_drained() override { ++drained; }
  void on_closed(net::Closed) override { connection.reset(); }

  std::unique_ptr<net::Connection> connection;
  std::string heard;
  int drained = 0;
};

struct CountingDoorman final : net::Doorman {
  Word arrives(std::string_view) override {
    ++inside;
    return Word::welcome;
  }
  void leaves(std::string_view) override { --inside; }
  int inside = 0;
};

struct CountingMeter final : Meter {
  void request_began() override { ++requests; }
  void request_ended() override { --requests; }
  void sent(uint64_t size) override { bytes += size; }
  int requests = 0;
  uint64_t bytes = 0;
};

// Upgrades at once, or holds.
struct UpgradingHandler final : Handler {
  void serve(const Request& request, Responder responder) override {
    offer = read_websocket_offer(request, "p").value();
    if (hold) return held.push_back(std::move(responder));
    owner.take(responder.upgrade(offer));
  }
  bool hold = false;
  WebSocketOffer offer;
  std::vector<Responder> held;
  MadeUpOwner owner;
};

struct Upgrade : testing::Test {
  Upgrade() { server->accept(std::make_unique<FakeConnection>(peer)); }
  void turn() {
    loop.post([&] { loop.stop(); });
    loop.run();
  }

  net::Loop loop;
  Metrics metrics;
  FakePeer peer;
  CountingDoorman doorman;
  CountingMeter meter;
  UpgradingHandler handler;
  std::unique_ptr<Server> server = Server::make(loop, handler, {}, metrics, {&doorman, &meter});
};

TEST_F(Upgrade, the_connection_is_its_new_owners_from_the_101_on) {
  peer.send(request_text);
  EXPECT_THAT(peer.received, StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_THAT(peer.received, HasSubstr("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  EXPECT_THAT(peer.received, HasSubstr("sec-websocket-protocol: p\r\n"));
  EXPECT_THAT(peer.received, EndsWith("\r\n\r\n"));
  turn();
  peer.send("a frame");
  EXPECT_EQ(handler.owner.heard, "a frame");
  handler.owner.connection->write(Bytes::copy_of("an answer"));
  EXPECT_THAT(peer.received, EndsWith("\r\n\r\nan answer"));
  EXPECT_EQ(server->connections(), 0u);
  EXPECT_THAT(metrics.text(), HasSubstr("http_server_connections_ended_total{outcome=\"upgraded\"} 1"));
}

TEST_F(Upgrade, the_doorman_hears_when_it_leaves_and_the_meter_of_nothing_after_the_101) {
  peer.send(request_text);
  EXPECT_EQ(meter.requests, 0);
  EXPECT_EQ(doorman.inside, 1);
  EXPECT_EQ(meter.bytes, peer.received.size());
  handler.owner.connection->write(Bytes::copy_of("an answer"));
  EXPECT_EQ(meter.bytes + 9, peer.received.size());
  peer.leave();
  EXPECT_EQ(doorman.inside, 0);
}

TEST_F(Upgrade, it_outlives_the_server) {
  peer.send(request_text);
  server.reset();
  peer.send("a frame");
  EXPECT_EQ(handler.owner.heard, "a frame");
  EXPECT_FALSE(peer.gone);
  handler.owner.connection.reset();
  EXPECT_TRUE(peer.gone);
  EXPECT_EQ(doorman.inside, 0);
}

TEST_F(Upgrade, what_the_kernel_has_not_taken_goes_with_it) {
  peer.room = 10;
  peer.send(request_text);
  EXPECT_GT(handler.owner.connection->unsent(), 0u);
  peer.take(SIZE_MAX);
  EXPECT_EQ(handler.owner.drained, 1);
  EXPECT_THAT(peer.received, EndsWith("\r\n\r\n"));
}

TEST_F(Upgrade, a_held_request_is_upgraded_later) {
  handler.hold = true;
  peer.send(request_text);
  EXPECT_EQ(peer.received, "");
  handler.owner.take(handler.held.front().upgrade(handler.offer));
  ASSERT_TRUE(handler.owner.connection);
  turn();
  peer.send("a frame");
  EXPECT_EQ(handler.owner.heard, "a frame");
}

TEST_F(Upgrade, who_speaks_before_the_101_is_refused) {
  peer.send(std::string(request_text) + "GET");
  EXPECT_FALSE(handler.owner.connection);
  EXPECT_THAT(peer.received, StartsWith("HTTP/1.1 400 "));
}

TEST_F(Upgrade, who_speaks_while_the_request_is_held_is_refused) {
  handler.hold = true;
  peer.send(request_text);
  peer.send("early");
  EXPECT_FALSE(handler.held.front().upgrade(handler.offer));
  EXPECT_THAT(peer.received, StartsWith("HTTP/1.1 400 "));
}

TEST_F(Upgrade, who_left_meanwhile_gives_no_connection) {
  handler.hold = true;
  peer.send(request_text);
  peer.leave();
  EXPECT_FALSE(handler.held.front().upgrade(handler.offer));
}

TEST_F(Upgrade, a_server_that_goes_refuses) {
  handler.hold = true;
  peer.send(request_text);
  server->drain([] {});
  EXPECT_FALSE(handler.held.front().upgrade(handler.offer));
  EXPECT_THAT(peer.received, StartsWith("HTTP/1.1 503 "));
}

}  // namespace
}  // namespace klieg::http
