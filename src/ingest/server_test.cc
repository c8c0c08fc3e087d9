#include "ingest/server.h"

#include <gtest/gtest.h>

#include <deque>
#include <thread>

#include "ingest/test_encoder.h"
#include "net/listener.h"

namespace klieg::ingest {
namespace {

// What the test keeps of a connection whose net::Connection half belongs to the server.
struct Line {
  TestEncoder encoder;
  net::ConnectionHandler* handler = nullptr;
  size_t unsent = 0;
  bool reading = true;
  bool closed = false;
  bool aborted = false;
  bool destroyed = false;
};

class FakeConnection : public net::Connection {
 public:
  explicit FakeConnection(Line& line) : line_(line) {}
  ~FakeConnection() override { line_.destroyed = true; }
  void start(net::ConnectionHandler& handler) override { line_.handler = &handler; }
  void write(std::span<const Bytes> pieces) override { line_.encoder.hear({pieces.begin(), pieces.end()}); }
  size_t unsent() const override { return line_.unsent; }
  void limit_unsent_in_kernel(uint32_t) override {}
  void keep(std::shared_ptr<void> token) override { kept_ = std::move(token); }
  void pause_reading() override { line_.reading = false; }
  void resume_reading() override { line_.reading = true; }
  void close() override { line_.closed = true; }
  void abort() override { line_.aborted = true; }
  const std::string& peer() const override { return peer_; }
  const std::string& application_protocol() const override { return protocol_; }
  bool encrypted() const override { return false; }

 private:
  Line& line_;
  std::string peer_ = "203.0.113.7:40312";
  std::string protocol_;
  std::shared_ptr<void> kept_;
};

struct Taken {
  std::vector<MediaMessage> messages;
  std::deque<Delivery> deliveries;
  std::optional<Departure> gone;
};

class FakePublication : public Publication {
 public:
  explicit FakePublication(Taken& taken) : taken_(taken) {}
  void on_message(MediaMessage message, Delivery delivery) override {
    taken_.messages.push_back(std::move(message));
    taken_.deliveries.push_back(std::move(delivery));
  }
  void on_gone(Departure why) override { taken_.gone = why; }

 private:
  Taken& taken_;
};

class FakeGate : public Gate {
 public:
  void claim(PublishRequest request, ClaimAnswer answer) override {
    requests.push_back(std::move(request));
    answers.push_back(std::move(answer));
  }
  void play(wire::rtmp::PlayRequest request, std::unique_ptr<net::Connection> connection) override {
    play_asked = std::move(request);
    player = std::move(connection);
  }
  void accept(Taken& taken) { answers.back()(Accepted{"anna", std::make_unique<FakePublication>(taken)}); }

  std::vector<PublishRequest> requests;
  std::vector<ClaimAnswer> answers;
  std::optional<wire::rtmp::PlayRequest> play_asked;
  std::unique_ptr<net::Connection> player;
};

struct MadeUpDoorman final : net::Doorman {
  Word arrives(std::string_view peer) override {
    EXPECT_EQ(peer, "203.0.113.7:40312");
    if (inside == room) return Word::too_many;
    ++inside;
    return Word::welcome;
  }
  void leaves(std::string_view) override { --inside; }
  size_t room = 100, inside = 0;
};

struct Studio {
  // Everything posted so far runs.
  void turn() {
    loop.post([this] { loop.stop(); });
    loop.run();
  }
  void exchange() {
    for (;;) {
      const Bytes said = line.encoder.take();
      if (said.empty()) return;
      if (!line.reading || line.closed || line.destroyed) return;
      line.handler->on_bytes(said);
    }
  }
  void ask_to_publish(uint32_t capabilities = 0) {
    server.take(std::make_unique<FakeConnection>(line));
    exchange();
    line.encoder.connect("live", "rtmp://host/live", capabilities);
    line.encoder.publish("secret");
    exchange();
  }
  void go_live(uint32_t capabilities = 0) {
    ask_to_publish(capabilities);
    gate.accept(taken);
    turn();
  }

  net::Loop loop;
  Metrics metrics;
  MadeUpDoorman doorman;
  FakeGate gate;
  Line line;
  Taken taken;
  ServerLimits limits;
  Server server{loop, gate, &doorman, metrics, limits, 7};
};

TEST(IngestServer, a_claim_carries_what_the_gate_needs_to_decide) {
  Studio studio;
  studio.ask_to_publish();
  ASSERT_EQ(studio.gate.requests.size(), 1u);
  const PublishRequest& request = studio.gate.requests[0];
  EXPECT_EQ(request.app, "live");
  EXPECT_EQ(request.key, "secret");
  EXPECT_EQ(request.peer, "203.0.113.7:40312");
  EXPECT_EQ(request.encoder, "Test/1.0");
  EXPECT_FALSE(studio.line.reading) << "nothing is read while the answer is awaited";
}

TEST(IngestServer, a_player_leaves_with_its_connection_and_nothing_is_left) {
  Studio studio;
  studio.server.take(std::make_unique<FakeConnection>(studio.line));
  studio.exchange();
  studio.line.encoder.connect();
  studio.line.encoder.command("createStream", 2, {});
  studio.line.encoder.command("play", 3, {"anna"}, 1);
  studio.exchange();
  ASSERT_TRUE(studio.gate.play_asked.has_value());
  EXPECT_EQ(studio.gate.play_asked->name, "anna");
  ASSERT_TRUE(studio.gate.player);
  EXPECT_FALSE(studio.line.destroyed);
  EXPECT_TRUE(studio.line.reading);
  EXPECT_EQ(studio.server.connection_count(), 0u);
  EXPECT_EQ(studio.line.encoder.commands_heard().size(), 2u) << "connect and createStream were answered before";
}

TEST(IngestServer, an_accepted_publishers_media_reaches_its_publication) {
  Studio studio;
  studio.go_live();
  EXPECT_EQ(studio.line.encoder.status(), "status NetStream.Publish.Start: on air");
  EXPECT_TRUE(studio.line.reading);
  studio.line.encoder.video(40, Bytes::copy_of("frame"));
  studio.exchange();
  ASSERT_EQ(studio.taken.messages.size(), 1u);
  EXPECT_EQ(studio.taken.messages[0].body, Bytes::copy_of("frame"));
}

TEST(IngestServer, a_refused_claim_is_told_and_closed) {
  Studio studio;
  studio.ask_to_publish();
  studio.gate.answers.back()(std::unexpected(Refusal{RefusalReason::wrong_key, "wrong key"}));
  studio.turn();
  EXPECT_EQ(studio.line.encoder.status(), "error NetStream.Publish.Denied: wrong key");
  studio.line.handler->on_closed(net::Closed::by_peer);
  EXPECT_TRUE(studio.line.destroyed);
  EXPECT_EQ(studio.server.connection_count(), 0u);
}

TEST(IngestServer, every_refusal_is_counted_and_logged_whoever_made_it) {
  Studio studio;
  testing::internal::CaptureStderr();
  studio.server.take(std::make_unique<FakeConnection>(studio.line));
  studio.exchange();
  studio.line.encoder.connect();
  studio.line.encoder.publish("");
  studio.exchange();
  Studio live;
  live.go_live();
  live.line.encoder.command("publish", 9, {"other", "live"}, 2);
  live.exchange();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("reason=no_key"), std::string::npos) << log;
  EXPECT_NE(log.find("this connection is publishing already"), std::string::npos) << log;
  EXPECT_NE(studio.metrics.text().find("klieg_ingest_refusals_total{reason=\"no_key\"} 1"), std::string::npos);
  EXPECT_NE(live.metrics.text().find("klieg_ingest_refusals_total{reason=\"already_live\"} 1"), std::string::npos);
}

TEST(IngestServer, an_answer_that_comes_after_the_encoder_left_gives_the_slot_back) {
  Studio studio;
  studio.ask_to_publish();
  studio.line.handler->on_closed(net::Closed::reset);
  EXPECT_TRUE(studio.line.destroyed);
  studio.gate.accept(studio.taken);
  studio.turn();
  EXPECT_EQ(studio.taken.gone, Departure::lost);
}

TEST(IngestServer, a_goodbye_is_told_apart_from_a_lost_connection) {
  {
    Studio studio;
    studio.go_live();
    studio.line.encoder.command("FCUnpublish", 6, {"secret"});
    studio.exchange();
    EXPECT_EQ(studio.taken.gone, Departure::unpublished);
  }
  Studio studio;
  studio.go_live();
  studio.line.handler->on_closed(net::Closed::by_peer);
  EXPECT_EQ(studio.taken.gone, Departure::lost);
}

TEST(IngestServer, a_broadcast_that_cannot_take_the_codec_says_so_from_its_own_loop) {
  Studio studio;
  studio.go_live();
  std::thread([publisher = studio.gate.requests[0].publisher] {
    publisher->refuse({RefusalReason::media_not_accepted, "codec vp6 is not accepted"});
  }).join();
  studio.turn();
  EXPECT_EQ(studio.line.encoder.status(), "error NetStream.Publish.Rejected: codec vp6 is not accepted");
  EXPECT_EQ(studio.taken.gone, Departure::lost);
  studio.line.encoder.video(80, Bytes::copy_of("more"));
  studio.exchange();
  EXPECT_TRUE(studio.taken.messages.empty());
}

TEST(IngestServer, a_publisher_port_outlives_its_connection) {
  Studio studio;
  studio.go_live();
  const std::shared_ptr<Publisher> publisher = studio.gate.requests[0].publisher;
  studio.line.handler->on_closed(net::Closed::by_peer);
  publisher->refuse({RefusalReason::taken_over, "taken over"});
  publisher->reconnect_elsewhere("rtmp://other/live");
  studio.turn();
  EXPECT_TRUE(studio.line.destroyed);
}

TEST(IngestServer, an_encoder_that_can_is_asked_to_connect_elsewhere) {
  Studio studio;
  studio.go_live(wire::rtmp::capability_reconnect);
  studio.gate.requests[0].publisher->reconnect_elsewhere("rtmp://other/live");
  studio.turn();
  EXPECT_TRUE(studio.line.encoder.status().starts_with("status NetConnection.Connect.ReconnectRequest"));
}

TEST(IngestServer, an_encoder_is_not_read_while_its_broadcast_is_behind) {
  Studio studio;
  studio.go_live();
  const Bytes frame = Bytes::copy_of(std::string(1 << 20, 'v'));
  for (int i = 0; i < 5; ++i) {
    studio.line.encoder.video(40 * i, frame);
    studio.exchange();
  }
  EXPECT_FALSE(studio.line.reading);
  const size_t taken = studio.taken.messages.size();
  EXPECT_LE(taken, 5u);
  // The broadcast catches up on another thread, one message after the other.
  std::thread([&] { studio.taken.deliveries.pop_front(); }).join();
  studio.turn();
  EXPECT_FALSE(studio.line.reading) << "not before half of it is dealt with";
  std::thread([&] { studio.taken.deliveries.clear(); }).join();
  studio.turn();
  EXPECT_TRUE(studio.line.reading);
}

TEST(IngestServer, an_encoder_that_does_not_read_its_answers_is_cut_off) {
  Studio studio;
  studio.go_live();
  studio.line.unsent = studio.limits.unsent_bytes_max + 1;
  studio.line.encoder.send(wire::rtmp::user_control(wire::rtmp::UserControl::ping_request, 1), 2);
  studio.exchange();
  EXPECT_TRUE(studio.line.aborted);
  EXPECT_EQ(studio.taken.gone, Departure::lost);
}

TEST(IngestServer, garbage_is_closed_and_counted_and_disturbs_nobody) {
  Studio studio;
  studio.go_live();
  Line stranger;
  studio.server.take(std::make_unique<FakeConnection>(stranger));
  stranger.handler->on_bytes(as_bytes("GET / HTTP/1.1\r\n"));
  EXPECT_TRUE(stranger.closed);
  stranger.handler->on_closed(net::Closed::by_us);
  EXPECT_TRUE(stranger.destroyed);
  EXPECT_NE(studio.metrics.text().find("outcome=\"not_rtmp\"} 1"), std::string::npos);
  studio.line.encoder.video(40, Bytes::copy_of("frame"));
  studio.exchange();
  EXPECT_EQ(studio.taken.messages.size(), 1u);
}

TEST(IngestServer, who_is_one_too_many_is_told_so_whatever_it_asks_for) {
  for (const bool plays : {false, true}) {
    Studio studio;
    studio.doorman.room = 0;
    testing::internal::CaptureStderr();
    studio.server.take(std::make_unique<FakeConnection>(studio.line));
    studio.exchange();
    studio.line.encoder.connect();
    plays ? studio.line.encoder.command("play", 3, {"anna"}, 1) : studio.line.encoder.publish("secret");
    studio.exchange();
    EXPECT_EQ(studio.line.encoder.status(),
              std::string(plays ? "error NetStream.Play.Failed" : "error NetStream.Publish.Rejected") +
                  ": too many connections from this address are open");
    EXPECT_TRUE(studio.gate.requests.empty());
    EXPECT_FALSE(studio.gate.play_asked);
    studio.line.handler->on_closed(net::Closed::by_peer);
    EXPECT_EQ(studio.doorman.inside, 0u) << "who was not let in does not leave";
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_NE(log.find("reason=too_many_here"), std::string::npos) << log;
    EXPECT_NE(studio.metrics.text().find("klieg_ingest_refusals_total{reason=\"too_many_here\"} 1"), std::string::npos);
  }
}

TEST(IngestServer, many_who_are_too_many_are_closed_without_a_word_and_with_one_in_the_log) {
  Studio studio{.limits = {.turned_away_max = 1}};
  studio.doorman.room = 0;
  Line second, third;
  testing::internal::CaptureStderr();
  studio.server.take(std::make_unique<FakeConnection>(studio.line));
  studio.server.take(std::make_unique<FakeConnection>(second));
  studio.server.take(std::make_unique<FakeConnection>(third));
  EXPECT_FALSE(studio.line.destroyed);
  EXPECT_TRUE(second.destroyed);
  EXPECT_TRUE(third.destroyed);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(log.find("without a word"), log.rfind("without a word")) << log;
  EXPECT_NE(studio.metrics.text().find("reason=\"too_many_here\"} 2"), std::string::npos);
  studio.line.handler->on_closed(net::Closed::by_peer);
  Line fourth;
  studio.server.take(std::make_unique<FakeConnection>(fourth));
  EXPECT_FALSE(fourth.destroyed) << "there is time for one again";
  fourth.handler->on_closed(net::Closed::by_peer);
}

TEST(IngestServer, a_connection_counts_until_it_is_gone_whoever_has_it_then) {
  Studio studio;
  studio.go_live();
  EXPECT_EQ(studio.doorman.inside, 1u);
  studio.line.handler->on_closed(net::Closed::by_peer);
  EXPECT_EQ(studio.doorman.inside, 0u);
  Line line;
  studio.server.take(std::make_unique<FakeConnection>(line));
  line.handler->on_bytes(line.encoder.take());
  line.handler->on_bytes(line.encoder.take());
  line.encoder.connect();
  line.encoder.command("play", 3, {"anna"}, 1);
  line.handler->on_bytes(line.encoder.take());
  ASSERT_TRUE(studio.gate.player);
  EXPECT_EQ(studio.doorman.inside, 1u);
  studio.gate.player.reset();
  EXPECT_EQ(studio.doorman.inside, 0u);
}

TEST(IngestServer, stopping_tells_every_encoder_and_ends_when_the_last_is_gone) {
  Studio studio;
  studio.go_live();
  bool stopped = false;
  studio.server.stop([&] { stopped = true; });
  EXPECT_TRUE(studio.line.encoder.status().starts_with("error NetStream.Publish.Rejected: the server is stopping"));
  EXPECT_EQ(studio.taken.gone, Departure::lost);
  studio.turn();
  EXPECT_FALSE(stopped);
  studio.line.handler->on_closed(net::Closed::by_peer);
  studio.turn();
  EXPECT_TRUE(stopped);
}

TEST(IngestServer, stopping_does_not_wait_for_an_encoder_that_takes_no_words) {
  Studio studio{.limits = {.session = {.words_linger = 1ms}, .close_within_stopping = 1ms}};
  studio.go_live();
  studio.server.stop([] {});
  net::Timer look(studio.loop, [&] {
    if (studio.line.aborted) return studio.loop.stop();
    look.arm(studio.loop.now() + 1ms);
  });
  look.arm(studio.loop.now());
  net::Timer patience(studio.loop, [&] { studio.loop.stop(); });
  patience.arm(studio.loop.now() + 4s);
  studio.loop.run();
  EXPECT_TRUE(studio.line.closed);
  EXPECT_TRUE(studio.line.aborted) << "not within 4 s";
}

TEST(IngestServer, a_delivery_that_dies_after_its_connection_and_loop_tells_nobody) {
  auto in_flight = std::make_shared<InFlight>();  // no loop any more, no connection
  {
    const Delivery delivery(in_flight, 100);
    in_flight->waited_for = true;
  }
  EXPECT_EQ(in_flight->bytes, 0u);
}

TEST(IngestServer, the_key_is_never_logged) {
  Studio studio;
  testing::internal::CaptureStderr();
  studio.go_live();
  studio.line.handler->on_closed(net::Closed::by_peer);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("anna"), std::string::npos) << log;
  EXPECT_NE(log.find("Test/1.0"), std::string::npos) << log;
  EXPECT_EQ(log.find("secret"), std::string::npos) << log;
}

}  // namespace
}  // namespace klieg::ingest
