#include "broadcaster/client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/listener.h"
#include "net/loop.h"
#include "wire/hex_test.h"
#include "wire/rtmp_chunk.h"
#include "wire/rtmp_handshake.h"
#include "wire/rtmp_message.h"

namespace klieg::broadcaster {
namespace {

namespace rtmp = wire::rtmp;
namespace amf0 = wire::amf0;
using testing::HasSubstr;

// An RTMP server on a thread of its own that welcomes a publisher, does one thing to it, and keeps what it sends.
class ScriptedServer {
 public:
  enum class Deed : uint8_t { welcome, refuse, send_elsewhere, hang_up };

  explicit ScriptedServer(Deed deed, std::string elsewhere = "") : deed_(deed), elsewhere_(std::move(elsewhere)) {
    listener_ = net::Listener::listen(loop_, {"127.0.0.1", 0}, nullptr, {}, [this](auto connection) {
                  visits_.push_back(std::make_unique<Visit>(*this, std::move(connection)));
                }).value();
    port_ = listener_->local().port;
    thread_ = std::jthread([this] { loop_.run(); });
  }
  ~ScriptedServer() { finish(); }

  // Stops serving; then what was heard may be looked at.
  void finish() {
    if (!thread_.joinable()) return;
    loop_.post([this] { loop_.stop(); });  // also when it has not begun to run yet
    thread_.join();
  }

  std::string tc_url() const { return fmt::format("rtmp://127.0.0.1:{}/live", port_); }
  RtmpUrl url() const { return RtmpUrl::parse(tc_url() + "/key").value(); }

  std::vector<rtmp::Message> media;  // of all visits
  std::vector<std::string> commands;

 private:
  class Visit final : public net::ConnectionHandler {
   public:
    Visit(ScriptedServer& server, std::unique_ptr<net::Connection> connection)
        : server_(server), connection_(std::move(connection)) {
      connection_->start(*this);
    }

   private:
    void on_bytes(ByteView bytes) override {
      if (handshake_.state() != rtmp::HandshakeState::done) {
        ByteWriter out;
        handshake_.receive(bytes, out);
        if (out.size() > 0) connection_->write(out.take());
      }
      if (handshake_.state() != rtmp::HandshakeState::done) return;
      while (auto message = reader_.read(bytes).value()) hear(*message);
    }
    void on_closed(net::Closed) override { connection_.reset(); }

    void hear(const rtmp::Message& message) {
      if (message.type == rtmp::MessageType::video || message.type == rtmp::MessageType::amf0_data) {
        server_.media.push_back(message);
        if (server_.deed_ == Deed::hang_up) return connection_->abort();
        if (server_.deed_ == Deed::send_elsewhere) say(rtmp::reconnect_request(server_.elsewhere_, "draining"), 0);
      }
      if (message.type != rtmp::MessageType::amf0_command) return;
      const rtmp::Command command = rtmp::parse_command(message).value();
      server_.commands.push_back(command.name);
      if (command.name == "connect") say({"_result", command.transaction, amf0::Object{}, {}}, 0);
      if (command.name == "createStream") say({"_result", command.transaction, amf0::Null{}, {amf0::Value(1.0)}}, 0);
      if (command.name != "publish") return;
      if (server_.deed_ == Deed::refuse) {
        say(rtmp::on_status(rtmp::StatusLevel::error, "NetStream.Publish.BadName", "already live"), 1);
      } else {
        say(rtmp::on_status(rtmp::StatusLevel::status, "NetStream.Publish.Start", "go"), 1);
      }
    }

    void say(const rtmp::Command& command, uint32_t stream_id) {
      std::vector<Bytes> out;
      writer_.write(rtmp::command_message(command, stream_id), rtmp::command_chunk_stream, out);
      connection_->write(out);
    }

    ScriptedServer& server_;
    std::unique_ptr<net::Connection> connection_;
    rtmp::HandshakeServer handshake_{1};
    rtmp::ChunkReader reader_{1 << 20};
    rtmp::ChunkWriter writer_;
  };

  Deed deed_;
  std::string elsewhere_;
  net::Loop loop_;
  std::unique_ptr<net::Listener> listener_;
  uint16_t port_ = 0;
  std::vector<std::unique_ptr<Visit>> visits_;
  std::jthread thread_;
};

ClipPacket packet(uint32_t ms, wire::flv::Packet::Type type, std::string_view hex) {
  return {.timestamp_ms = ms,
          .packet = {.type = type, .codec = media::Codec::hevc, .key_frame = true, .body = wire::from_hex(hex)}};
}

// 20 frames of 10 ms each.
Clip short_clip() {
  using Type = wire::flv::Packet::Type;
  Clip clip{.packets = {packet(0, Type::sequence_start, "01")}, .duration_ms = 200};
  for (uint32_t i = 0; i < 20; ++i) clip.packets.push_back(packet(10 * i, Type::coded_frames, "00000002 4001"));
  return clip;
}

TEST(client, a_clip_arrives_whole_in_enhanced_form_and_goodbye_is_said) {
  ScriptedServer server(ScriptedServer::Deed::welcome);
  const auto outcome = publish(short_clip(), {.url = server.url(), .pace = Pace::at_once});
  ASSERT_TRUE(outcome) << outcome.error().message;
  server.finish();
  ASSERT_EQ(server.media.size(), 21u);
  EXPECT_EQ(server.media[0].payload, wire::from_hex("90 68766331 01")) << "key frame, SequenceStart, hvc1";
  EXPECT_EQ(server.media[20].timestamp_ms, 190u);
  EXPECT_THAT(server.commands, testing::Contains("FCUnpublish"));
  EXPECT_EQ(server.commands.back(), "deleteStream");
}

TEST(client, what_exists_in_enhanced_rtmp_only_is_not_sent_to_a_server_of_old) {
  ScriptedServer server(ScriptedServer::Deed::welcome);
  Clip clip = short_clip();
  for (ClipPacket& one : clip.packets) one.packet.codec = media::Codec::av1;
  const auto outcome = publish(clip, {.url = server.url(), .pace = Pace::at_once, .dialect = Dialect::legacy});
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, HasSubstr("Enhanced RTMP only"));
}

TEST(client, a_refusal_is_handed_on_in_the_servers_words) {
  ScriptedServer server(ScriptedServer::Deed::refuse);
  const auto outcome = publish(short_clip(), {.url = server.url()});
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, HasSubstr("already live (NetStream.Publish.BadName)"));
  EXPECT_THAT(outcome.error().message, testing::Not(HasSubstr("/key")));
}

TEST(client, asked_to_go_elsewhere_it_begins_again_there) {
  ScriptedServer there(ScriptedServer::Deed::welcome);
  ScriptedServer here(ScriptedServer::Deed::send_elsewhere, there.tc_url());
  const auto outcome = publish(short_clip(), {.url = here.url()});
  ASSERT_TRUE(outcome) << outcome.error().message;
  here.finish();
  there.finish();
  EXPECT_LT(here.media.size(), 21u);
  EXPECT_EQ(here.commands.back(), "deleteStream");
  EXPECT_EQ(there.media.size(), 21u);
}

TEST(client, a_lost_connection_is_an_error) {
  ScriptedServer server(ScriptedServer::Deed::hang_up);
  const auto outcome = publish(short_clip(), {.url = server.url(), .repeat = Repeat::for_ever});
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, HasSubstr("lost"));
}

TEST(client, nobody_there_is_an_error_that_names_the_address_without_the_key) {
  RtmpUrl url;
  {
    ScriptedServer gone(ScriptedServer::Deed::welcome);
    url = gone.url();
  }
  const auto outcome = publish(short_clip(), {.url = url});
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, HasSubstr("cannot reach rtmp://127.0.0.1"));
  EXPECT_THAT(outcome.error().message, testing::Not(HasSubstr("/key")));
}

TEST(client, input_that_cannot_be_read_is_an_error) {
  EXPECT_FALSE(read_input("/nonexistent/clip.mp4"));
  EXPECT_TRUE(read_input("/dev/null")->empty());
}

}  // namespace
}  // namespace klieg::broadcaster
