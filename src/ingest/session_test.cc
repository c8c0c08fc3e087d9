#include "ingest/session.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "ingest/test_encoder.h"
#include "wire/test_material.h"

namespace klieg::ingest {
namespace {

using namespace wire::rtmp;  // NOLINT(google-build-using-namespace)

constexpr LoopTime start = LoopTime(1000s);
constexpr WallTime noon(1'800'000'000s);  // at the start

// A session with an encoder at its other end and a list of what came out.
struct Room {
  explicit Room(SessionLimits limits = {}) : session(limits, 7, start, noon) {}

  // Passes what both have said until neither says more.
  void exchange() {
    for (;;) {
      const Bytes said = encoder.take();
      if (!said.empty()) session.receive(said, now);
      const std::vector<Bytes> answered = session.take_output();
      if (!answered.empty()) encoder.hear(answered);
      collect();
      if (said.empty() && answered.empty()) return;
    }
  }
  void collect() {
    while (auto event = session.next_event()) {
      if (auto* asked = std::get_if<PublishAsked>(&*event)) publish_asked = *asked;
      if (auto* message = std::get_if<MediaMessage>(&*event)) media.push_back(*message);
      if (std::holds_alternative<PlayAsked>(*event)) ++play_asked;
      if (std::holds_alternative<Unpublished>(*event)) ++unpublished;
      if (auto* end = std::get_if<SessionEnded>(&*event)) ended = *end;
    }
  }
  void ask_to_publish(std::string name = "secret") {
    exchange();
    encoder.connect();
    encoder.publish(std::move(name));
    exchange();
  }
  void go_live() {
    ask_to_publish();
    session.accept(now);
    exchange();
  }
  void wait_until(LoopTime when) {
    while (session.wake_at() && *session.wake_at() <= when) {
      now = *session.wake_at();
      session.wake(now);
      exchange();
    }
    now = when;
  }

  Session session;
  TestEncoder encoder;
  LoopTime now = start;
  std::optional<PublishAsked> publish_asked;
  std::vector<MediaMessage> media;
  int play_asked = 0;
  int unpublished = 0;
  std::optional<SessionEnded> ended;
};

TEST(Session, an_encoder_is_told_what_time_it_is_here) {
  Room room;
  room.now += 3s;
  room.ask_to_publish();
  const auto heard = room.encoder.commands_heard();
  const auto answer = std::ranges::find(heard, "_result", &wire::rtmp::Command::name);
  ASSERT_NE(answer, heard.end());
  EXPECT_EQ(server_time_in(*answer), noon + 3s);
}

TEST(Session, an_encoder_with_the_right_key_goes_live) {
  Room room;
  room.ask_to_publish();
  ASSERT_TRUE(room.publish_asked.has_value());
  EXPECT_EQ(room.publish_asked->app, "live");
  EXPECT_EQ(room.publish_asked->key, "secret");
  EXPECT_EQ(room.publish_asked->encoder, "Test/1.0");
  EXPECT_EQ(room.session.state(), SessionState::claiming);
  EXPECT_EQ(room.encoder.status(), "");
  room.session.accept(room.now);
  room.exchange();
  EXPECT_EQ(room.encoder.status(), "status NetStream.Publish.Start: on air");
  EXPECT_EQ(room.session.state(), SessionState::publishing);
}

TEST(Session, media_comes_out_as_it_was_sent) {
  Room room;
  room.go_live();
  const Bytes key_frame = Bytes::copy_of(std::string(5000, 'v'));
  room.encoder.video(40, key_frame);
  room.encoder.send({MessageType::audio, 1, 46, Bytes::copy_of("aac")}, 4);
  room.exchange();
  ASSERT_EQ(room.media.size(), 2u);
  EXPECT_EQ(room.media[0].kind, MediaMessage::Kind::video);
  EXPECT_EQ(room.media[0].timestamp_ms, 40u);
  EXPECT_EQ(room.media[0].body, key_frame);
  EXPECT_EQ(room.media[1].kind, MediaMessage::Kind::audio);
  EXPECT_EQ(room.media[1].body, Bytes::copy_of("aac"));
}

TEST(Session, set_data_frame_is_taken_off_the_data_behind_it) {
  Room room;
  room.go_live();
  ByteWriter tagged, plain;
  wire::amf0::write_value(tagged, "@setDataFrame");
  for (ByteWriter* content : {&tagged, &plain}) {
    wire::amf0::write_value(*content, "onMetaData");
    wire::amf0::write_value(*content, wire::amf0::EcmaArray{{{"width", 640.0}}});
  }
  const Bytes bare = plain.take();
  room.encoder.send({MessageType::amf0_data, 1, 0, tagged.take()}, 4);
  room.encoder.send({MessageType::amf0_data, 1, 0, bare}, 4);
  ByteWriter amf3;
  amf3.u8(0);
  amf3.bytes(bare);
  room.encoder.send({MessageType::amf3_data, 1, 0, amf3.take()}, 4);
  room.exchange();
  ASSERT_EQ(room.media.size(), 3u);
  for (const MediaMessage& message : room.media) {
    EXPECT_EQ(message.kind, MediaMessage::Kind::data);
    EXPECT_EQ(message.body, bare);
  }
}

TEST(Session, media_sent_before_the_answer_waits_for_it) {
  Room room;
  room.exchange();
  room.encoder.connect();
  room.encoder.publish("secret");
  room.encoder.video(0, Bytes::copy_of("early"));
  room.exchange();
  room.encoder.video(40, Bytes::copy_of("later"));
  room.exchange();
  EXPECT_FALSE(room.session.wants_bytes());
  EXPECT_TRUE(room.media.empty());
  room.session.accept(room.now);
  room.exchange();
  ASSERT_EQ(room.media.size(), 2u);
  EXPECT_EQ(room.media[1].body, Bytes::copy_of("later"));
}

TEST(Session, a_publisher_that_will_not_wait_for_the_answer_is_closed_before_it_fills_memory) {
  Room room;
  room.ask_to_publish();
  for (int i = 0; i < 20; ++i) room.encoder.video(0, Bytes::copy_of(std::string(10'000, 'v')));
  room.exchange();
  ASSERT_TRUE(room.ended.has_value());
  EXPECT_EQ(room.ended->why, SessionEnd::malformed);
}

// What ffmpeg 5.1 sent to another server, in pieces of any size, without waiting for our answers.
RC_GTEST_PROP(Session, a_captured_ffmpeg_goes_live_however_its_bytes_arrive, ()) {
  auto sent = wire::test_material("suites/rtmp-client-captures/ffmpeg-5.1-copy.c2s");
  if (sent.empty()) GTEST_SKIP() << "the shared data is not there; set KLIEG_SHARED_DATA";
  sent.resize(60'000);
  Room room;
  const size_t piece = *rc::gen::inRange<size_t>(1, 20'000);
  for (size_t at = 0; at < sent.size(); at += piece) {
    room.session.receive(ByteView(sent).subspan(at, std::min(piece, sent.size() - at)), room.now);
    room.collect();
    if (room.session.state() == SessionState::claiming) {
      room.session.accept(room.now);
      room.collect();
    }
  }
  RC_ASSERT(room.publish_asked.has_value());
  RC_ASSERT(room.publish_asked->key == "a");
  RC_ASSERT(room.publish_asked->encoder == "FMLE/3.0 (compatible; Lavf59.27.100)");
  RC_ASSERT(!room.ended);
  RC_ASSERT(room.media.size() > 10u);
  RC_ASSERT(room.media.front().kind == MediaMessage::Kind::data);
}

// --- refusals --------------------------------------------------------------------------------------------------------

TEST(Session, every_refusal_reaches_the_encoder_with_its_words_and_then_closes) {
  const std::pair<Refusal, std::string> refusals[] = {
      {{RefusalReason::wrong_key, "wrong key"}, "error NetStream.Publish.Denied: wrong key"},
      {{RefusalReason::too_many_wrong_keys, "wait"}, "error NetStream.Publish.Denied: wait"},
      {{RefusalReason::already_live, "already live"}, "error NetStream.Publish.BadName: already live"},
      {{RefusalReason::stopping, "stopping"}, "error NetStream.Publish.Rejected: stopping"},
  };
  for (const auto& [refusal, status] : refusals) {
    Room room;
    room.ask_to_publish();
    room.session.refuse(refusal, room.now);
    room.exchange();
    EXPECT_EQ(room.encoder.status(), status);
    EXPECT_EQ(room.session.state(), SessionState::closing);
    EXPECT_FALSE(room.ended.has_value());
    room.wait_until(start + 2s);
    ASSERT_TRUE(room.ended.has_value());
    EXPECT_EQ(room.ended->why, SessionEnd::refused);
    EXPECT_EQ(room.ended->words, refusal.words);
  }
}

TEST(Session, a_refusal_in_the_middle_lets_the_encoder_read_before_it_closes) {
  Room room;
  room.go_live();
  room.session.refuse({RefusalReason::media_not_accepted, "codec vp6 is not accepted"}, room.now);
  room.encoder.video(40, Bytes::copy_of("on its way already"));
  room.exchange();
  EXPECT_EQ(room.encoder.status(), "error NetStream.Publish.Rejected: codec vp6 is not accepted");
  EXPECT_TRUE(room.media.empty());
  EXPECT_TRUE(room.session.wants_bytes());
  room.session.end(SessionEnd::left);  // it has read and closed
  room.collect();
  EXPECT_EQ(room.ended->why, SessionEnd::refused);
}

TEST(Session, a_publish_without_a_key_is_told_where_to_put_one) {
  Room room;
  room.ask_to_publish("");
  EXPECT_FALSE(room.publish_asked.has_value());
  EXPECT_TRUE(room.encoder.status().starts_with("error NetStream.Publish.Denied: no stream key"))
      << room.encoder.status();
}

TEST(Session, a_player_is_handed_over_with_all_that_was_said) {
  Room room;
  room.exchange();
  room.encoder.connect();
  room.encoder.command("createStream", 2, {});
  room.encoder.command("play", 3, {"someone"}, 1);
  room.encoder.command("FCSubscribe", 0, {"someone"});
  room.exchange();
  ASSERT_EQ(room.play_asked, 1);
  EXPECT_FALSE(room.session.wants_bytes());
  wire::rtmp::PlayRequest request = room.session.hand_over();
  EXPECT_EQ(request.name, "someone");
  EXPECT_EQ(request.connect.app, "live");
  EXPECT_EQ(request.stream_id, 1u);
  ByteView unread = request.unread;
  const auto next = request.reader.read(unread);
  ASSERT_TRUE(next && *next);
  EXPECT_EQ(parse_command(**next)->name, "FCSubscribe");
  EXPECT_EQ(room.session.state(), SessionState::closed);
  EXPECT_FALSE(room.session.wake_at());
  EXPECT_FALSE(room.ended.has_value());
}

TEST(Session, a_player_whom_nobody_takes_is_let_go_in_time) {
  Room room;
  room.exchange();
  room.encoder.connect();
  room.encoder.command("createStream", 2, {});
  room.encoder.command("play", 3, {"someone"}, 1);
  room.exchange();
  room.wait_until(start + 11s);
  ASSERT_TRUE(room.ended.has_value());
  EXPECT_EQ(room.ended->words, "while watching");
}

TEST(Session, a_second_publish_on_the_same_connection_is_refused_and_the_first_goes_on) {
  Room room;
  room.go_live();
  room.encoder.command("publish", 9, {"other", "live"}, 2);
  room.encoder.video(40, Bytes::copy_of("v"));
  room.exchange();
  EXPECT_EQ(room.encoder.status(), "error NetStream.Publish.BadName: this connection is publishing already");
  EXPECT_EQ(room.media.size(), 1u);
}

// --- ends ------------------------------------------------------------------------------------------------------------

TEST(Session, an_encoder_says_goodbye_in_any_of_three_ways_and_may_publish_again) {
  for (const std::string name : {"FCUnpublish", "closeStream", "deleteStream"}) {
    Room room;
    room.go_live();
    room.encoder.command(name, 6, {name == "deleteStream" ? wire::amf0::Value(1.0) : wire::amf0::Value("secret")}, 1);
    room.encoder.video(40, Bytes::copy_of("too late"));
    room.exchange();
    EXPECT_EQ(room.unpublished, 1) << name;
    EXPECT_TRUE(room.media.empty());
    EXPECT_EQ(room.session.state(), SessionState::connected);
    room.publish_asked.reset();
    room.encoder.publish("secret");
    room.exchange();
    EXPECT_TRUE(room.publish_asked.has_value());
  }
}

TEST(Session, deleting_another_message_stream_does_not_unpublish) {
  Room room;
  room.go_live();
  room.encoder.command("deleteStream", 6, {7.0});
  room.exchange();
  EXPECT_EQ(room.unpublished, 0);
}

TEST(Session, whoever_says_nothing_is_closed_after_ten_seconds) {
  Room room;
  room.wait_until(start + 9s);
  EXPECT_FALSE(room.ended.has_value());
  room.wait_until(start + 10s);
  EXPECT_EQ(room.ended->why, SessionEnd::too_slow);
  EXPECT_EQ(room.session.wake_at(), std::nullopt);
}

// Fail on the Nth byte: an encoder that stops anywhere before it publishes is closed ten seconds after it came.
RC_GTEST_PROP(Session, whoever_stops_halfway_is_closed_in_the_same_time, ()) {
  Room whole;
  ByteWriter all;
  {
    TestEncoder encoder;
    Session session({}, 7, start, noon);
    for (int turn = 0; turn < 3; ++turn) {
      const Bytes said = encoder.take();
      all.bytes(said);
      session.receive(said, start);
      encoder.hear(session.take_output());
      if (turn == 1) encoder.connect();
    }
  }
  Room room;
  const size_t size = *rc::gen::inRange<size_t>(0, all.size());
  for (size_t at = 0; at < size; at += 500) {
    room.now += 100ms;
    room.session.receive(all.view().subspan(at, std::min<size_t>(500, size - at)), room.now);
  }
  room.collect();
  RC_ASSERT(!room.ended);
  room.wait_until(start + 10s);
  RC_ASSERT(room.ended.has_value());
  RC_ASSERT(room.ended->why == SessionEnd::too_slow);
}

TEST(Session, an_answer_that_never_comes_ends_in_time_as_well) {
  Room room;
  room.ask_to_publish();
  room.wait_until(start + 10s);
  EXPECT_EQ(room.ended->why, SessionEnd::too_slow);
  EXPECT_EQ(room.ended->words, "while claiming");
}

TEST(Session, a_publisher_whose_network_is_gone_is_closed_after_thirty_seconds_of_silence) {
  Room room;
  room.go_live();
  const LoopTime silent_since = room.now;
  for (LoopTime at = silent_since; at < silent_since + 30s;) {
    room.session.wake(at);
    room.session.take_output();  // pings that nobody hears
    ASSERT_GT(*room.session.wake_at(), at);
    at = *room.session.wake_at();
    room.collect();
    EXPECT_FALSE(room.ended.has_value());
  }
  room.session.wake(silent_since + 30s);
  room.collect();
  ASSERT_TRUE(room.ended.has_value());
  EXPECT_EQ(room.ended->why, SessionEnd::silent);
}

TEST(Session, a_quiet_encoder_is_asked_whether_it_lives_and_its_answer_keeps_it) {
  Room room;
  room.go_live();
  const size_t events = room.encoder.heard_of(MessageType::user_control);
  for (int i = 1; i <= 6; ++i) {
    room.wait_until(start + i * 10s);
    EXPECT_EQ(room.encoder.heard_of(MessageType::user_control), events + i);
    room.encoder.send(user_control(UserControl::ping_response, 0), 2);
    room.exchange();
  }
  EXPECT_FALSE(room.ended.has_value());
}

// --- what is wrong on the wire ---------------------------------------------------------------------------------------

TEST(Session, a_web_browser_is_closed_at_its_first_byte) {
  Room room;
  room.session.receive(as_bytes("GET / HTTP/1.1\r\n\r\n"), start);
  room.collect();
  EXPECT_EQ(room.ended->why, SessionEnd::not_rtmp);
  EXPECT_TRUE(room.session.take_output().empty());
}

TEST(Session, the_encrypted_handshake_is_refused) {
  Room room;
  room.session.receive(std::vector<uint8_t>{6, 1, 2}, start);
  room.collect();
  EXPECT_EQ(room.ended->why, SessionEnd::encryption_asked);
}

TEST(Session, who_has_no_key_cannot_make_us_keep_more_than_a_command) {
  Room room;
  room.exchange();
  room.encoder.video(0, Bytes::copy_of(std::string(100'000, 'v')));
  room.exchange();
  EXPECT_EQ(room.ended->why, SessionEnd::malformed);
  EXPECT_EQ(room.ended->words, "message_too_large");
}

TEST(Session, a_command_that_is_no_amf_ends_the_session) {
  Room room;
  room.exchange();
  room.encoder.send({MessageType::amf0_command, 0, 0, Bytes::copy_of("\x02\xff\xff garbage")}, 3);
  room.exchange();
  EXPECT_EQ(room.ended->why, SessionEnd::malformed);
}

TEST(Session, commands_and_media_before_connect_count_for_nothing) {
  Room room;
  room.exchange();
  room.encoder.publish("secret");
  room.encoder.video(0, Bytes::copy_of("v"));
  room.exchange();
  EXPECT_FALSE(room.publish_asked.has_value());
  EXPECT_TRUE(room.media.empty());
  EXPECT_FALSE(room.ended.has_value());
}

RC_GTEST_PROP(Session, garbage_behind_a_handshake_ends_in_bounded_time, ()) {
  Room room;
  room.exchange();
  const auto garbage = *rc::gen::container<std::vector<uint8_t>>(rc::gen::arbitrary<uint8_t>());
  room.session.receive(garbage, room.now);
  room.session.take_output();
  room.collect();
  room.wait_until(start + 10s);
  RC_ASSERT(room.ended.has_value());
}

// --- acknowledgement, names, capabilities ----------------------------------------------------------------------------

TEST(Session, what_is_received_is_acknowledged_once_per_window) {
  Room room;
  room.go_live();
  room.encoder.send(window_acknowledgement_size(100'000), 2);
  room.exchange();
  for (int i = 0; i < 10; ++i) {
    room.encoder.video(40, Bytes::copy_of(std::string(50'000, 'v')));
    room.exchange();
  }
  EXPECT_EQ(room.encoder.heard_of(MessageType::acknowledgement), 5u);
  EXPECT_EQ(room.encoder.heard_of(MessageType::window_acknowledgement_size), 1u);
}

TEST(Session, a_ping_is_answered_with_its_own_time) {
  Room room;
  room.go_live();
  room.encoder.send(user_control(UserControl::ping_request, 4711), 2);
  room.exchange();
  const Message& answer = room.encoder.heard().back();
  EXPECT_EQ(parse_user_control(answer)->event, UserControl::ping_response);
  EXPECT_EQ(parse_user_control(answer)->value, 4711u);
}

TEST(Session, only_an_encoder_that_can_is_asked_to_reconnect) {
  Room old;
  old.go_live();
  EXPECT_FALSE(old.session.request_reconnect("rtmp://other/live"));

  Room enhanced;
  enhanced.exchange();
  enhanced.encoder.connect("live", "rtmp://host/live", capability_reconnect);
  enhanced.encoder.publish("secret");
  enhanced.exchange();
  enhanced.session.accept(enhanced.now);
  EXPECT_TRUE(enhanced.session.request_reconnect("rtmp://other/live"));
  enhanced.exchange();
  const Command request = enhanced.encoder.commands_heard().back();
  EXPECT_EQ(request.arguments.at(0).text_at("code"), "NetConnection.Connect.ReconnectRequest");
  EXPECT_EQ(request.arguments.at(0).text_at("tcUrl"), "rtmp://other/live");
}

TEST(Session, multitrack_is_not_among_what_is_offered) {
  Room room;
  room.exchange();
  room.encoder.connect("live", "rtmp://host/live", 0xF);
  room.exchange();
  const Command result = room.encoder.commands_heard().at(0);
  const auto extended = static_cast<uint32_t>(result.arguments.at(0).number_at("capsEx"));
  EXPECT_EQ(extended & capability_multitrack, 0u);
  EXPECT_EQ(extended & capability_reconnect, capability_reconnect);
}

TEST(Session, the_encoders_name_is_cut_and_made_printable_for_the_log) {
  Room room;
  room.exchange();
  ConnectRequest request{"live", "rtmp://host/live", "a\nb" + std::string(500, 'c'), 0, {}};
  room.encoder.send(command_message(connect_command(request, 1), 0), 3);
  room.exchange();
  EXPECT_EQ(room.session.encoder(), "a?b" + std::string(61, 'c'));
}

}  // namespace
}  // namespace klieg::ingest
