// Against a real nats-server, over loopback: each test waits for what it is about.
#include "bus/nats.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <list>
#include <vector>

namespace klieg::bus {
namespace {

class NatsServer {
 public:
  NatsServer(uint16_t port, std::vector<std::string> arguments) : port_(port), arguments_(std::move(arguments)) {
    start();
  }
  ~NatsServer() { kill(); }
  NatsServer(const NatsServer&) = delete;
  NatsServer& operator=(const NatsServer&) = delete;

  void kill() {
    if (process_ > 0) ::kill(process_, SIGKILL);
    if (process_ > 0) ::waitpid(process_, nullptr, 0);
    process_ = 0;
  }
  // Whoever connects to it tries until it is there.
  void start() {
    std::vector<std::string> words = {"/usr/sbin/nats-server", "-a", "127.0.0.1", "-p", std::to_string(port_)};
    words.insert(words.end(), arguments_.begin(), arguments_.end());
    std::vector<char*> raw;
    for (std::string& word : words) raw.push_back(word.data());
    raw.push_back(nullptr);
    process_ = ::fork();
    if (process_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    ::dup2(nowhere, 2);
    ::execv(raw[0], raw.data());
    ::_exit(127);
  }

 private:
  const uint16_t port_;
  const std::vector<std::string> arguments_;
  pid_t process_ = 0;
};

struct NatsBus : testing::Test {
  NatsBus() {
    // Below what the kernel gives away, and another for each process: nobody takes it while the server is not there.
    for (port = static_cast<uint16_t>(10'000 + ::getpid() % 20'000);; ++port) {
      if (net::Listener::listen(loop, {"127.0.0.1", port}, nullptr, {}, [](auto) {})) return;
    }
  }
  void serve(std::vector<std::string> arguments = {}) { server.emplace(port, std::move(arguments)); }
  NatsSettings settings(wire::nats::Credentials credentials = {}) const {
    return {.servers = {{"127.0.0.1", port}}, .credentials = std::move(credentials), .name = "test"};
  }
  auto write_down(std::vector<std::string>& heard) {
    return [&heard](const Message& message) {
      heard.push_back(message.subject + "=" + std::string(message.payload.text()));
    };
  }
  // Turns the loop until it is so; fails after a minute.
  void run_until(const std::function<bool()>& so) {
    bool late = false;
    net::Timer deadline(loop, [&] {
      late = true;
      loop.stop();
    });
    deadline.arm(loop.now() + 60s);
    net::Timer again(loop, [&] { look(); });
    look = [&] { so() ? loop.stop() : again.arm(loop.now() + 1ms); };
    loop.post([this] { look(); });
    loop.run();
    ASSERT_FALSE(late) << "waited a minute in vain";
  }

  net::Loop loop;
  Metrics metrics;
  uint16_t port = 0;
  std::optional<NatsServer> server;
  std::function<void()> look;
  using Heard = std::vector<std::string>;
};

TEST(NatsSettings, come_as_a_url) {
  const auto plain = nats_settings_of("nats://bus.example");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->servers[0].text(), "bus.example:4222");
  const auto named = nats_settings_of("nats://ada:secret%@[2001:db8::1]:4000/");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->servers[0].text(), "[2001:db8::1]:4000");
  EXPECT_EQ(named->credentials.user, "ada");
  EXPECT_EQ(named->credentials.password, "secret%");
  EXPECT_EQ(nats_settings_of("nats://[2001:db8::1]")->servers[0].port, 4222);
  EXPECT_EQ(nats_settings_of("nats://t0ken@10.0.0.1:1")->credentials.token, "t0ken");
  for (const char* other : {"", "bus:4222", "http://bus", "nats://", "nats://:4222", "nats://a:1,b:2", "nats://a:b"}) {
    const auto read = nats_settings_of(other);
    EXPECT_FALSE(read) << other;
  }
}

TEST_F(NatsBus, nodes_hear_each_other_and_themselves_once_for_each_subscription) {
  serve();
  Nats one(loop, settings(), 1, metrics), two(loop, settings(), 2, metrics);
  Heard by_one, by_two, by_two_too;
  const auto a = one.subscribe(loop, "load.*", Loss::newest, write_down(by_one));
  const auto b = two.subscribe(loop, "load.*", Loss::newest, write_down(by_two));
  const auto c = two.subscribe(loop, "load.x", Loss::newest, write_down(by_two_too));
  // A subscription is the server's before what the same node says afterwards.
  one.publish("load.one", Bytes::copy_of("there"));
  two.publish("load.two", Bytes::copy_of("there"));
  run_until([&] { return one.caught_up() && two.caught_up(); });
  run_until([&] {
    one.publish("load.x", Bytes::copy_of("1"));
    return !by_two_too.empty();
  });
  by_one.clear(), by_two.clear(), by_two_too.clear();
  two.publish("other.x", Bytes::copy_of("to nobody"));
  two.publish("load.x", Bytes::copy_of("2"));
  one.publish("load.end", Bytes::copy_of("\r\n"));
  run_until([&] {
    return by_two.size() >= 2 && by_two.back() == "load.end=\r\n" && by_one.size() >= 2 && by_one.back() == "load.x=2";
  });
  EXPECT_EQ(std::ranges::count(by_one, "load.x=2"), 1);
  EXPECT_EQ(std::ranges::count(by_two, "load.x=2"), 1);
  EXPECT_EQ(std::ranges::count(by_two_too, "load.x=2"), 1);
  EXPECT_EQ(std::ranges::count(by_two, "load.end=\r\n"), 1);
}

TEST_F(NatsBus, a_node_is_certain_of_what_it_said_and_heard_while_the_server_answers) {
  Nats one(loop, settings(), 1, metrics), two(loop, settings(), 2, metrics);
  EXPECT_FALSE(one.certainty());
  Heard by_two;
  const auto a = two.subscribe(loop, "a", Loss::newest, write_down(by_two));
  serve();
  run_until([&] { return one.certainty() && two.certainty(); });
  one.publish("a", Bytes::copy_of("x"));
  const LoopTime said = loop.now();
  run_until([&] { return one.certainty()->up_to > said; });  // it has been passed on...
  const LoopTime passed_on = loop.now();
  run_until([&] { return two.certainty()->up_to > passed_on; });  // ...and handed over
  run_until([&] { return !by_two.empty(); });
  EXPECT_GE(two.certainty()->up_to, two.certainty()->since);
  server->kill();
  run_until([&] { return !one.certainty() && !two.certainty(); });
}

TEST_F(NatsBus, another_prefix_is_another_klieg) {
  serve();
  NatsSettings elsewhere = settings();
  elsewhere.prefix = "klieg.test";
  Nats one(loop, settings(), 1, metrics), same(loop, settings(), 2, metrics);
  Nats other(loop, elsewhere, 3, metrics), others_peer(loop, elsewhere, 4, metrics);
  Heard by_same, by_other;
  const auto a = same.subscribe(loop, "a", Loss::newest, write_down(by_same));
  const auto b = other.subscribe(loop, ">", Loss::newest, write_down(by_other));
  const auto said_by = [this](Nats& node, std::string_view subject, const Heard& until) {
    net::Timer again(loop, [&] {
      node.publish(subject, {});
      again.arm(loop.now() + 20ms);
    });
    again.arm(loop.now());
    run_until([&] { return !until.empty(); });
  };
  // Each is told what the server had before it, in order.
  said_by(others_peer, "b", by_other);
  said_by(one, "a", by_same);
  by_other.clear();
  said_by(others_peer, "b", by_other);
  EXPECT_EQ(std::ranges::count(by_other, "a="), 0);
}

TEST_F(NatsBus, while_the_server_is_away_a_node_hears_itself_and_others_hear_the_newest_afterwards) {
  serve();
  Nats one(loop, settings(), 1, metrics), two(loop, settings(), 2, metrics);
  Heard by_one, by_two;
  const auto a = one.subscribe(loop, ">", Loss::newest, write_down(by_one));
  const auto b = two.subscribe(loop, ">", Loss::newest, write_down(by_two));
  run_until([&] { return one.caught_up() && two.caught_up(); });
  server->kill();
  run_until([&] { return !one.trouble().empty() && !two.trouble().empty(); });
  one.publish("load.one", Bytes::copy_of("old"));
  one.publish("load.one", Bytes::copy_of("new"));
  run_until([&] { return by_one.size() == 2; });
  EXPECT_FALSE(one.caught_up());
  server->start();
  run_until([&] { return one.caught_up() && two.caught_up(); });
  EXPECT_EQ(one.trouble(), "");
  // It was heard if `two` was back before `one`, and else not at all: nothing is kept for who comes later.
  EXPECT_EQ(std::ranges::count(by_two, "load.one=old"), 0);
  run_until([&] {
    one.publish("load.one", Bytes::copy_of("newer"));
    return std::ranges::count(by_two, "load.one=newer") > 0;
  });
}

TEST_F(NatsBus, who_may_speak_is_the_servers_to_say) {
  serve({"--user", "ada", "--pass", "secret word"});
  Nats right(loop, settings({.user = "ada", .password = "secret word"}), 1, metrics);
  Nats wrong(loop, settings({.user = "ada", .password = "guess"}), 2, metrics);
  run_until([&] { return right.caught_up() && wrong.trouble().contains("Authorization"); });
  EXPECT_FALSE(wrong.caught_up());
}

TEST_F(NatsBus, a_token_is_as_good_as_a_name) {
  serve({"--auth", "t0ken"});
  Nats right(loop, settings({.token = "t0ken"}), 1, metrics);
  Nats wrong(loop, settings({.token = "guess"}), 2, metrics);
  run_until([&] { return right.caught_up() && wrong.trouble().contains("Authorization"); });
}

// Stands between a node and its server, and breaks the first connection at the Nth piece that passes, either way.
class Breaking {
 public:
  Breaking(net::Loop& loop, uint16_t server, int at) : loop_(loop), server_(server), left_(at) {
    listener_ = std::move(*net::Listener::listen(loop, {"127.0.0.1", 0}, nullptr, {}, [this](auto connection) {
      pairs_.emplace_back(*this).begin(std::move(connection));
    }));
  }
  uint16_t port() const { return listener_->local().port; }
  bool broken() const { return broken_; }

 private:
  struct Pair;
  struct Side final : net::ConnectionHandler {
    explicit Side(Pair& pair) : pair(pair) {}
    void on_bytes(ByteView bytes) override { pair.pass(*this, bytes); }
    void on_closed(net::Closed) override { pair.end(); }
    Pair& pair;
    std::unique_ptr<net::Connection> connection;
  };
  struct Pair {
    explicit Pair(Breaking& breaking) : breaking(breaking) {}
    void begin(std::unique_ptr<net::Connection> connection) {
      client.connection = std::move(connection);
      net::connect(breaking.loop_, {"127.0.0.1", breaking.server_}, net::TlsClient::none, 5s, [this](auto made) {
        if (!made) return end();
        server.connection = std::move(*made);
        server.connection->start(server);
        client.connection->start(client);
      });
    }
    void pass(Side& from, ByteView bytes) {
      Side& to = &from == &client ? server : client;
      if (!breaking.broken_ && breaking.left_-- == 0) {
        breaking.broken_ = true;
        return end();
      }
      to.connection->write(Bytes::copy_of(bytes));
    }
    void end() {
      client.connection.reset();
      server.connection.reset();
    }
    Breaking& breaking;
    Side client{*this}, server{*this};
  };

  net::Loop& loop_;
  const uint16_t server_;
  int left_;
  bool broken_ = false;
  std::list<Pair> pairs_;
  std::unique_ptr<net::Listener> listener_;
};

TEST_F(NatsBus, a_connection_that_breaks_at_any_moment_is_replaced_and_all_is_subscribed_again) {
  serve();
  Nats peer(loop, settings(), 1, metrics);
  Heard by_peer;
  const auto b = peer.subscribe(loop, "a", Loss::oldest, write_down(by_peer));
  run_until([&] { return peer.caught_up(); });
  for (int at = 0; at < 8; ++at) {
    Breaking breaking(loop, port, at);
    NatsSettings through = settings();
    through.servers = {{"127.0.0.1", breaking.port()}};
    Nats node(loop, through, 2, metrics);
    Heard by_node;
    const auto a = node.subscribe(loop, "b", Loss::oldest, write_down(by_node));
    const auto both_talk = [&] {
      node.publish("a", Bytes::copy_of("x"));
      peer.publish("b", Bytes::copy_of("y"));
      return !by_node.empty() && !by_peer.empty();
    };
    run_until([&] { return both_talk() && breaking.broken(); });
    by_node.clear(), by_peer.clear();
    run_until(both_talk);
  }
}

}  // namespace
}  // namespace klieg::bus
