// On loopback, with real sockets and with our own server on the other side.
#include "http/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "http/client_test.h"
#include "net/certificate_test.h"

namespace klieg::http {
namespace {

struct Loopback : testing::TestWithParam<Protocol> {
  void listen(std::shared_ptr<net::TlsServer> tls = nullptr, const Limits& limits = {}) {
    server = Server::make(loop, handler, limits, server_metrics);
    auto made = net::Listener::listen(loop, {"127.0.0.1", 0}, std::move(tls), {},
                                      [this](auto connection) { server->accept(std::move(connection)); });
    ASSERT_TRUE(made) << made.error().message;
    listener = std::move(*made);
  }
  Peer peer() const { return {listener->local(), listener->local().text(), net::TlsClient::none, GetParam(), {}}; }
  void make(const Peer& to, const ClientLimits& limits = {}) { client = Client::make(loop, to, limits, metrics); }
  std::unique_ptr<Exchange> ask(const std::string& target, TestAsker& asker, Method method = Method::get) {
    Ask ask;
    ask.method = method;
    ask.target = target;
    return client->ask(std::move(ask), asker);
  }
  void run_until_end(TestAsker& asker) {
    asker.in_end = [this] { loop.stop(); };
    net::Timer timeout(loop, [this] { loop.stop(); });
    timeout.arm(loop.now() + 20s);
    loop.run();
    asker.in_end = nullptr;
  }
  // Turns the loop until it is so.
  template <class Condition>
  void run_until(Condition so) {
    const LoopTime late = loop.now() + 20s;
    while (!so() && loop.now() < late) {
      loop.post([this] { loop.stop(); });
      loop.run();
    }
    ASSERT_TRUE(so()) << "waited 20 s in vain";
  }

  net::Loop loop;
  Metrics metrics, server_metrics;
  TestHandler handler;
  std::unique_ptr<Server> server;
  std::unique_ptr<net::Listener> listener;
  std::unique_ptr<Client> client;
};

INSTANTIATE_TEST_SUITE_P(Client, Loopback, testing::Values(Protocol::http1, Protocol::http2),
                         [](const auto& version) { return version.param == Protocol::http1 ? "http1" : "http2"; });

TEST_P(Loopback, a_large_body_comes_whole_and_its_connection_is_used_again) {
  std::string big(8'000'000, 'x');
  for (size_t i = 0; i < big.size(); i += 4096) big[i] = static_cast<char>('a' + i / 4096 % 26);
  const Bytes content = Bytes::copy_of(big);
  handler.answer = [&](const Request&) { return response_of(content); };
  listen();
  make(peer());
  for (int i = 0; i < 3; ++i) {
    TestAsker asker;
    const auto exchange = ask("/big", asker);
    run_until_end(asker);
    EXPECT_EQ(asker.end, ExchangeEnd::complete);
    EXPECT_EQ(asker.content_length, big.size());
    EXPECT_TRUE(asker.body == big);
  }
  EXPECT_EQ(server->connections(), 1u);
}

TEST_P(Loopback, a_log_is_followed_as_it_grows) {
  auto log = std::make_shared<Log>();
  handler.answer = [&](const Request&) { return response_of(LogRange{log, 0, std::nullopt}); };
  listen();
  make(peer());
  TestAsker asker;
  const auto exchange = ask("/live", asker);
  int appended = 0;
  asker.in_head = [&] { log->append(Bytes::copy_of("part ")); };
  asker.in_body = [&] { ++appended < 1000 ? log->append(Bytes::copy_of("part ")) : log->end(LogEnd::complete); };
  run_until_end(asker);
  EXPECT_EQ(asker.end, ExchangeEnd::complete);
  EXPECT_EQ(asker.body.size(), 5000u);
  EXPECT_EQ(asker.pieces, 1000u) << "each piece came by itself, as soon as it was there";
}

TEST_P(Loopback, a_log_that_is_aborted_never_looks_whole) {
  auto log = std::make_shared<Log>();
  log->append(Bytes::copy_of("half"));
  handler.answer = [&](const Request&) { return response_of(LogRange{log, 0, std::nullopt}); };
  listen();
  make(peer());
  TestAsker asker;
  const auto exchange = ask("/live", asker);
  asker.in_body = [&] { log->end(LogEnd::aborted); };
  run_until_end(asker);
  EXPECT_EQ(asker.body, "half");
  EXPECT_EQ(asker.end, ExchangeEnd::reset);
}

TEST_P(Loopback, a_server_that_drains_is_left_and_found_again) {
  handler.answer = [&](const Request&) { return response_of(Bytes::copy_of("x")); };
  listen();
  make(peer());
  TestAsker first, second;
  const auto a = ask("/", first);
  run_until_end(first);
  server->drain([] {});
  const auto old = std::move(server);
  server = Server::make(loop, handler, {}, server_metrics);
  const auto b = ask("/", second);  // on a connection that is being closed from the other side
  run_until_end(second);
  EXPECT_EQ(second.end, ExchangeEnd::complete);
  EXPECT_EQ(server->connections(), 1u);
}

TEST_P(Loopback, nobody_at_the_other_end_is_unreachable) {
  listen();
  const Peer gone = peer();
  listener.reset();
  make(gone);
  TestAsker asker;
  const auto exchange = ask("/", asker);
  run_until_end(asker);
  EXPECT_EQ(asker.end, ExchangeEnd::unreachable);
}

TEST_P(Loopback, a_peer_that_never_answers_is_given_up_in_time) {
  listen();  // the handler holds
  make(peer());
  TestAsker asker;
  Ask held;
  held.target = "/";
  held.head_time_max = 500ms;
  const auto exchange = client->ask(std::move(held), asker);
  run_until_end(asker);
  EXPECT_EQ(asker.end, ExchangeEnd::timed_out);
}

TEST_P(Loopback, a_paused_body_costs_no_more_than_what_may_be_kept) {
  const Bytes content = Bytes::copy_of(std::string(8'000'000, 'x'));
  handler.answer = [&](const Request&) { return response_of(content); };
  listen();
  make(peer());
  TestAsker asker;
  const auto exchange = ask("/big", asker);
  net::Timer later(loop, [&] {
    EXPECT_LE(asker.body.size(), 64u * 1024);
    exchange->resume();
  });
  bool paused = false;
  asker.in_body = [&] {
    if (std::exchange(paused, true)) return;
    exchange->pause();
    later.arm(loop.now() + 300ms);
  };
  run_until_end(asker);
  EXPECT_EQ(asker.end, ExchangeEnd::complete);
  EXPECT_EQ(asker.body.size(), content.size());
}

TEST_P(Loopback, a_client_that_is_destroyed_leaves_nothing_behind) {
  listen();
  make(peer());
  TestAsker asker;
  const auto exchange = ask("/", asker);
  run_until([&] { return !handler.held.empty(); });
  client.reset();
  run_until([&] { return server->connections() == 0; });
  EXPECT_FALSE(asker.end);
  EXPECT_TRUE(handler.held.at(0).viewer_gone());
}

struct LoopbackTls : Loopback {
  const net::TestCertificate files;
  std::shared_ptr<net::TlsServer> certificate =
      *net::TlsServer::load(files.certificate_file(), files.key_file(), {"h2", "http/1.1"});
  Version version{};
};

INSTANTIATE_TEST_SUITE_P(Client, LoopbackTls, testing::Values(Protocol::http1, Protocol::http2),
                         [](const auto& each) { return each.param == Protocol::http1 ? "http1" : "http2"; });

TEST_P(LoopbackTls, the_version_is_agreed_on_and_the_certificate_is_the_authoritys) {
  handler.answer = [&](const Request& request) {
    version = request.version;
    return response_of(Bytes::copy_of("hello"));
  };
  listen(certificate);
  Peer to = peer();
  to.tls = net::TlsClient::verify_peer;
  to.credentials = *net::TlsCredentials::load(files.certificate_file(), "", "");
  make(to);
  TestAsker asker;
  const auto exchange = ask("/", asker);
  run_until_end(asker);
  EXPECT_EQ(asker.end, ExchangeEnd::complete);
  EXPECT_EQ(asker.body, "hello");
  EXPECT_EQ(version, GetParam() == Protocol::http1 ? Version::http_1_1 : Version::http_2);

  to.authority = "other.example";
  make(to);
  TestAsker wrong_name;
  const auto other = ask("/", wrong_name);
  run_until_end(wrong_name);
  EXPECT_EQ(wrong_name.end, ExchangeEnd::unreachable);
}

TEST_P(LoopbackTls, a_stranger_is_unreachable) {
  listen(certificate);
  Peer to = peer();
  to.tls = net::TlsClient::verify_peer;
  make(to);
  TestAsker asker;
  const auto exchange = ask("/", asker);
  run_until_end(asker);
  EXPECT_EQ(asker.end, ExchangeEnd::unreachable);
}

}  // namespace
}  // namespace klieg::http
