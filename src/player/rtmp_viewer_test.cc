#include "player/rtmp_viewer.h"

#include <gtest/gtest.h>

#include <string>

#include "wire/flv.h"

namespace klieg::player {
namespace {

using namespace wire::rtmp;  // NOLINT(google-build-using-namespace): this file speaks RTMP throughout
namespace amf0 = wire::amf0;
namespace flv = wire::flv;

constexpr LoopTime start(100s);

// The other end, by hand: shakes hands, then hears what is asked and says what it is told to say.
struct Room {
  Room() { exchange(); }

  void exchange() {
    for (std::vector<Bytes> output; !(output = viewer.take_output()).empty();) {
      const Bytes joined = Bytes::join(output);
      ByteView bytes = joined;
      ByteWriter answer;
      if (handshake.state() != HandshakeState::done) handshake.receive(bytes, answer);
      if (answer.size() > 0) viewer.receive(answer.view(), start);
      if (handshake.state() != HandshakeState::done) continue;
      while (auto message = reader.read(bytes).value()) {
        if (message->type == MessageType::amf0_command) asked.push_back(parse_command(*message).value());
      }
    }
  }
  void say(const Message& message, LoopTime now = start) {
    std::vector<Bytes> pieces;
    writer.write(message, 3, pieces);
    viewer.receive(Bytes::join(pieces), now);
    exchange();
  }
  void say(const Command& command) { say(command_message(command, 0)); }
  void frame(uint32_t at_ms, const flv::Packet& packet, LoopTime now = start) {
    say({MessageType::video, 1, at_ms, flv::write(packet, flv::Form::legacy)}, now);
  }
  void play() {
    say(Command{"_result", 1, amf0::Object{}, {}});
    say(Command{"_result", 2, amf0::Null{}, {amf0::Value(1.0)}});
  }
  std::string why() const { return viewer.end() && !*viewer.end() ? viewer.end()->error().message : "nothing"; }

  RtmpViewer viewer{{"live", "cam", "rtmp://host/live"}, 7};
  HandshakeServer handshake{1};
  ChunkReader reader{1 << 16};
  ChunkWriter writer;
  std::vector<Command> asked;
};

flv::Packet picture(bool key, Duration offset = 0s) {
  return {.type = flv::Packet::Type::coded_frames,
          .codec = media::Codec::avc,
          .key_frame = key,
          .composition_offset = offset,
          .body = Bytes::copy_of("picture")};
}

TEST(RtmpViewer, connects_says_what_it_takes_and_plays) {
  Room room;
  room.play();
  ASSERT_EQ(room.asked.size(), 3u);
  const ConnectRequest connect = parse_connect(room.asked[0]);
  EXPECT_EQ(connect.app, "live");
  EXPECT_EQ(connect.tc_url, "rtmp://host/live");
  EXPECT_EQ(connect.capabilities.video.size(), 4u);
  EXPECT_EQ(room.asked[1].name, "createStream");
  EXPECT_EQ(room.asked[2].name, "play");
  EXPECT_EQ(room.asked[2].text_argument(0), "cam");
}

TEST(RtmpViewer, tells_frames_by_their_times_and_how_long_they_last_by_those_before) {
  Room room;
  room.play();
  room.frame(1000, picture(true));
  EXPECT_TRUE(room.viewer.take_pushed().empty()) << "how long the first lasts is not known yet";
  room.frame(1033, picture(false), start + 33ms);
  room.frame(1067, picture(false), start + 70ms);
  const auto pushed = room.viewer.take_pushed();
  ASSERT_EQ(pushed.size(), 2u) << room.why();
  EXPECT_EQ(pushed[0].from, MediaTime(1033ms));
  EXPECT_EQ(pushed[0].duration, 33ms);
  EXPECT_EQ(pushed[1].duration, 34ms);
  EXPECT_EQ(pushed[1].last_byte, start + 70ms);
}

TEST(RtmpViewer, takes_the_metadatas_word_for_how_long_a_frame_lasts) {
  Room room;
  room.play();
  ByteWriter content;
  amf0::write_value(content, amf0::Value("onMetaData"));
  amf0::write_value(content, amf0::EcmaArray{{{"framerate", 25.0}, {"videocodecid", 7.0}, {"audiocodecid", 10.0}}});
  room.say({MessageType::amf0_data, 1, 0, content.take()});
  room.frame(1000, picture(true, 80ms));
  room.frame(1040, picture(false, 200ms));
  const auto pushed = room.viewer.take_pushed();
  ASSERT_EQ(pushed.size(), 2u);
  EXPECT_EQ(pushed[0].duration, 40ms);
  EXPECT_EQ(pushed[0].from, MediaTime(1080ms)) << "presented when the key frame is";
  EXPECT_EQ(pushed[1].from, MediaTime(1120ms)) << "one behind the other, in decoding order";
}

TEST(RtmpViewer, counts_sound_where_there_is_no_picture) {
  Room room;
  room.play();
  ByteWriter content;
  amf0::write_value(content, amf0::Value("onMetaData"));
  amf0::write_value(content, amf0::EcmaArray{{{"audiocodecid", 10.0}}});
  room.say({MessageType::amf0_data, 1, 0, content.take()});
  const flv::Packet sound{
      .type = flv::Packet::Type::coded_frames, .codec = media::Codec::aac, .body = Bytes::copy_of("sound")};
  for (const uint32_t at_ms : {0u, 21u, 43u}) {
    room.say({MessageType::audio, 1, at_ms, flv::write(sound, flv::Form::legacy)});
  }
  EXPECT_EQ(room.viewer.take_pushed().size(), 2u);
}

TEST(RtmpViewer, is_done_when_the_broadcast_is_over) {
  Room room;
  room.play();
  room.say(on_status(StatusLevel::status, "NetStream.Play.Complete", "the broadcast is over"));
  ASSERT_TRUE(room.viewer.end());
  EXPECT_TRUE(room.viewer.end()->has_value());
}

TEST(RtmpViewer, says_the_servers_words_when_it_is_refused) {
  Room room;
  room.play();
  room.say(on_status(StatusLevel::error, "NetStream.Play.StreamNotFound", "not live"));
  EXPECT_EQ(room.why(), "NetStream.Play.StreamNotFound: not live");
  Room other;
  RtmpViewer viewer{{"live", "cam", "rtmp://host/live"}, 7};
  viewer.receive(as_bytes("HTTP/1.1 400 Bad Request\r\n\r\n"), start);
  ASSERT_TRUE(viewer.end());
  EXPECT_EQ(viewer.end()->error().message, "what answers there is not an RTMP server");
}

TEST(RtmpViewer, pongs) {
  Room room;
  room.play();
  std::vector<Bytes> pieces;
  ChunkWriter().write(user_control(UserControl::ping_request, 42), 2, pieces);
  room.viewer.receive(Bytes::join(pieces), start);
  const Bytes said = Bytes::join(room.viewer.take_output());
  ByteView bytes = said;
  const auto message = room.reader.read(bytes).value();
  ASSERT_TRUE(message);
  EXPECT_EQ(parse_user_control(*message)->event, UserControl::ping_response);
  EXPECT_EQ(parse_user_control(*message)->value, 42u);
}

}  // namespace
}  // namespace klieg::player
