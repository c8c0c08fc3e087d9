#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/server_test.h"

namespace klieg::http {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct Http1 : testing::Test {
  void connect(const Limits& limits = {}) {
    server = Server::make(loop, handler, limits, metrics);
    server->accept(std::make_unique<FakeConnection>(peer));
  }
  // Runs what was posted.
  void turn() {
    loop.post([&] { loop.stop(); });
    loop.run();
  }
  std::string body() const {
    const size_t end = peer.received.find("\r\n\r\n");
    return end == std::string::npos ? "" : peer.received.substr(end + 4);
  }

  net::Loop loop;
  Metrics metrics;
  FakePeer peer;
  TestHandler handler;
  std::unique_ptr<Server> server;
};

constexpr auto get = "GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n";

TEST_F(Http1, a_response_leaves_in_one_write_with_its_length_and_date) {
  handler.answer = [](const Request&) { return response_of(Bytes::copy_of("hello")); };
  connect();
  peer.send(get);
  EXPECT_EQ(handler.targets, std::vector<std::string>{"/a?b"});
  EXPECT_THAT(peer.received, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(peer.received, HasSubstr("content-length: 5\r\n"));
  EXPECT_THAT(peer.received, HasSubstr(" GMT\r\n"));
  EXPECT_EQ(body(), "hello");
  EXPECT_EQ(peer.writes, 1u);
  EXPECT_FALSE(peer.closed);
}

TEST_F(Http1, a_held_request_is_answered_later_and_the_connection_goes_on) {
  connect();
  peer.send(get);
  EXPECT_EQ(peer.received, "");
  handler.held[0].respond(response_of(Bytes::copy_of("later")));
  EXPECT_EQ(body(), "later");
  peer.send(get);
  EXPECT_EQ(handler.held.size(), 2u);
}

TEST_F(Http1, a_responder_that_is_dropped_answers_500) {
  connect();
  peer.send(get);
  handler.held.clear();
  EXPECT_THAT(peer.received, StartsWith("HTTP/1.1 500 "));
}

TEST_F(Http1, an_answer_for_a_viewer_who_left_is_nothing) {
  connect();
  peer.send(get);
  peer.leave();
  EXPECT_TRUE(peer.gone);
  EXPECT_TRUE(handler.held[0].viewer_gone());
  handler.held[0].respond(response_of(Bytes::copy_of("nobody")));
  EXPECT_EQ(server->connections(), 0u);
}

TEST_F(Http1, pipelined_requests_are_answered_in_order_and_leave_together) {
  handler.answer = [](const Request& request) { return response_of(Bytes::copy_of(request.path)); };
  connect();
  peer.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /3 HTTP/1.1\r\nHo");
  EXPECT_EQ(peer.writes, 1u);
  peer.send("st: h\r\n\r\n");
  EXPECT_EQ(handler.targets, (std::vector<std::string>{"/1", "/2", "/3"}));
  EXPECT_LT(peer.received.find("\r\n\r\n/1"), peer.received.find("\r\n\r\n/2"));
  EXPECT_LT(peer.received.find("\r\n\r\n/2"), peer.received.find("\r\n\r\n/3"));
}

TEST_F(Http1, a_request_behind_a_held_one_waits_its_turn) {
  connect();
  peer.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(handler.held.size(), 1u);
  handler.held[0].respond(response_of(Bytes::copy_of("1")));
  turn();
  EXPECT_EQ(handler.held.size(), 2u);
}

TEST_F(Http1, a_flood_behind_a_held_request_stops_the_reading) {
  connect();
  peer.send(get);
  const std::string flood(40'000, 'x');
  for (int i = 0; i < 3; ++i) peer.send(flood);
  EXPECT_TRUE(peer.paused);
}

TEST_F(Http1, head_gets_the_length_and_no_body) {
  handler.answer = [](const Request&) { return response_of(Bytes::copy_of("hello")); };
  connect();
  peer.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(peer.received, HasSubstr("content-length: 5\r\n"));
  EXPECT_EQ(body(), "");
}

TEST_F(Http1, a_growing_log_is_sent_in_chunks_as_it_is_born) {
  auto log = std::make_shared<Log>();
  log->append(Bytes::copy_of("first"));
  handler.answer = [&](const Request&) { return response_of(LogRange{log, 0, std::nullopt}); };
  connect();
  peer.send(get);
  EXPECT_THAT(peer.received, HasSubstr("transfer-encoding: chunked\r\n"));
  EXPECT_EQ(body(), "5\r\nfirst\r\n");
  log->append(Bytes::copy_of("second"));
  EXPECT_EQ(body(), "5\r\nfirst\r\n6\r\nsecond\r\n");
  log->end(LogEnd::complete);
  EXPECT_EQ(body(), "5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n");
  peer.send(get);
  EXPECT_EQ(handler.targets.size(), 2u);
}

TEST_F(Http1, many_readers_of_a_log_are_told_a_few_a_turn_and_others_are_heard_meanwhile) {
  auto log = std::make_shared<Log>();
  handler.answer = [&](const Request& request) {
    return request.path == "/log" ? response_of(LogRange{log, 0, std::nullopt}) : response_of(Bytes::copy_of("whole"));
  };
  connect();
  std::vector<FakePeer> readers(250);
  for (FakePeer& reader : readers) {
    server->accept(std::make_unique<FakeConnection>(reader));
    reader.send("GET /log HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  const auto told = [&](std::string_view what) {
    return std::ranges::count_if(readers, [&](const FakePeer& reader) { return reader.received.contains(what); });
  };
  log->append(Bytes::copy_of("first"));
  EXPECT_EQ(told("first"), 100);
  std::ptrdiff_t told_before_the_other = 0;
  loop.post([&] {
    peer.send(get);
    EXPECT_EQ(body(), "whole");
    told_before_the_other = told("first");
  });
  readers[0].leave();  // readers[0] waited longest: it would have been the last
  log->append(Bytes::copy_of("second"));
  turn();
  EXPECT_EQ(told_before_the_other, 200);
  turn();
  EXPECT_EQ(told("first"), 249);
  // Those who were told the first alone gather for a while, because so many follow.
  EXPECT_EQ(told("b\r\nfirstsecond\r\n"), 149);
  turn();
  EXPECT_EQ(told("6\r\nsecond\r\n"), 0);
  log->append(Bytes::copy_of("third"));
  net::Timer later(loop, [&] { loop.stop(); });
  const auto all_are_told = [&](std::string_view what) {
    for (int ms = 0; ms < 1000 && told(what) < 249; ++ms) {
      later.arm(loop.now() + 1ms);
      loop.run();
    }
    return told(what) == 249;
  };
  EXPECT_TRUE(all_are_told("third\r\n"));
  EXPECT_EQ(told("b\r\nsecondthird\r\n"), 100);
  log->end(LogEnd::complete);
  for (int i = 0; i < 3; ++i) turn();
  EXPECT_EQ(told("0\r\n\r\n"), 249) << "the end waits for nothing";
  server.reset();  // its connections tell their peers that they are gone
}

TEST_F(Http1, a_part_with_known_end_of_a_growing_log_has_its_length) {
  auto log = std::make_shared<Log>();
  log->append(Bytes::copy_of("0123"));
  handler.answer = [&](const Request&) { return response_of(LogRange{log, 2, 6}); };
  connect();
  peer.send(get);
  EXPECT_THAT(peer.received, HasSubstr("content-length: 4\r\n"));
  EXPECT_EQ(body(), "23");
  log->append(Bytes::copy_of("4567"));
  EXPECT_EQ(body(), "2345");
}

TEST_F(Http1, an_aborted_log_ends_the_connection_without_the_last_chunk) {
  auto log = std::make_shared<Log>();
  handler.answer = [&](const Request&) { return response_of(LogRange{log, 0, std::nullopt}); };
  connect();
  peer.send(get);
  log->append(Bytes::copy_of("half"));
  log->end(LogEnd::aborted);
  EXPECT_THAT(peer.received, EndsWith("4\r\nhalf\r\n"));
  EXPECT_TRUE(peer.closed);
}

TEST_F(Http1, an_aborted_log_resets_an_http_1_0_viewer_who_could_not_tell_otherwise) {
  auto log = std::make_shared<Log>();
  handler.answer = [&](const Request&) { return response_of(LogRange{log, 0, std::nullopt}); };
  connect();
  peer.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_THAT(peer.received, Not(HasSubstr("chunked")));
  log->end(LogEnd::aborted);
  EXPECT_TRUE(peer.aborted);
}

TEST_F(Http1, a_reader_of_an_endless_log_that_lags_behind_what_is_kept_never_sees_a_last_chunk) {
  auto log = std::make_shared<Log>();
  log->append(Bytes::copy_of(std::string(2000, 'a')));
  handler.answer = [&](const Request&) { return response_of(LogRange{log, 0, std::nullopt}); };
  Limits limits;
  limits.unsent_max = 1000;
  peer.room = 0;
  connect(limits);
  peer.send(get);
  log->append(Bytes::copy_of("b"));
  log->forget_before(2000);
  peer.take(100'000);
  EXPECT_THAT(peer.received, EndsWith("a\r\n"));
  EXPECT_TRUE(peer.closed);
}

TEST_F(Http1, a_slow_reader_is_handed_no_more_than_the_limit_and_gets_everything_in_the_end) {
  auto log = std::make_shared<Log>();
  std::string whole;
  for (int i = 0; i < 100; ++i) {
    const std::string piece(1000, static_cast<char>('a' + i % 26));
    whole += piece;
    log->append(Bytes::copy_of(piece));
  }
  handler.answer = [&](const Request&) { return response_of(LogRange{log, 0, whole.size()}); };
  Limits limits;
  limits.unsent_max = 10'000;
  peer.room = 0;
  connect(limits);
  peer.send(get);
  size_t most = 0;
  for (int i = 0; i < 1000 && body() != whole; ++i) {
    most = std::max(most, peer.connection->unsent());
    peer.take(3000);
  }
  EXPECT_EQ(body(), whole);
  EXPECT_LE(most, limits.unsent_max);
}

TEST_F(Http1, a_fast_reader_gets_a_body_larger_than_the_limit_at_once) {
  const std::string whole(50'000, 'x');
  handler.answer = [&](const Request&) { return response_of(Bytes::copy_of(whole)); };
  Limits limits;
  limits.unsent_max = 10'000;
  connect(limits);
  peer.send(get);
  EXPECT_EQ(body(), whole);
}

TEST_F(Http1, a_request_body_arrives_whole_by_length_or_in_chunks) {
  handler.answer = [](const Request&) { return response_of(Bytes::copy_of("ok")); };
  connect();
  peer.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nab");
  EXPECT_TRUE(handler.bodies.empty());
  peer.send("cdefPOST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_THAT(peer.received, EndsWith("HTTP/1.1 100 Continue\r\n\r\n"));
  peer.send("3\r\nxyz\r\n0\r\n\r\n");
  EXPECT_EQ(handler.bodies, (std::vector<std::string>{"abcdef", "xyz"}));
}

TEST_F(Http1, a_refused_request_is_the_last_on_its_connection) {
  connect();
  peer.send("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nGET /x HTTP/1.1\r\n");
  EXPECT_THAT(peer.received, StartsWith("HTTP/1.1 400 "));
  EXPECT_TRUE(peer.closed);
  EXPECT_TRUE(handler.targets.empty());
}

TEST_F(Http1, a_head_beyond_the_limit_is_431_and_a_body_413) {
  connect();
  peer.send("GET /" + std::string(20'000, 'a'));
  EXPECT_THAT(peer.received, StartsWith("HTTP/1.1 431 "));
  FakePeer second;
  server->accept(std::make_unique<FakeConnection>(second));
  second.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
  EXPECT_THAT(second.received, StartsWith("HTTP/1.1 413 "));
  server.reset();
}

TEST_F(Http1, draining_ends_idle_connections_and_lets_an_exchange_finish) {
  FakePeer idle;
  connect();
  server->accept(std::make_unique<FakeConnection>(idle));
  peer.send(get);
  bool drained = false;
  server->drain([&] { drained = true; });
  EXPECT_TRUE(idle.closed);
  EXPECT_FALSE(peer.closed);
  idle.leave(net::Closed::by_us);
  handler.held[0].respond(response_of(Bytes::copy_of("last words")));
  EXPECT_THAT(peer.received, HasSubstr("connection: close\r\n"));
  EXPECT_TRUE(peer.closed);
  EXPECT_FALSE(drained);
  peer.leave(net::Closed::by_us);
  EXPECT_TRUE(drained);
}

TEST_F(Http1, each_wait_that_takes_too_long_has_an_outcome) {
  const LoopTime now = loop.now();
  const auto tick = [&](Duration after) { static_cast<ServerCore&>(*server).check_waits(now + after); };
  connect();
  peer.send("GET / HT");
  tick(9s);
  EXPECT_FALSE(peer.closed);
  tick(11s);
  EXPECT_THAT(peer.received, StartsWith("HTTP/1.1 408 "));
  EXPECT_TRUE(peer.closed);
  peer.leave(net::Closed::by_us);

  FakePeer idle;
  handler.answer = [](const Request&) { return response_of(Bytes::copy_of("ok")); };
  server->accept(std::make_unique<FakeConnection>(idle));
  idle.send(get);
  tick(74s);
  EXPECT_FALSE(idle.closed);
  tick(76s);
  EXPECT_TRUE(idle.closed);
  idle.leave(net::Closed::by_us);

  FakePeer stalled;
  stalled.room = 10;
  server->accept(std::make_unique<FakeConnection>(stalled));
  stalled.send(get);
  tick(1s);
  tick(29s);
  EXPECT_FALSE(stalled.aborted);
  tick(31s);
  EXPECT_TRUE(stalled.aborted);
  stalled.leave(net::Closed::by_us);

  for (const char* outcome : {"head_timeout", "idle_timeout", "stalled"}) {
    EXPECT_THAT(metrics.text(),
                HasSubstr("http_server_connections_ended_total{outcome=\"" + std::string(outcome) + "\"} 1"));
  }
}

TEST_F(Http1, who_takes_enough_may_be_slow_and_who_takes_drops_has_stalled) {
  connect();
  handler.answer = [](const Request&) { return response_of(Bytes::take(std::string(1'000'000, 'x'))); };
  const auto aborted_after_60s_of = [&](size_t taken_in_20s) {
    FakePeer slow;
    slow.room = 10;
    server->accept(std::make_unique<FakeConnection>(slow));
    slow.send(get);
    for (Duration waited = 0s; waited <= 60s && !slow.aborted; waited += 1s) {
      if (waited % 20s == 0s) slow.take(taken_in_20s);
      static_cast<ServerCore&>(*server).check_waits(loop.now() + waited);
    }
    const bool aborted = slow.aborted;
    slow.leave(net::Closed::by_us);
    return aborted;
  };
  EXPECT_TRUE(aborted_after_60s_of(1));
  EXPECT_FALSE(aborted_after_60s_of(Limits().taken_min));
}

TEST_F(Http1, a_held_request_may_wait_longer_than_any_limit) {
  connect();
  peer.send(get);
  static_cast<ServerCore&>(*server).check_waits(loop.now() + 1000s);
  EXPECT_FALSE(peer.closed || peer.aborted);
}

RC_GTEST_FIXTURE_PROP(Http1, any_fragmentation_of_the_bytes_gives_the_same_exchanges, ()) {
  handler.answer = [](const Request& request) { return response_of(Bytes::copy_of(request.path)); };
  connect();
  const std::string conversation =
      "GET /1?x HTTP/1.1\r\nHost: h\r\n\r\n\r\nPOST /2 HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\nabc"
      "POST /3 HTTP/1.1\r\nHost: h\r\ntransfer-encoding: chunked\r\n\r\n2;e=1\r\nde\r\n0\r\nt: 1\r\n\r\n"
      "GET /4 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  for (size_t at = 0; at < conversation.size();) {
    const auto size = *rc::gen::inRange<size_t>(1, 40);
    peer.send(conversation.substr(at, size));
    at += size;
  }
  RC_ASSERT(handler.targets == (std::vector<std::string>{"/1?x", "/2", "/3", "/4"}));
  RC_ASSERT(handler.bodies == (std::vector<std::string>{"", "abc", "de", ""}));
  RC_ASSERT(peer.closed);
}

}  // namespace
}  // namespace klieg::http
