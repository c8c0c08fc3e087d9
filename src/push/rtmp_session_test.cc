#include "push/rtmp_session.h"

#include <gtest/gtest.h>

#include "push/rtmp_reading.h"
#include "wire/amf0.h"

namespace klieg::push {
namespace {

using namespace wire::rtmp;  // NOLINT(google-build-using-namespace): this file speaks RTMP throughout

constexpr LoopTime start(1000s);

PlayRequest request_of(std::string name, Capabilities capabilities = {}) {
  PlayRequest request;
  request.connect.app = "live";
  request.connect.flash_version = "Test/1.0\n";
  request.connect.capabilities = std::move(capabilities);
  request.name = std::move(name);
  request.stream_id = 1;
  return request;
}

// A session and its player.
struct Room {
  explicit Room(PlayRequest request = request_of("ada")) : session(std::move(request), {}, start) {}

  void say(const Message& message) {
    std::vector<Bytes> pieces;
    writer.write(message, 3, pieces);
    session.receive(Bytes::join(pieces));
  }
  void command(const std::string& name) { say(command_message({name, 5, wire::amf0::Null{}, {}}, 1)); }
  // "begin Play.Reset Play.Start", of what was said since.
  std::string hear() {
    const Bytes said = Bytes::join(session.take_output());
    std::string text;
    for (ByteView rest = said; auto message = reader.read(rest).value();) {
      std::string word = "?";
      if (message->type == MessageType::user_control) {
        const auto event = parse_user_control(*message).value();
        word = event.event == UserControl::stream_begin    ? "begin"
               : event.event == UserControl::stream_eof    ? "eof"
               : event.event == UserControl::ping_response ? "pong" + std::to_string(event.value)
                                                           : "control";
      } else if (message->type == MessageType::amf0_command) {
        const Command status = parse_command(*message).value();
        word = std::string(status.arguments.at(0).text_at("code")).substr(sizeof "NetStream");
        words = status.arguments.at(0).text_at("description");
      }
      text += (text.empty() ? "" : " ") + word;
    }
    return text;
  }

  RtmpSession session;
  ChunkWriter writer;
  ChunkReader reader{1 << 20};
  std::string words;
};

TEST(RtmpSession, a_play_begins_and_ends_with_the_broadcast) {
  Room room;
  EXPECT_EQ(room.session.address(), (PlayAddress{"ada", ""}));
  EXPECT_EQ(room.session.player(), "Test/1.0?");
  EXPECT_EQ(room.hear(), "");
  room.session.begin();
  EXPECT_EQ(room.hear(), "begin Play.Reset Play.Start");
  EXPECT_FALSE(room.session.wake_at());
  room.session.finish(start);
  EXPECT_EQ(room.hear(), "Play.Complete Play.UnpublishNotify Play.Stop eof");
  EXPECT_EQ(room.session.wake_at(), start + 2s);
  room.session.wake(start + 2s);
  EXPECT_EQ(room.session.state(), RtmpState::closed);
  EXPECT_EQ(room.session.why(), RtmpEnd::finished);
}

TEST(RtmpSession, what_is_not_there_is_refused_with_words) {
  Room room;
  room.session.refuse("NetStream.Play.StreamNotFound", "ada is not live", start);
  EXPECT_EQ(room.hear(), "Play.StreamNotFound");
  EXPECT_EQ(room.words, "ada is not live");
  EXPECT_EQ(room.session.state(), RtmpState::closing);
  room.session.end(RtmpEnd::left);
  EXPECT_EQ(room.session.why(), RtmpEnd::refused) << "who leaves once it was refused was refused";
}

TEST(RtmpSession, nobody_waits_for_an_answer_for_ever) {
  Room room;
  ASSERT_EQ(room.session.wake_at(), start + 20s);
  room.session.wake(start + 20s);
  EXPECT_EQ(room.hear(), "Play.Failed");
}

TEST(RtmpSession, answers_what_a_player_says_meanwhile) {
  Room room;
  room.session.begin();
  room.hear();
  room.say(user_control(UserControl::ping_request, 77));
  EXPECT_EQ(room.hear(), "pong77");
  room.command("pause");
  EXPECT_EQ(room.hear(), "Pause.Failed");
  room.command("play");
  EXPECT_EQ(room.hear(), "Failed");
  room.command("receiveAudio");
  room.say(acknowledgement(1000));
  EXPECT_EQ(room.hear(), "");
  EXPECT_EQ(room.session.state(), RtmpState::playing);
  room.command("deleteStream");
  EXPECT_EQ(room.session.state(), RtmpState::closed);
  EXPECT_EQ(room.session.why(), RtmpEnd::left);
}

TEST(RtmpSession, what_was_said_behind_the_play_command_is_obeyed) {
  PlayRequest request = request_of("ada");
  std::vector<Bytes> pieces;
  ChunkWriter().write(user_control(UserControl::ping_request, 5), 2, pieces);
  const Bytes said = Bytes::join(pieces);
  request.unread.assign(said.view().begin(), said.view().end());
  request.reader = ChunkReader(64 << 10);
  Room room(std::move(request));
  EXPECT_EQ(room.hear(), "pong5");
}

TEST(RtmpSession, ends_with_a_player_that_makes_no_sense) {
  Room room;
  room.say({MessageType::amf0_command, 1, 0, Bytes::copy_of("\x05nonsense")});
  EXPECT_EQ(room.session.why(), RtmpEnd::malformed);
  Room large;
  large.say({MessageType::amf0_command, 1, 0, Bytes::take(std::string(100'000, 'x'))});
  EXPECT_EQ(large.session.why(), RtmpEnd::malformed);
}

TEST(RtmpSession, knows_which_codecs_of_enhanced_rtmp_the_player_takes) {
  Capabilities list;
  list.fourccs = {"hvc1"};
  Capabilities map;
  map.video = {{"av01", fourcc_can_decode}};
  Capabilities any;
  any.fourccs = {"*"};
  EXPECT_FALSE(Room().session.takes("hvc1"));
  EXPECT_TRUE(Room(request_of("ada", list)).session.takes("hvc1"));
  EXPECT_FALSE(Room(request_of("ada", list)).session.takes("av01"));
  EXPECT_TRUE(Room(request_of("ada", map)).session.takes("av01"));
  EXPECT_TRUE(Room(request_of("ada", any)).session.takes("Opus"));
}

TEST(PlayAddress, is_found_in_one_box_or_two) {
  EXPECT_EQ(read_play_address("live", "ada"), (PlayAddress{"ada", ""}));
  EXPECT_EQ(read_play_address("live/ada", ""), (PlayAddress{"ada", ""}));
  EXPECT_EQ(read_play_address("live", "/ada"), (PlayAddress{"ada", ""}));
  EXPECT_EQ(read_play_address("live", "ada?x=1&rendition=720p&y=2"), (PlayAddress{"ada", "720p"}));
  EXPECT_EQ(read_play_address("live", "ada?token=1.2&rendition=720p"), (PlayAddress{"ada", "720p", "1.2"}));
  EXPECT_EQ(read_play_address("live", ""), (PlayAddress{"", ""}));
}

}  // namespace
}  // namespace klieg::push
