// On loopback, with real sockets: each test waits for an event, with a deadline.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "net/certificate_test.h"
#include "net/listener.h"

namespace klieg::net {
namespace {

// Keeps what comes; says what happened.
struct Side final : ConnectionHandler {
  void hold(std::unique_ptr<Connection> made) {
    connection = std::move(made);
    connection->start(*this);
  }
  void on_bytes(ByteView bytes) override {
    received.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (then) then();
  }
  void on_drained() override { ++drained; }
  void on_closed(Closed why) override { closed = why; }

  std::unique_ptr<Connection> connection;
  std::string received;
  std::optional<Closed> closed;
  int drained = 0;
  std::function<void()> then;
};

struct Net : testing::Test {
  void listen(ListenerLimits limits = {}, std::shared_ptr<TlsServer> certificate = nullptr) {
    auto made = Listener::listen(loop, {"127.0.0.1", 0}, std::move(certificate), limits, [this](auto connection) {
      ++accepted;
      server.hold(std::move(connection));
    });
    ASSERT_TRUE(made) << made.error().message;
    listener = std::move(*made);
  }
  void connect(TlsClient tls = TlsClient::none) {
    net::connect(loop, {"127.0.0.1", listener->local().port}, tls, 5s, [this](auto made) {
      ASSERT_TRUE(made) << made.error().message;
      client.hold(std::move(*made));
    });
    run_until([this] { return client.connection && server.connection; });
  }
  // Turns the loop until it is so; fails after 10 s.
  void run_until(const std::function<bool()>& so) {
    Timer deadline(loop, [&] {
      ADD_FAILURE() << "waited 10 s in vain";
      loop.stop();
      late = true;
    });
    deadline.arm(loop.now() + 10s);
    std::function<void()> look = [&] { so() ? loop.stop() : loop.post([&] { look(); }); };
    loop.post([&] { look(); });
    loop.run();
    ASSERT_FALSE(late);
  }

  Loop loop;
  std::unique_ptr<Listener> listener;
  Side server, client;
  int accepted = 0;
  bool late = false;
};

TEST_F(Net, bytes_go_both_ways_and_an_orderly_end_is_told_apart_from_ours) {
  listen();
  connect();
  client.connection->write(Bytes::copy_of("ping"));
  run_until([&] { return server.received == "ping"; });
  const Bytes pieces[] = {Bytes::copy_of("po"), {}, Bytes::copy_of("ng")};
  server.connection->write(pieces);
  server.connection->close();
  run_until([&] { return client.closed.has_value(); });
  EXPECT_EQ(client.received, "pong");
  EXPECT_EQ(client.closed, Closed::by_peer);
  client.connection.reset();
  run_until([&] { return server.closed.has_value(); });
  EXPECT_EQ(server.closed, Closed::by_us);
}

TEST_F(Net, what_the_kernel_does_not_take_waits_and_arrives_in_order) {
  listen();
  connect();
  client.connection->pause_reading();
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    const std::string piece(10'000, static_cast<char>('a' + i % 26));
    expected += piece;
    server.connection->write(Bytes::copy_of(piece));
  }
  EXPECT_GT(server.connection->unsent(), 0u);
  client.connection->resume_reading();
  run_until([&] { return server.drained > 0 && client.received.size() == expected.size(); });
  EXPECT_EQ(client.received, expected);
  EXPECT_EQ(server.connection->unsent(), 0u);
}

// The peer's window is 64 KiB, and pieces of 64 KiB are on their way. Without the limit the kernel takes 2 MiB.
TEST_F(Net, the_kernel_holds_no_more_than_was_said) {
  listen();
  connect();
  client.connection->pause_reading();
  server.connection->limit_unsent_in_kernel(64 << 10);
  const std::string piece(10'000, 'a');
  size_t written = 0;
  for (; written < 4'000'000; written += piece.size()) server.connection->write(Bytes::copy_of(piece));
  EXPECT_LT(written - server.connection->unsent(), 512u << 10);
  client.connection->resume_reading();
  run_until([&] { return server.drained > 0 && client.received.size() == written; });
}

// No two places look alike for a while.
Bytes in_a_file(size_t size, uint8_t seed) {
  std::vector<uint8_t> content(size);
  for (size_t i = 0; i < size; ++i) content[i] = static_cast<uint8_t>(seed + i % 251 + i / 251 % 7);
  return Bytes::take(std::move(content)).put_in_file();
}

// Heads and bodies of pipelined answers, ranges, bodies by themselves: whatever is written, cut however the kernel and
// the peer like it.
RC_GTEST_FIXTURE_PROP(Net, what_lies_in_files_and_what_does_not_arrive_in_order, ()) {
  listen();
  connect();
  const Bytes file = in_a_file(900'000, 3);
  RC_ASSERT(file.in_file().has_value());
  std::string expected;
  const auto piece = [&]() -> Bytes {
    const auto size = *rc::gen::weightedOneOf<size_t>({{3, rc::gen::inRange<size_t>(0, 300)},
                                                       {2, rc::gen::inRange<size_t>(30'000, 36'000)},
                                                       {1, rc::gen::inRange<size_t>(36'000, 900'000)}});
    const Bytes slice = file.slice(*rc::gen::inRange<size_t>(0, file.size() - size + 1), size);
    return *rc::gen::arbitrary<bool>() ? slice : Bytes::copy_of(slice.view());
  };
  client.connection->pause_reading();
  const auto writes = *rc::gen::inRange(1, 12);
  for (int i = 0; i < writes; ++i) {
    std::vector<Bytes> pieces(*rc::gen::inRange<size_t>(0, 100));
    for (size_t at = 0; at < pieces.size() && expected.size() < 8'000'000; ++at) {
      pieces[at] = piece();
      expected += pieces[at].text();
    }
    server.connection->write(pieces);
    if (*rc::gen::arbitrary<bool>()) client.connection->resume_reading();
  }
  client.connection->resume_reading();
  run_until([&] { return client.received.size() >= expected.size() && server.connection->unsent() == 0; });
  RC_ASSERT(client.received == expected);
}

// The kernel has no copy of them: it refers to the pages, which must not become another content's meanwhile.
TEST_F(Net, what_was_sent_from_a_file_stays_as_it_was_when_the_file_is_gone) {
  listen();
  connect();
  client.connection->pause_reading();
  const std::string expected(in_a_file(100'000, 1).text());
  server.connection->write(in_a_file(100'000, 1));
  ASSERT_EQ(server.connection->unsent(), 0u) << "the kernel has it all, and we nothing";
  std::vector<Bytes> others;
  for (uint8_t i = 0; i < 50; ++i) others.push_back(in_a_file(100'000, i));
  client.connection->resume_reading();
  run_until([&] { return client.received.size() == expected.size(); });
  EXPECT_EQ(client.received, expected);
}

TEST_F(Net, a_file_of_which_a_part_waits_is_held_until_it_is_sent_or_the_connection_ends) {
  listen();
  connect();
  client.connection->pause_reading();
  Bytes file = in_a_file(20'000'000, 1);
  const int descriptor = file.in_file()->descriptor;
  server.connection->write(std::exchange(file, {}));
  EXPECT_GT(server.connection->unsent(), 0u);
  EXPECT_NE(::fcntl(descriptor, F_GETFD), -1);
  server.connection->abort();
  run_until([&] { return server.closed.has_value(); });
  EXPECT_EQ(::fcntl(descriptor, F_GETFD), -1);
}

TEST_F(Net, sending_a_file_to_a_peer_who_is_gone_ends_in_a_reset_and_not_in_a_signal) {
  listen();
  connect();
  client.connection.reset();
  server.connection->pause_reading();  // so that only writing can find out
  const Bytes file = in_a_file(100'000, 1);
  run_until([&] {
    server.connection->write(file);
    return server.closed.has_value();
  });
  EXPECT_EQ(server.closed, Closed::reset);
}

TEST_F(Net, what_a_connection_keeps_lives_until_its_socket_is_closed) {
  listen();
  connect();
  auto token = std::make_shared<int>(1);
  const std::weak_ptr<int> seen = token;
  server.connection->keep(std::move(token));
  EXPECT_FALSE(seen.expired());
  client.connection.reset();
  run_until([&] { return server.closed.has_value(); });
  EXPECT_TRUE(seen.expired()) << "though its owner still has it";
}

TEST_F(Net, closing_sends_all_that_is_queued_first) {
  listen();
  connect();
  const std::string much(20'000'000, 'x');
  server.connection->write(Bytes::copy_of(much));
  server.connection->close();
  run_until([&] { return client.closed.has_value(); });
  EXPECT_EQ(client.received.size(), much.size());
  EXPECT_EQ(client.closed, Closed::by_peer);
}

TEST_F(Net, an_abort_resets_the_peer_and_is_reported_in_a_later_turn) {
  listen();
  connect();
  server.connection->abort();
  EXPECT_FALSE(server.closed);
  run_until([&] { return server.closed && client.closed; });
  EXPECT_EQ(server.closed, Closed::by_us);
  EXPECT_EQ(client.closed, Closed::reset);
}

TEST_F(Net, a_connection_may_be_destroyed_inside_its_own_callback) {
  listen();
  connect();
  server.then = [&] { server.connection.reset(); };
  client.connection->write(Bytes::copy_of("die"));
  run_until([&] { return client.closed.has_value(); });
  EXPECT_FALSE(server.closed);
}

TEST_F(Net, writing_to_a_peer_who_is_gone_ends_in_a_reset) {
  listen();
  connect();
  client.connection.reset();
  server.connection->pause_reading();  // so that only writing can find out
  run_until([&] {
    server.connection->write(Bytes::copy_of("anyone?"));
    return server.closed.has_value();
  });
  EXPECT_EQ(server.closed, Closed::reset);
}

TEST_F(Net, connections_beyond_the_limit_wait_until_one_ends) {
  ListenerLimits limits;
  limits.connections_max = 1;
  listen(limits);
  connect();
  Side second;
  net::connect(loop, {"127.0.0.1", listener->local().port}, TlsClient::none, 5s,
               [&](auto made) { second.hold(std::move(*made)); });
  run_until([&] { return second.connection != nullptr; });  // in the kernel's queue
  EXPECT_EQ(accepted, 1);
  loop.post([&] { server.connection.reset(); });
  run_until([&] { return accepted == 2; });
}

TEST_F(Net, a_congestion_control_that_the_kernel_does_not_have_is_an_error_that_names_those_it_has) {
  ListenerLimits limits;
  limits.congestion_control = "foo";
  const auto made = Listener::listen(loop, {"127.0.0.1", 0}, nullptr, limits, [](auto) {});
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("'foo'"), std::string::npos) << made.error().message;
  EXPECT_NE(made.error().message.find("reno"), std::string::npos) << made.error().message;
}

TEST_F(Net, a_port_in_use_is_an_error_unless_it_is_shared) {
  listen();
  const Endpoint taken = listener->local();
  const auto second = Listener::listen(loop, taken, nullptr, {}, [](auto) {});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("in use"), std::string::npos) << second.error().message;

  ListenerLimits shared;
  shared.port_use = PortUse::shared;
  const auto one = Listener::listen(loop, {"127.0.0.1", 0}, nullptr, shared, [](auto) {});
  ASSERT_TRUE(one);
  EXPECT_TRUE(Listener::listen(loop, (*one)->local(), nullptr, shared, [](auto) {}));
}

TEST_F(Net, everywhere_is_ipv6_and_ipv4) {
  auto made =
      Listener::listen(loop, {"", 0}, nullptr, {}, [&](auto connection) { server.hold(std::move(connection)); });
  ASSERT_TRUE(made) << made.error().message;
  listener = std::move(*made);
  connect();
  EXPECT_TRUE(server.connection->peer().starts_with("127.0.0.1:")) << server.connection->peer();
}

TEST_F(Net, a_refused_connect_is_an_error_in_words) {
  listen();
  const Endpoint nobody = listener->local();
  listener.reset();
  std::optional<std::string> error;
  net::connect(loop, nobody, TlsClient::none, 5s,
               [&](auto made) { error = made ? "connected" : made.error().message; });
  run_until([&] { return error.has_value(); });
  EXPECT_NE(error->find("refused"), std::string::npos) << *error;
}

struct Tls : Net {
  void listen_tls(const std::vector<std::string>& protocols = {}) {
    auto loaded = TlsServer::load(files.certificate_file(), files.key_file(), protocols);
    ASSERT_TRUE(loaded) << loaded.error().message;
    certificate = *loaded;
    listen({}, certificate);
  }
  TestCertificate files;
  std::shared_ptr<TlsServer> certificate;
};

TEST_F(Tls, bytes_go_both_ways_and_end_in_order) {
  listen_tls();
  connect(TlsClient::accept_any_certificate);
  EXPECT_TRUE(server.connection->encrypted());
  client.connection->write(Bytes::copy_of("ping"));
  run_until([&] { return server.received == "ping"; });
  server.connection->write(Bytes::copy_of("pong"));
  server.connection->close();
  run_until([&] { return client.closed.has_value(); });
  EXPECT_EQ(client.received, "pong");
  EXPECT_EQ(client.closed, Closed::by_peer);
}

TEST_F(Tls, pieces_of_all_sizes_arrive_in_order_through_a_slow_reader) {
  listen_tls();
  connect(TlsClient::accept_any_certificate);
  client.connection->pause_reading();
  std::string expected;
  std::vector<Bytes> pieces;
  for (const size_t size : {1, 300, 16384, 62'000, 5, 16383, 16385, 250'000, 131'072, 7, 4'000'000}) {
    const std::string piece(size, static_cast<char>('a' + expected.size() % 26));
    expected += piece;
    pieces.push_back(Bytes::copy_of(piece));
  }
  // Twice, since the handshake ends in between: before it, what is written waits.
  server.connection->write(pieces);
  server.connection->write(pieces);
  expected += expected;
  EXPECT_GT(server.connection->unsent(), 0u);
  client.connection->resume_reading();
  run_until([&] { return client.received.size() == expected.size() && server.connection->unsent() == 0; });
  EXPECT_TRUE(client.received == expected);
}

TEST_F(Tls, a_server_may_speak_first) {
  listen_tls();
  server.then = nullptr;
  auto made = Listener::listen(loop, {"127.0.0.1", 0}, certificate, {}, [&](auto connection) {
    server.hold(std::move(connection));
    server.connection->write(Bytes::copy_of("hello"));
  });
  listener = std::move(*made);
  connect(TlsClient::accept_any_certificate);
  run_until([&] { return client.received == "hello"; });
}

TEST_F(Tls, a_certificate_that_nobody_vouches_for_is_refused_by_a_client_who_asks) {
  listen_tls();
  std::optional<std::string> error;
  net::connect(loop, listener->local(), TlsClient::verify_peer, 5s,
               [&](auto made) { error = made ? "connected" : made.error().message; });
  run_until([&] { return error && server.closed; });
  EXPECT_NE(error->find("self-signed"), std::string::npos) << *error;
  EXPECT_EQ(server.closed, Closed::tls_failed);
}

TEST_F(Tls, a_client_may_trust_authorities_of_its_own_and_offers_protocols) {
  listen_tls({"h2", "http/1.1"});
  for (const std::string protocol : {"http/1.1", "h2", "other"}) {
    TlsOptions options{TlsClient::verify_peer, "", {protocol}, *TlsCredentials::load(files.certificate_file(), "", "")};
    std::optional<std::string> agreed;
    net::connect(loop, listener->local(), options, 5s,
                 [&](auto made) { agreed = made ? (*made)->application_protocol() : made.error().message; });
    run_until([&] { return agreed.has_value(); });
    EXPECT_EQ(*agreed, protocol == "other" ? "" : protocol);
  }
}

TEST_F(Tls, the_name_a_client_expects_need_not_be_the_endpoints) {
  listen_tls();
  TlsOptions options{
      TlsClient::verify_peer, "other.example", {}, *TlsCredentials::load(files.certificate_file(), "", "")};
  std::optional<std::string> error;
  net::connect(loop, listener->local(), options, 5s,
               [&](auto made) { error = made ? "connected" : made.error().message; });
  run_until([&] { return error.has_value(); });
  EXPECT_NE(error->find("hostname mismatch"), std::string::npos) << *error;
}

TEST_F(Tls, credentials_that_cannot_be_used_say_which_file) {
  EXPECT_TRUE(TlsCredentials::load("", files.certificate_file(), files.key_file()));
  const auto nobody = TlsCredentials::load("/nobody.pem", "", "");
  ASSERT_FALSE(nobody);
  EXPECT_NE(nobody.error().message.find("/nobody.pem"), std::string::npos);
  const TestCertificate other;
  const auto mixed = TlsCredentials::load("", files.certificate_file(), other.key_file());
  ASSERT_FALSE(mixed);
  EXPECT_NE(mixed.error().message.find(other.key_file()), std::string::npos);
}

TEST_F(Tls, a_peer_that_speaks_no_tls_is_a_tls_failure) {
  listen_tls();
  connect();
  client.connection->write(Bytes::copy_of("GET / HTTP/1.1\r\n\r\n"));
  run_until([&] { return server.closed.has_value(); });
  EXPECT_EQ(server.closed, Closed::tls_failed);
}

TEST_F(Tls, a_renewed_certificate_is_taken_and_a_broken_one_refused_while_the_old_stays) {
  listen_tls();
  files.renew();
  EXPECT_TRUE(certificate->reload());
  std::fclose(std::fopen(files.key_file().c_str(), "w"));
  const auto broken = certificate->reload();
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message.find(files.key_file() + ": it holds no PRIVATE KEY in PEM"), std::string::npos)
      << broken.error().message;
  connect(TlsClient::accept_any_certificate);
  client.connection->write(Bytes::copy_of("still here"));
  run_until([&] { return server.received == "still here"; });
}

TEST(Loop, posted_work_runs_in_order_and_timers_in_theirs) {
  Loop loop;
  std::string order;
  Timer late(loop, [&] {
    order += "late ";
    loop.stop();
  });
  Timer cancelled(loop, [&] { order += "cancelled "; });
  late.arm(loop.now() + 20ms);
  cancelled.arm(loop.now() + 10ms);
  loop.post([&] { order += "first "; });
  loop.post([&] {
    order += "second ";
    cancelled.cancel();
    loop.dispatch([&] { order += "at once "; });
  });
  loop.run();
  EXPECT_EQ(order, "first second at once late ");
}

// What two loops of a server share: a port, a certificate; and how they are reached from elsewhere.
TEST_F(Tls, loops_on_threads_of_their_own_share_a_port_and_a_certificate) {
  certificate = *TlsServer::load(files.certificate_file(), files.key_file(), {});
  struct Echo final : ConnectionHandler {
    explicit Echo(std::unique_ptr<Connection> made) : connection(std::move(made)) { connection->start(*this); }
    void on_bytes(ByteView bytes) override { connection->write(Bytes::copy_of(bytes)); }
    void on_closed(Closed) override { connection.reset(); }
    std::unique_ptr<Connection> connection;
  };
  struct Worker {
    Loop loop;
    std::vector<std::unique_ptr<Echo>> echoes;
    std::unique_ptr<Listener> listener;
    std::thread thread;
  };
  Worker workers[2];
  ListenerLimits limits;
  limits.port_use = PortUse::shared;
  Endpoint at{"127.0.0.1", 0};
  for (Worker& worker : workers) {
    auto made = Listener::listen(worker.loop, at, certificate, limits, [&worker](auto connection) {
      worker.echoes.push_back(std::make_unique<Echo>(std::move(connection)));
    });
    ASSERT_TRUE(made) << made.error().message;
    worker.listener = std::move(*made);
    at = worker.listener->local();
    worker.thread = std::thread([&worker] { worker.loop.run(); });
  }
  constexpr size_t clients = 20;
  Side sides[clients];
  for (Side& side : sides) {
    net::connect(loop, at, TlsClient::accept_any_certificate, 10s, [&side](auto made) {
      ASSERT_TRUE(made) << made.error().message;
      side.hold(std::move(*made));
      side.connection->write(Bytes::copy_of("hello"));
    });
  }
  EXPECT_TRUE(certificate->reload());
  run_until([&] { return std::ranges::all_of(sides, [](const Side& side) { return side.received == "hello"; }); });
  std::atomic<int> posted = 0;
  for (Worker& worker : workers) {
    worker.loop.dispatch([&] {
      ++posted;
      worker.echoes.clear();
      worker.listener.reset();
      worker.loop.stop();
    });
    worker.thread.join();
  }
  EXPECT_EQ(posted, 2);
}

TEST(Endpoint, is_read_from_its_usual_forms) {
  EXPECT_EQ(Endpoint::parse("127.0.0.1:80")->text(), "127.0.0.1:80");
  EXPECT_EQ(Endpoint::parse("[::1]:443")->host, "::1");
  EXPECT_EQ(Endpoint::parse("[::1]:443")->text(), "[::1]:443");
  EXPECT_EQ(Endpoint::parse(":8080")->port, 8080);
  EXPECT_EQ(Endpoint::parse("8080")->host, "");
  for (const char* wrong : {"", ":", "host", "host:", "host:70000", "host:80x", "::1:80", "[::1]", "[::1]80"}) {
    EXPECT_FALSE(Endpoint::parse(wrong)) << wrong;
  }
  EXPECT_NE(Endpoint::parse("127.0.0.1").error().message.find("write HOST:PORT"), std::string::npos);
}

}  // namespace
}  // namespace klieg::net
