#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/server_test.h"

namespace klieg::http {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct MadeUpDoorman final : net::Doorman {
  Word arrives(std::string_view peer) override {
    EXPECT_EQ(peer, "192.0.2.1:4711");
    if (inside == room) return Word::too_many;
    ++inside;
    return Word::welcome;
  }
  void leaves(std::string_view peer) override {
    EXPECT_EQ(peer, "192.0.2.1:4711");
    --inside;
  }
  size_t room = 1;
  size_t inside = 0;
};

struct MadeUpMeter final : Meter {
  void request_began() override { ++in_flight; }
  void request_ended() override { --in_flight; }
  void sent(uint64_t bytes) override { bytes_sent += bytes; }
  int64_t in_flight = 0;
  uint64_t bytes_sent = 0;
};

struct Attended : testing::Test {
  void arrive(FakePeer& peer) { server->accept(std::make_unique<FakeConnection>(peer)); }

  net::Loop loop;
  Metrics metrics;
  TestHandler handler;
  MadeUpDoorman doorman;
  MadeUpMeter meter;
  FakePeer first, second, third;  // outlive their connections, which are the server's
  std::unique_ptr<Server> server = Server::make(loop, handler, {}, metrics, {&doorman, &meter});
};

TEST_F(Attended, who_is_one_too_many_is_told_and_goes) {
  arrive(first);
  arrive(second);
  EXPECT_THAT(second.received, StartsWith("HTTP/1.1 429 Too Many Requests\r\n"));
  EXPECT_THAT(second.received, HasSubstr("too many connections"));
  EXPECT_TRUE(second.closed);
  second.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_TRUE(handler.targets.empty());
  second.leave(net::Closed::by_us);
  EXPECT_EQ(doorman.inside, 1u) << "who was not let in does not leave";
  first.leave();
  EXPECT_EQ(doorman.inside, 0u);
  arrive(third);
  third.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_EQ(handler.targets, std::vector<std::string>{"/"});
  EXPECT_THAT(metrics.text(), HasSubstr("http_server_connections_ended_total{outcome=\"turned_away\"} 1"));
}

TEST_F(Attended, a_server_that_goes_lets_everybody_leave) {
  arrive(first);
  server.reset();
  EXPECT_EQ(doorman.inside, 0u);
}

TEST_F(Attended, requests_are_under_way_from_their_head_to_their_last_byte) {
  arrive(first);
  first.send("GET /a HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_EQ(meter.in_flight, 1);
  const auto log = std::make_shared<Log>();
  handler.held.front().respond(response_of(LogRange{log, 0, 5}));
  EXPECT_EQ(meter.in_flight, 1);
  log->append(Bytes::copy_of("12345"));
  EXPECT_EQ(meter.in_flight, 0);
  EXPECT_EQ(meter.bytes_sent, first.received.size());
  first.send("GET /b HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_EQ(meter.in_flight, 1);
  first.leave();
  EXPECT_EQ(meter.in_flight, 0);
}

}  // namespace
}  // namespace klieg::http
