#include "player/websocket_viewer.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "player/made_up_track.h"

namespace klieg::player {
namespace {

namespace push = wire::push_message;
namespace websocket = wire::websocket;

constexpr LoopTime start(100s);
const push::Tracks tracks{{{2, media::TrackKind::audio, "audio", "audio/mp4", 48'000},
                           {1, media::TrackKind::video, "video", "video/mp4", 90'000}}};

// A viewer and its server.
struct Room {
  std::string asked() { return std::string(Bytes::join(viewer.take_output()).text()); }
  void answer(std::string_view head) { viewer.receive(as_bytes(head), start); }
  void let_in() {
    const std::string request = asked();
    const size_t key = request.find("Sec-WebSocket-Key: ") + 19;
    answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
           websocket::accept_of(request.substr(key, 24)) + "\r\n\r\n");
  }
  void say(websocket::Opcode opcode, Bytes payload, LoopTime now = start) {
    std::vector<Bytes> pieces;
    append_frame(opcode, std::move(payload), pieces);
    viewer.receive(Bytes::join(pieces), now);
  }
  void say(const auto& words) { say(websocket::Opcode::text, Bytes::take(push::write(words))); }
  static Bytes chunk(uint8_t track, uint8_t flags, const Bytes& content) {
    return Bytes::join(std::array{push::chunk_head(track, flags, static_cast<uint32_t>(content.size())), content});
  }
  void begin() {
    let_in();
    say(tracks);
    say(websocket::Opcode::binary, chunk(1, push::flag_initialization, video_header()));
  }
  std::string why() const { return viewer.end() && !*viewer.end() ? viewer.end()->error().message : "nothing"; }

  WebSocketViewer viewer{"host:8080", "/live/cam/push", 7};
};

TEST(WebSocketViewer, asks_for_the_protocol_and_takes_the_frames_of_the_video) {
  Room room;
  const std::string request = room.asked();
  EXPECT_TRUE(request.starts_with("GET /live/cam/push HTTP/1.1\r\nHost: host:8080\r\n")) << request;
  EXPECT_TRUE(request.contains("Sec-WebSocket-Protocol: klieg.push.1\r\n")) << request;
  Room other;
  other.begin();
  other.say(websocket::Opcode::binary, Room::chunk(1, push::flag_key, video_chunk(30, WallTime(9s))), start + 1s);
  other.say(websocket::Opcode::binary, Room::chunk(2, 0, video_chunk(30)), start + 1s);
  const auto pushed = other.viewer.take_pushed();
  ASSERT_EQ(pushed.size(), 1u) << other.why();
  EXPECT_EQ(pushed[0].from, MediaTime(1s));
  EXPECT_EQ(pushed[0].duration, from_ticks(1, 30));
  EXPECT_EQ(pushed[0].captured, WallTime(9s));
  EXPECT_EQ(pushed[0].last_byte, start + 1s);
  EXPECT_FALSE(other.viewer.end());
}

TEST(WebSocketViewer, knows_when_a_frames_first_byte_came) {
  Room room;
  room.begin();
  std::vector<Bytes> pieces;
  append_frame(websocket::Opcode::binary, Room::chunk(1, 0, video_chunk(0)), pieces);
  append_frame(websocket::Opcode::binary, Room::chunk(1, 0, video_chunk(1)), pieces);
  const Bytes sent = Bytes::join(pieces);
  room.viewer.receive(sent.view().first(50), start + 10ms);
  room.viewer.receive(sent.view().subspan(50), start + 30ms);
  const auto pushed = room.viewer.take_pushed();
  ASSERT_EQ(pushed.size(), 2u);
  EXPECT_EQ(pushed[0].first_byte, start + 10ms);
  EXPECT_EQ(pushed[0].last_byte, start + 30ms);
  EXPECT_EQ(pushed[1].first_byte, start + 30ms);
}

TEST(WebSocketViewer, answers_a_ping_with_a_mask) {
  Room room;
  room.begin();
  room.say(websocket::Opcode::ping, Bytes::copy_of("?"));
  websocket::Reader server(100);
  std::vector<websocket::Event> events;
  ASSERT_TRUE(server.feed(as_bytes(room.asked()), events));
  EXPECT_EQ(events, std::vector<websocket::Event>{websocket::Pong{Bytes::copy_of("?")}});
}

TEST(WebSocketViewer, is_done_when_the_broadcast_is_over) {
  Room room;
  room.begin();
  room.say(push::Over{"ended"});
  ASSERT_TRUE(room.viewer.end());
  EXPECT_TRUE(room.viewer.end()->has_value());
}

TEST(WebSocketViewer, says_why_it_was_not_let_in) {
  Room refused;
  refused.answer("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nfull");
  EXPECT_EQ(refused.why(), "/live/cam/push answers 503");
  Room other;
  other.answer("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  EXPECT_EQ(other.why(), "/live/cam/push speaks no WebSocket");
  Room no_http;
  no_http.answer("SSH-2.0-OpenSSH_9.2\r\n\r\n");
  EXPECT_TRUE(no_http.why().starts_with("what answers is no HTTP server")) << no_http.why();
}

TEST(WebSocketViewer, says_why_what_came_cannot_be_watched) {
  Room headless;
  headless.let_in();
  headless.say(tracks);
  headless.say(websocket::Opcode::binary, Room::chunk(1, 0, video_chunk(0)));
  EXPECT_EQ(headless.why(), "a chunk comes before its track's header");
  Room closed;
  closed.begin();
  std::vector<Bytes> pieces;
  append_close(websocket::CloseCode::going_away, "the server is going", pieces);
  closed.viewer.receive(Bytes::join(pieces), start);
  EXPECT_EQ(closed.why(), "the server is going");
  Room lost;
  lost.begin();
  lost.viewer.lost();
  EXPECT_EQ(lost.why(), "the connection was lost");
}

}  // namespace
}  // namespace klieg::player
