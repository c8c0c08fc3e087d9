#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

#include "http/client_test.h"

namespace klieg::http {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct Http1Client : testing::Test, ClientWorld {
  Http1Client() : ClientWorld(Protocol::http1) {}
  // Asks, connects.
  FakePeer& begin(Method method = Method::get) {
    exchange = ask(asker, method);
    return accept();
  }
  // One exchange has been on this connection.
  FakePeer& used() {
    TestAsker first;
    const auto done = ask(first);
    FakePeer& peer = accept();
    peer.send(hello);
    EXPECT_EQ(first.end, ExchangeEnd::complete);
    peer.received.clear();
    return peer;
  }

  static constexpr std::string_view hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  TestAsker asker;
  std::unique_ptr<Exchange> exchange;
};

TEST_F(Http1Client, a_request_leaves_in_one_write_and_its_answer_is_handed_on) {
  FakePeer& peer = begin();
  EXPECT_EQ(peer.received, "GET /a?b HTTP/1.1\r\nhost: parent\r\n\r\n");
  EXPECT_EQ(peer.writes, 1u);
  peer.send("HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: 5\r\n\r\nhe");
  EXPECT_EQ(asker.status, 200);
  EXPECT_EQ(asker.content_length, 5u);
  EXPECT_EQ(asker.headers[0], std::pair(std::string("etag"), std::string("\"x\"")));
  EXPECT_EQ(asker.body, "he");
  EXPECT_FALSE(asker.end);
  peer.send("llo");
  EXPECT_EQ(asker.body, "hello");
  EXPECT_EQ(asker.end, ExchangeEnd::complete);
  EXPECT_EQ(outcome_count("complete"), 1);
  EXPECT_EQ(gauge("http_client_active_requests"), 0);
  EXPECT_EQ(gauge("http_client_open_connections"), 1);
}

TEST_F(Http1Client, headers_host_and_body_are_the_askers) {
  Ask ask;
  ask.method = Method::post;
  ask.target = "/";
  ask.headers = {{"host", "other"}, {"x", "y"}};
  ask.body = Bytes::copy_of("body");
  exchange = core->ask(std::move(ask), asker);
  FakePeer& peer = accept();
  EXPECT_EQ(peer.received, "POST / HTTP/1.1\r\nhost: other\r\nx: y\r\ncontent-length: 4\r\n\r\nbody");
  EXPECT_EQ(peer.writes, 1u);
}

TEST_F(Http1Client, a_connection_is_used_again) {
  FakePeer& peer = used();
  exchange = ask(asker);
  EXPECT_TRUE(attempts.empty());
  EXPECT_THAT(peer.received, StartsWith("GET "));
  peer.send(hello);
  EXPECT_EQ(asker.end, ExchangeEnd::complete);
}

TEST_F(Http1Client, a_connection_is_not_used_again_where_the_peer_says_so_or_says_too_much) {
  for (const std::string answer : {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
                                   "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
                                   "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n"}) {
    TestAsker each;
    const auto asked = ask(each);
    FakePeer& peer = accept();
    peer.send(answer);
    EXPECT_EQ(each.end, ExchangeEnd::complete) << answer;
    EXPECT_EQ(each.body, "x");
    EXPECT_TRUE(peer.gone) << answer;
  }
}

TEST_F(Http1Client, what_comes_unasked_is_nobodys_answer) {
  FakePeer& peer = used();
  peer.send("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(peer.gone);
  exchange = ask(asker);
  EXPECT_EQ(attempts.size(), 1u);
}

TEST_F(Http1Client, the_idle_end_before_their_peer_ends_them) {
  FakePeer& peer = used();
  check_waits(3s);
  EXPECT_FALSE(peer.gone);
  check_waits(5s);
  EXPECT_TRUE(peer.gone);
  EXPECT_EQ(gauge("http_client_open_connections"), 0);
}

TEST_F(Http1Client, bodies_end_as_they_are_delimited) {
  struct {
    Method method;
    std::string answer, body;
  } const cases[] = {
      {Method::get, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""},
      {Method::get,
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\"b\"\r\nhello\r\n1\r\n!\r\n0\r\nt: x\r\n\r\n",
       "hello!"},
      {Method::get, "HTTP/1.1 204 No Content\r\n\r\n", ""},
      {Method::get, "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", ""},
      {Method::head, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", ""},
      {Method::head, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ""},
      {Method::get,
       "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
       "2\r\n\r\nhi",
       "hi"},
  };
  FakePeer& peer = used();
  for (const auto& [method, answer, body] : cases) {
    for (const size_t cut : {answer.size(), size_t{1}, size_t{7}}) {
      TestAsker each;
      const auto asked = ask(each, method);
      for (size_t at = 0; at < answer.size(); at += cut) peer.send(answer.substr(at, cut));
      EXPECT_EQ(each.end, ExchangeEnd::complete) << answer;
      EXPECT_EQ(each.body, body) << answer;
      EXPECT_GE(each.status, 200) << answer;
      ASSERT_FALSE(peer.gone) << answer;
    }
  }
  EXPECT_EQ(core->connections(), 1u);
}

TEST_F(Http1Client, a_head_says_a_length_of_what_does_not_come) {
  begin(Method::head).send("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
  EXPECT_EQ(asker.content_length, 7u);
}

TEST_F(Http1Client, a_body_until_the_close_is_whole_only_after_an_orderly_one) {
  FakePeer& peer = begin();
  peer.send("HTTP/1.1 200 OK\r\n\r\nsome");
  peer.send("thing");
  EXPECT_FALSE(asker.end);
  peer.leave(net::Closed::by_peer);
  EXPECT_EQ(asker.body, "something");
  EXPECT_EQ(asker.end, ExchangeEnd::complete);
  TestAsker second;
  const auto asked = ask(second);
  FakePeer& other = accept();
  other.send("HTTP/1.1 200 OK\r\n\r\nsome");
  other.leave(net::Closed::reset);
  EXPECT_EQ(second.end, ExchangeEnd::reset);
}

TEST_F(Http1Client, an_early_end_is_a_reset) {
  for (const std::string part :
       {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "HTTP/1.1 100 Continue\r\n\r\n"}) {
    TestAsker each;
    const auto asked = ask(each);
    FakePeer& peer = accept();
    if (!part.empty()) peer.send(part);
    peer.leave();
    EXPECT_EQ(each.end, ExchangeEnd::reset) << part;
    EXPECT_TRUE(attempts.empty());
  }
}

TEST_F(Http1Client, what_is_not_http_is_malformed_and_ends_the_connection) {
  for (const std::string& answer :
       {std::string("garbage\r\n\r\n"), std::string("HTTP/1.1 101 Switching\r\n\r\n"),
        "HTTP/1.1 200 OK\r\nx: " + std::string(20'000, 'x'),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\n"),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(5000, 'x'),
        std::string("HTTP/2 200\r\n\r\n"), std::string("\0\0\6\4\0\0\0\0\0\n\n", 11)}) {
    TestAsker each;
    const auto asked = ask(each);
    FakePeer& peer = accept();
    peer.send(answer);
    EXPECT_EQ(each.end, ExchangeEnd::malformed) << answer;
    EXPECT_TRUE(peer.gone) << answer;
  }
  EXPECT_EQ(outcome_count("malformed"), 8);
}

TEST_F(Http1Client, a_request_lost_by_a_connection_used_before_is_sent_once_more) {
  FakePeer& peer = used();
  exchange = ask(asker);
  peer.leave();
  EXPECT_FALSE(asker.end);
  FakePeer& second = accept();
  EXPECT_THAT(second.received, StartsWith("GET /a?b "));
  second.send(hello);
  EXPECT_EQ(asker.end, ExchangeEnd::complete);
}

TEST_F(Http1Client, what_may_have_done_something_is_not_sent_twice) {
  FakePeer& peer = used();
  exchange = ask(asker, Method::post);
  peer.leave();
  EXPECT_EQ(asker.end, ExchangeEnd::reset);
}

TEST_F(Http1Client, nothing_is_sent_a_third_time) {
  FakePeer& peer = used();
  exchange = ask(asker);
  peer.leave();
  accept().leave();
  EXPECT_EQ(asker.end, ExchangeEnd::reset);
  EXPECT_TRUE(attempts.empty());
}

TEST_F(Http1Client, a_request_whose_answer_has_begun_is_not_sent_again) {
  FakePeer& peer = used();
  exchange = ask(asker);
  peer.send("H");
  peer.leave();
  EXPECT_EQ(asker.end, ExchangeEnd::reset);
}

TEST_F(Http1Client, a_dead_connection_takes_the_idle_ones_with_it) {
  TestAsker one, two;
  const auto first = ask(one), second = ask(two);
  FakePeer& a = accept();
  FakePeer& b = accept();
  a.send(hello);
  b.send(hello);
  exchange = ask(asker);
  (a.received.size() > b.received.size() ? a : b).leave();
  EXPECT_TRUE(a.gone && b.gone);
  EXPECT_EQ(attempts.size(), 1u);
}

TEST_F(Http1Client, an_unreachable_peer_ends_all_who_wait) {
  TestAsker second;
  exchange = ask(asker);
  const auto other = ask(second);
  refuse();
  EXPECT_EQ(asker.end, ExchangeEnd::unreachable);
  EXPECT_EQ(second.end, ExchangeEnd::unreachable);
  refuse();
  EXPECT_TRUE(attempts.empty());
}

TEST_F(Http1Client, where_a_connection_is_left_only_one_is_unreachable) {
  TestAsker second, third;
  FakePeer& peer = begin();
  const auto b = ask(second), c = ask(third);
  refuse();
  EXPECT_EQ(second.end, ExchangeEnd::unreachable);
  peer.send(hello);
  EXPECT_THAT(peer.received, HasSubstr("GET /a?b HTTP/1.1\r\nhost: parent\r\n\r\nGET "));
  peer.send(hello);
  EXPECT_EQ(third.end, ExchangeEnd::complete);
}

TEST_F(Http1Client, a_peer_that_never_answers_is_given_up_in_time) {
  FakePeer& peer = begin();
  check_waits(29s);
  EXPECT_FALSE(asker.end);
  check_waits(31s);
  EXPECT_EQ(asker.end, ExchangeEnd::timed_out);
  EXPECT_TRUE(peer.gone);
}

TEST_F(Http1Client, who_waits_for_a_connection_is_given_up_in_time) {
  Ask ask;
  ask.target = "/";
  ask.head_time_max = 2s;
  exchange = core->ask(std::move(ask), asker);
  check_waits(3s);
  EXPECT_EQ(asker.end, ExchangeEnd::timed_out);
}

TEST_F(Http1Client, a_body_that_stalls_is_given_up_and_one_that_may_rest_is_not) {
  FakePeer& peer = begin();
  peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
  check_waits(9s);
  EXPECT_FALSE(asker.end);
  check_waits(11s);
  EXPECT_EQ(asker.end, ExchangeEnd::timed_out);

  TestAsker patient;
  Ask endless;
  endless.target = "/";
  endless.stall_time_max = never;
  const auto asked = core->ask(std::move(endless), patient);
  FakePeer& other = accept();
  other.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
  check_waits(std::chrono::hours(24));
  EXPECT_FALSE(patient.end);
  other.send("1\r\ny\r\n");
  EXPECT_EQ(patient.body, "xy");
}

TEST_F(Http1Client, an_interim_response_does_not_prolong_the_wait) {
  FakePeer& peer = begin();
  peer.send("HTTP/1.1 102 Processing\r\n\r\n");
  check_waits(31s);
  EXPECT_EQ(asker.end, ExchangeEnd::timed_out);
}

TEST_F(Http1Client, a_paused_body_waits_in_the_kernel) {
  FakePeer& peer = begin();
  asker.in_body = [&] {
    asker.in_body = nullptr;
    exchange->pause();
  };
  peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
  EXPECT_TRUE(peer.paused);
  peer.send("1\r\nb\r\n1\r\nc\r\n");  // of the same read
  check_waits(60s);
  EXPECT_EQ(asker.body, "a");
  exchange->resume();
  EXPECT_FALSE(peer.paused);
  EXPECT_EQ(asker.body, "a") << "never from inside resume()";
  peer.send("1\r\nd\r\n");
  turn();
  EXPECT_EQ(asker.body, "abcd");
  peer.send("0\r\n\r\n");
  EXPECT_EQ(asker.end, ExchangeEnd::complete);
}

TEST_F(Http1Client, an_end_that_comes_in_a_pause_is_told_after_it) {
  FakePeer& peer = begin();
  exchange->pause();
  EXPECT_FALSE(peer.paused) << "the head still comes";
  peer.send(hello);
  EXPECT_EQ(asker.status, 200);
  EXPECT_EQ(asker.body, "");
  EXPECT_FALSE(peer.paused) << "the connection is free for others";
  TestAsker next;
  const auto other = ask(next);
  peer.send(hello);
  EXPECT_EQ(next.end, ExchangeEnd::complete);
  exchange->resume();
  turn();
  EXPECT_EQ(asker.body, "hello");
  EXPECT_EQ(asker.end, ExchangeEnd::complete);
}

TEST_F(Http1Client, pausing_again_before_the_rest_is_told_holds_it_back) {
  FakePeer& peer = begin();
  exchange->pause();
  peer.send(hello);
  exchange->resume();
  exchange->pause();
  turn();
  EXPECT_EQ(asker.body, "");
  asker.in_body = [&] { exchange->pause(); };
  exchange->resume();
  turn();
  EXPECT_EQ(asker.body, "hello");
  EXPECT_FALSE(asker.end);
  exchange->resume();
  turn();
  EXPECT_EQ(asker.end, ExchangeEnd::complete);
}

TEST_F(Http1Client, an_exchange_may_be_cancelled_wherever_it_is) {
  exchange = ask(asker);  // waiting
  exchange.reset();
  FakePeer& unused = accept();
  EXPECT_EQ(unused.received, "");

  exchange = ask(asker);  // asked
  exchange.reset();
  EXPECT_TRUE(unused.gone);

  FakePeer& in_head = begin();
  asker.in_head = [&] { exchange.reset(); };
  in_head.send(hello);
  EXPECT_EQ(asker.body, "");
  EXPECT_TRUE(in_head.gone);

  asker.in_head = nullptr;
  asker.in_body = [&] { exchange.reset(); };
  FakePeer& in_body = begin();
  in_body.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
  EXPECT_EQ(asker.body, "a");
  EXPECT_TRUE(in_body.gone);

  FakePeer& last = begin();
  last.send(hello);  // cancelled in the last piece
  EXPECT_EQ(asker.body, "ahello");
  EXPECT_FALSE(asker.end);

  asker.in_body = nullptr;
  asker.in_end = [&] { exchange.reset(); };
  begin().send(hello);
  EXPECT_EQ(asker.end, ExchangeEnd::complete);

  asker.end.reset();
  exchange = ask(asker);
  FakePeer& paused = peers.back();  // used again
  exchange->pause();
  paused.send(hello);
  exchange->resume();
  exchange.reset();
  turn();
  EXPECT_FALSE(asker.end);
  EXPECT_EQ(gauge("http_client_active_requests"), 0);
  EXPECT_EQ(outcome_count("cancelled"), 6);
}

TEST_F(Http1Client, the_client_may_be_destroyed_in_every_callback) {
  struct Case {
    std::function<void()> TestAsker::* where;
    std::string_view answer;
  };
  for (const auto& [where, answer] : {Case{&TestAsker::in_head, hello}, Case{&TestAsker::in_body, hello},
                                      Case{&TestAsker::in_end, hello}, Case{&TestAsker::in_end, "garbage\r\n\r\n"}}) {
    ClientWorld world(Protocol::http1);
    TestAsker first, second;
    first.*where = [&] { world.core->shut(); };
    const auto a = world.ask(first), b = world.ask(second);
    FakePeer& peer = world.accept();
    peer.send(answer);
    EXPECT_TRUE(peer.gone);
    EXPECT_FALSE(second.end);
    EXPECT_EQ(world.gauge("http_client_active_requests"), 0);
    EXPECT_EQ(world.gauge("http_client_open_connections"), 0);
  }
  ClientWorld world(Protocol::http1);
  TestAsker first, second;
  first.in_end = [&] { world.core->shut(); };
  const auto a = world.ask(first), b = world.ask(second);
  world.refuse();
  EXPECT_TRUE(first.end);
  EXPECT_FALSE(second.end);
}

TEST_F(Http1Client, asking_inside_on_end_uses_the_same_connection) {
  FakePeer& peer = begin();
  TestAsker next;
  std::unique_ptr<Exchange> asked;
  asker.in_end = [&] { asked = ask(next); };
  peer.send(hello);
  EXPECT_TRUE(attempts.empty());
  peer.send(hello);
  EXPECT_EQ(next.end, ExchangeEnd::complete);
}

TEST(Http1ClientLimits, more_asks_than_connections_wait_and_more_than_that_end) {
  ClientLimits limits;
  limits.connections_max = 2;
  limits.waiting_max = 2;
  ClientWorld world(Protocol::http1, limits);
  TestAsker askers[5];
  std::vector<std::unique_ptr<Exchange>> exchanges;
  for (int i = 0; i < 2; ++i) exchanges.push_back(world.ask(askers[i]));
  EXPECT_EQ(world.attempts.size(), 2u);
  FakePeer& a = world.accept();
  world.accept();
  for (int i = 2; i < 5; ++i) exchanges.push_back(world.ask(askers[i]));
  EXPECT_TRUE(world.attempts.empty());
  EXPECT_FALSE(askers[4].end) << "never from inside ask()";
  world.turn();
  EXPECT_EQ(askers[4].end, ExchangeEnd::too_many);
  for (int i = 0; i < 3; ++i) a.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(askers[0].end, ExchangeEnd::complete);
  EXPECT_EQ(askers[2].end, ExchangeEnd::complete);
  EXPECT_EQ(askers[3].end, ExchangeEnd::complete);
  EXPECT_FALSE(askers[1].end);
  a.leave();  // a peer that closes an idle connection is nothing
  EXPECT_EQ(world.core->connections(), 1u);
}

RC_GTEST_PROP(Http1ClientProperty, whatever_a_peer_says_an_exchange_ends_once, (std::string text, bool leaves)) {
  ClientWorld world(Protocol::http1);
  TestAsker asker;
  const auto exchange = world.ask(asker);
  FakePeer& peer = world.accept();
  peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (char& c : text) {
    if (peer.gone) break;
    c = "0123\r\n;a"[static_cast<uint8_t>(c) % 8];
    peer.send({&c, 1});
  }
  if (!peer.gone && leaves) peer.leave();
  if (!peer.gone) world.check_waits(20s);
  RC_ASSERT(asker.end.has_value());
}

}  // namespace
}  // namespace klieg::http
