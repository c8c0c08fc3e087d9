#include "http/websocket_session.h"

#include <gtest/gtest.h>

#include <string>

namespace klieg::http {
namespace {

constexpr LoopTime start(1000s);

// With a mask of zeros, which masks nothing.
std::string frame(uint8_t first, const std::string& payload) {
  return std::string{static_cast<char>(first), static_cast<char>(0x80 | payload.size()), 0, 0, 0, 0} + payload;
}

struct Room {
  void say(const std::string& bytes, LoopTime now = start) { session.receive(as_bytes(bytes), now); }
  std::string hear() { return std::string(Bytes::join(session.take_output()).text()); }
  WebSocketSession session{{}, start};
};

TEST(WebSocketSession, a_ping_is_answered_and_of_several_the_latest) {
  Room room;
  room.say(frame(0x89, "a") + frame(0x89, "b"));
  EXPECT_EQ(room.hear(),
            "\x8A\x01"
            "b");
  EXPECT_EQ(room.session.state(), WebSocketState::open);
}

TEST(WebSocketSession, what_a_viewer_says_is_handed_out_and_shows_that_it_is_there) {
  Room room;
  const std::string said = frame(0x81, "hello");
  EXPECT_TRUE(room.session.receive(as_bytes(said.substr(0, 4)), start).empty()) << "not whole yet";
  const auto messages = room.session.receive(as_bytes(said.substr(4)), start + 14s);
  ASSERT_EQ(messages.size(), 1);
  EXPECT_EQ(messages[0].kind, wire::websocket::MessageKind::text);
  EXPECT_EQ(messages[0].content.text(), "hello");
  EXPECT_EQ(room.hear(), "");
  EXPECT_EQ(room.session.wake_at(), start + 29s);
}

TEST(WebSocketSession, a_viewer_of_whom_nothing_is_heard_is_asked_and_then_let_go) {
  Room room;
  room.session.wake(start + 14s);
  EXPECT_EQ(room.hear(), "");
  room.session.wake(start + 15s);
  EXPECT_EQ(room.hear(), std::string("\x89\x00", 2));
  room.say(frame(0x8A, ""), start + 16s);
  EXPECT_EQ(room.session.wake_at(), start + 31s);
  room.session.wake(start + 31s);
  EXPECT_EQ(room.hear(), std::string("\x89\x00", 2));
  room.session.wake(start + 41s);
  EXPECT_EQ(room.session.state(), WebSocketState::closed);
  EXPECT_EQ(room.session.why(), WebSocketEnd::silent);
}

TEST(WebSocketSession, a_viewer_who_closes_is_answered_with_his_code) {
  Room room;
  room.say(frame(0x88, "\x03\xE9"));
  EXPECT_EQ(room.hear(), "\x88\x02\x03\xE9");
  EXPECT_EQ(room.session.state(), WebSocketState::closed);
  EXPECT_EQ(room.session.why(), WebSocketEnd::left);
}

TEST(WebSocketSession, what_was_said_before_the_end_is_handed_out) {
  Room left;
  EXPECT_EQ(left.session.receive(as_bytes(frame(0x81, "bye") + frame(0x88, "")), start).size(), 1);
  EXPECT_EQ(left.session.state(), WebSocketState::closed);
  Room malformed;
  EXPECT_EQ(malformed.session.receive(as_bytes(frame(0x81, "bye") + "\x81\x05Hello"), start).size(), 1);
  EXPECT_EQ(malformed.session.why(), WebSocketEnd::malformed);
}

TEST(WebSocketSession, rubbish_is_answered_with_why_and_is_the_end) {
  Room room;
  room.say(std::string("\x81\x05Hello"));
  EXPECT_EQ(room.hear().substr(0, 4), "\x88\x1F\x03\xEA") << "1002";
  EXPECT_EQ(room.session.why(), WebSocketEnd::malformed);
  room.say(frame(0x89, "a"));
  EXPECT_EQ(room.hear(), "");
}

TEST(WebSocketSession, who_is_told_that_it_is_over_has_a_while_to_say_so_too) {
  Room room;
  room.session.close(WebSocketEnd::finished, wire::websocket::CloseCode::normal, "", start);
  EXPECT_EQ(room.hear(), "\x88\x02\x03\xE8");
  EXPECT_EQ(room.session.state(), WebSocketState::closing);
  Room slow = room;
  room.say(frame(0x88, "\x03\xE8"));
  EXPECT_EQ(room.session.state(), WebSocketState::closed);
  EXPECT_EQ(room.session.why(), WebSocketEnd::finished);
  EXPECT_EQ(room.hear(), "") << "said once";
  slow.session.wake(start + 2s);
  EXPECT_EQ(slow.session.state(), WebSocketState::closed);
  EXPECT_EQ(slow.session.why(), WebSocketEnd::finished);
}

}  // namespace
}  // namespace klieg::http
