#include "broadcaster/client_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace klieg::broadcaster {
namespace {

namespace rtmp = wire::rtmp;
namespace amf0 = wire::amf0;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr LoopTime t0{};

// The other end, by hand: shakes hands, then keeps what arrives and says what it is told to say.
class Peer {
 public:
  explicit Peer(ClientSettings settings = {.application = "live", .tc_url = "rtmp://host/live", .stream_key = "key"})
      : session(std::move(settings), 7, t0) {}

  void exchange() {
    while (true) {
      const std::vector<Bytes> output = session.take_output();
      if (output.empty()) return;
      const Bytes joined = Bytes::join(output);
      ByteView bytes = joined.view();
      ByteWriter answer;
      if (handshake_.state() != rtmp::HandshakeState::done) handshake_.receive(bytes, answer);
      if (answer.size() > 0) session.receive(answer.view(), t0);
      if (handshake_.state() != rtmp::HandshakeState::done) continue;
      while (auto message = reader_.read(bytes).value()) heard.push_back(*message);
    }
  }

  void say(const rtmp::Message& message, LoopTime now = t0) {
    std::vector<Bytes> out;
    writer_.write(message, rtmp::command_chunk_stream, out);
    const Bytes joined = Bytes::join(out);
    session.receive(joined, now);
    exchange();
  }
  void say(const rtmp::Command& command, uint32_t stream_id = 0) { say(rtmp::command_message(command, stream_id)); }

  // As far as the session goes by itself with a friendly server.
  void go_on_air() {
    exchange();
    say(rtmp::Command{"_result",
                      1,
                      amf0::Object{},
                      {rtmp::status_info(rtmp::StatusLevel::status, "NetConnection.Connect.Success", "")}});
    say(rtmp::Command{"_result", 4, amf0::Null{}, {amf0::Value(5.0)}});
    say(rtmp::on_status(rtmp::StatusLevel::status, "NetStream.Publish.Start", "go"), 5);
  }

  std::vector<std::string> commands() const {
    std::vector<std::string> names;
    for (const rtmp::Message& message : heard) {
      if (message.type == rtmp::MessageType::amf0_command) names.push_back(rtmp::parse_command(message)->name);
    }
    return names;
  }
  rtmp::Command command(std::string_view name) const {
    for (const rtmp::Message& message : heard) {
      if (message.type != rtmp::MessageType::amf0_command) continue;
      if (auto command = rtmp::parse_command(message); command->name == name) return *command;
    }
    ADD_FAILURE() << "never heard " << name;
    return {};
  }
  template <class Event>
  Event event() {
    while (auto next = session.next_event()) {
      if (auto* wanted = std::get_if<Event>(&*next)) return *wanted;
    }
    ADD_FAILURE() << "that event did not happen";
    return {};
  }

  ClientSession session;
  std::vector<rtmp::Message> heard;

 private:
  rtmp::HandshakeServer handshake_{3};
  rtmp::ChunkReader reader_{1 << 20};
  rtmp::ChunkWriter writer_;
};

TEST(client_session, it_asks_for_everything_an_encoder_asks_for_and_goes_on_air) {
  Peer peer;
  peer.go_on_air();
  EXPECT_THAT(peer.commands(), ElementsAre("connect", "releaseStream", "FCPublish", "createStream", "publish"));
  EXPECT_EQ(peer.session.state(), ClientState::on_air);
  EXPECT_FALSE(peer.session.wake_at());
  peer.event<WentOnAir>();

  const rtmp::Command publish = peer.command("publish");
  EXPECT_EQ(publish.text_argument(0), "key");
  EXPECT_EQ(publish.text_argument(1), "live");
  EXPECT_EQ(peer.heard.back().stream_id, 5u);
}

TEST(client_session, an_enhanced_client_says_what_it_can_send_and_a_legacy_one_nothing) {
  Peer enhanced;
  enhanced.exchange();
  const rtmp::ConnectRequest request = rtmp::parse_connect(enhanced.command("connect"));
  EXPECT_EQ(request.app, "live");
  EXPECT_EQ(request.tc_url, "rtmp://host/live");
  EXPECT_THAT(request.capabilities.video, testing::Contains(rtmp::FourCc{"hvc1", rtmp::fourcc_can_encode}));
  EXPECT_THAT(request.capabilities.audio, testing::Contains(rtmp::FourCc{"Opus", rtmp::fourcc_can_encode}));
  EXPECT_THAT(request.capabilities.fourccs, testing::Contains("av01"));
  EXPECT_EQ(request.capabilities.extended, rtmp::capability_reconnect);

  Peer legacy({.application = "live", .tc_url = "", .stream_key = "key", .dialect = Dialect::legacy});
  legacy.exchange();
  EXPECT_TRUE(rtmp::parse_connect(legacy.command("connect")).capabilities.empty());
}

TEST(client_session, both_handshakes_lead_to_connect) {
  for (const auto form : {rtmp::HandshakeForm::simple, rtmp::HandshakeForm::digest}) {
    Peer peer({.application = "live", .tc_url = "", .stream_key = "key", .handshake = form});
    peer.exchange();
    EXPECT_THAT(peer.commands(), ElementsAre("connect"));
  }
}

TEST(client_session, media_arrives_whole_with_its_time_on_the_stream_that_was_made) {
  Peer peer;
  peer.go_on_air();
  const Bytes body = Bytes::take(std::vector<uint8_t>(100'000, 0x17));
  peer.session.send(rtmp::MessageType::video, 0x01'00'00'00, body);
  peer.exchange();
  EXPECT_EQ(peer.heard.back(), (rtmp::Message{rtmp::MessageType::video, 5, 0x01'00'00'00, body}));
}

TEST(client_session, the_servers_words_are_handed_on_when_it_refuses) {
  Peer peer;
  peer.exchange();
  peer.say(rtmp::Command{"_result", 1, amf0::Object{}, {}});
  peer.say(rtmp::Command{"_result", 4, amf0::Null{}, {amf0::Value(1.0)}});
  peer.say(rtmp::on_status(rtmp::StatusLevel::error, "NetStream.Publish.BadName", "already live"), 1);
  const auto ended = peer.event<ClientEnded>();
  EXPECT_EQ(ended.why, ClientEnd::refused);
  EXPECT_EQ(ended.code, "NetStream.Publish.BadName");
  EXPECT_EQ(ended.words, "already live");
}

TEST(client_session, a_refusal_in_the_middle_of_the_broadcast_ends_it) {
  Peer peer;
  peer.go_on_air();
  peer.say(rtmp::on_status(rtmp::StatusLevel::error, "NetStream.Publish.Rejected", "codec X is not accepted"), 5);
  EXPECT_EQ(peer.event<ClientEnded>().words, "codec X is not accepted");
}

TEST(client_session, a_refused_connect_is_a_refusal_but_an_unknown_releaseStream_is_not) {
  Peer refused;
  refused.exchange();
  refused.say(rtmp::Command{
      "_error",
      1,
      amf0::Null{},
      {rtmp::status_info(rtmp::StatusLevel::error, "NetConnection.Connect.Rejected", "no such application")}});
  EXPECT_EQ(refused.event<ClientEnded>().words, "no such application");

  Peer simple;
  simple.exchange();
  simple.say(rtmp::Command{"_result", 1, amf0::Object{}, {}});
  simple.say(rtmp::Command{"_error", 2, amf0::Null{}, {}});
  simple.say(rtmp::Command{"_error", 3, amf0::Null{}, {}});
  simple.say(rtmp::Command{"_result", 4, amf0::Null{}, {amf0::Value(1.0)}});
  EXPECT_EQ(simple.session.state(), ClientState::asking);
}

TEST(client_session, each_step_has_ten_seconds_to_be_answered) {
  Peer peer;
  EXPECT_EQ(peer.session.wake_at(), t0 + 10s);
  peer.session.wake(t0 + 9'999ms);
  EXPECT_EQ(peer.session.state(), ClientState::handshaking);
  peer.session.wake(t0 + 10s);
  const auto ended = peer.event<ClientEnded>();
  EXPECT_EQ(ended.why, ClientEnd::not_answering);
  EXPECT_THAT(ended.words, HasSubstr("handshaking"));
}

TEST(client_session, pings_are_answered_and_windows_acknowledged) {
  Peer peer;
  peer.go_on_air();
  peer.say(rtmp::user_control(rtmp::UserControl::ping_request, 1234));
  const auto pong = rtmp::parse_user_control(peer.heard.back());
  EXPECT_EQ(pong->event, rtmp::UserControl::ping_response);
  EXPECT_EQ(pong->value, 1234u);

  peer.say(rtmp::window_acknowledgement_size(100));
  peer.heard.clear();
  while (peer.heard.empty()) peer.say(rtmp::user_control(rtmp::UserControl::stream_begin, 1));
  EXPECT_EQ(peer.heard.back().type, rtmp::MessageType::acknowledgement);
}

TEST(client_session, being_asked_to_connect_elsewhere_is_told_with_the_address) {
  Peer peer;
  peer.go_on_air();
  peer.say(rtmp::reconnect_request("rtmp://other/live", "draining"));
  EXPECT_EQ(peer.event<ReconnectAsked>().tc_url, "rtmp://other/live");
  EXPECT_EQ(peer.session.state(), ClientState::on_air);
}

TEST(client_session, it_says_goodbye) {
  Peer peer;
  peer.go_on_air();
  peer.session.finish();
  peer.exchange();
  EXPECT_EQ(peer.command("FCUnpublish").text_argument(0), "key");
  EXPECT_THAT(peer.commands().back(), "deleteStream");
  EXPECT_EQ(peer.event<ClientEnded>().why, ClientEnd::finished);
}

TEST(client_session, bytes_that_are_no_rtmp_end_it_however_they_are_cut) {
  const std::string page = "HTTP/1.1 400 Bad Request\r\n\r\n" + std::string(5000, 'x');
  for (const size_t cut : {size_t{1}, size_t{100}, page.size()}) {
    ClientSession session({}, 1, t0);
    for (size_t at = 0; at < page.size(); at += cut)
      session.receive(as_bytes(page).subspan(at, std::min(cut, page.size() - at)), t0);
    EXPECT_EQ(session.state(), ClientState::closed) << cut;
  }
}

TEST(client_session, a_command_that_makes_no_sense_ends_it) {
  Peer peer;
  peer.exchange();
  peer.say({rtmp::MessageType::amf0_command, 0, 0, Bytes::copy_of("\xFF\xFF")});
  EXPECT_EQ(peer.event<ClientEnded>().why, ClientEnd::malformed);
}

TEST(client_session, learns_the_servers_clock_from_its_answer_to_connect) {
  constexpr WallTime noon(1'800'000'000s);
  Peer peer;
  peer.exchange();
  peer.say(rtmp::command_message(rtmp::connect_result({}, 1, {}, noon), 0), t0 + 300ms);
  ASSERT_TRUE(peer.session.server_clock());
  const ServerClock clock = *peer.session.server_clock();
  EXPECT_EQ(clock.error_max, 150ms);
  EXPECT_EQ(correction_by(clock, t0 + 150ms, noon - 2s), 2s);
  EXPECT_EQ(correction_by(clock, t0 + 1150ms, noon + 3s), -2s);
  EXPECT_EQ(correction_by(clock, t0 + 150ms, noon + 150ms), 0s) << "that may be the network's";

  Peer of_another_kind;
  of_another_kind.go_on_air();
  EXPECT_FALSE(of_another_kind.session.server_clock());
}

}  // namespace
}  // namespace klieg::broadcaster
