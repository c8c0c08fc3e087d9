#include "bus/nats_session.h"

#include <gtest/gtest.h>

#include "bus/bus.h"

namespace klieg::bus {
namespace {

constexpr LoopTime start = LoopTime(1000s);

struct NatsSessionTest : testing::Test {
  void say(std::string_view text, LoopTime now = start) { session.receive(as_bytes(text), now, heard); }
  std::string output() { return std::string(Bytes::join(session.take_output()).text()); }
  void go_up() {
    say("INFO {\"max_payload\":1048576}\r\n");
    say("PONG\r\n");
    output();
  }

  NatsSession session{{.user = "ada", .password = "secret"}, "fra-1", start};
  std::vector<wire::nats::Delivered> heard;
  using State = NatsSession::State;
};

TEST_F(NatsSessionTest, says_who_it_is_and_is_up_when_its_ping_is_answered) {
  EXPECT_EQ(output(), "");
  say("INFO {\"max_payload\":1048576}\r\n");
  const std::string said = output();
  EXPECT_TRUE(said.starts_with("CONNECT {") && said.ends_with("}\r\nPING\r\n")) << said;
  EXPECT_EQ(session.state(), State::proving);
  say("MSG a 1 1\r\nx\r\nPONG\r\nMSG a 1 1\r\ny\r\n");
  EXPECT_EQ(session.state(), State::up);
  ASSERT_EQ(heard.size(), 1u) << "nothing was subscribed to before";
  EXPECT_EQ(heard[0].payload.text(), "y");
  session.subscribe("k.>", 1);
  session.publish("k.a", Bytes::copy_of("hello"));
  session.publish("k.b", {});
  session.unsubscribe(1);
  EXPECT_EQ(session.output_size(), 51u);
  EXPECT_EQ(output(), "SUB k.> 1\r\nPUB k.a 5\r\nhello\r\nPUB k.b 0\r\n\r\nUNSUB 1\r\n");
  EXPECT_EQ(session.output_size(), 0u);
}

TEST_F(NatsSessionTest, is_refused_in_the_servers_own_words) {
  say("INFO {\"max_payload\":1048576}\r\n");
  say("-ERR 'Authorization Violation'\r\n");
  EXPECT_EQ(session.state(), State::ended);
  EXPECT_EQ(session.why(), "it refused us: Authorization Violation");
}

TEST_F(NatsSessionTest, does_not_say_a_password_to_who_wants_tls) {
  say("INFO {\"tls_required\":true,\"max_payload\":1048576}\r\n");
  EXPECT_EQ(session.state(), State::ended);
  EXPECT_EQ(output(), "");
}

TEST_F(NatsSessionTest, needs_room_for_its_largest_message) {
  say("INFO {\"max_payload\":" + std::to_string(payload_size_max - 1) + "}\r\n");
  EXPECT_EQ(session.state(), State::ended);
}

TEST_F(NatsSessionTest, ends_when_a_step_is_not_answered_and_when_what_answers_is_something_else) {
  session.wake(start + NatsSession::answer_within - 1ns);
  EXPECT_EQ(session.state(), State::greeting);
  session.wake(start + NatsSession::answer_within);
  EXPECT_EQ(session.why(), "it does not answer");
  NatsSession other({}, "", start);
  other.receive(as_bytes("HTTP/1.1 400 Bad Request\r\n\r\n"), start, heard);
  EXPECT_EQ(other.state(), State::ended);
}

TEST_F(NatsSessionTest, a_server_is_asked_whether_it_is_there_and_its_answer_says_up_to_when_all_is_certain) {
  go_up();
  EXPECT_EQ(session.certain_up_to(), std::nullopt);
  const LoopTime asked = start + NatsSession::ping_every;
  EXPECT_EQ(session.wake_at(), asked);
  session.wake(asked);
  EXPECT_EQ(output(), "PING\r\n");
  EXPECT_TRUE(session.asks());
  say("MSG a 1 1\r\nx\r\n", asked + 1s);
  EXPECT_EQ(session.certain_up_to(), std::nullopt) << "it may have more for us";
  EXPECT_EQ(session.wake_at(), asked + 1s + NatsSession::answer_within) << "but it lives";
  say("PONG\r\n", asked + 1500ms);
  EXPECT_EQ(session.certain_up_to(), asked);
  EXPECT_EQ(session.wake_at(), asked + NatsSession::ping_every);
  const LoopTime again = session.wake_at();
  session.wake(again);
  say("PONG\r\n", again + 3s);
  EXPECT_EQ(session.wake_at(), again + 3s) << "an answer that was slow keeps no other waiting";
  session.wake(again + 3s);
  session.wake(again + 3s + NatsSession::answer_within);
  EXPECT_EQ(session.state(), State::ended);
  EXPECT_EQ(session.certain_up_to(), again);
}

TEST_F(NatsSessionTest, answers_pings_and_goes_on_after_a_complaint) {
  go_up();
  say("PING\r\n-ERR 'Permissions Violation for Publish to \"a\"'\r\n");
  EXPECT_EQ(output(), "PONG\r\n");
  EXPECT_EQ(session.state(), State::up);
  EXPECT_EQ(session.complaint(), "Permissions Violation for Publish to \"a\"");
}

}  // namespace
}  // namespace klieg::bus
