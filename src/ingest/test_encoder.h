// For tests: the other end of a Session. Writes what an encoder sends and reads what it is answered.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/rtmp_chunk.h"
#include "wire/rtmp_handshake.h"
#include "wire/rtmp_message.h"

namespace klieg::ingest {

class TestEncoder {
 public:
  TestEncoder() : handshake_(wire::rtmp::HandshakeForm::digest, 1) {
    ByteWriter hello;
    handshake_.begin(hello);
    sent_.push_back(hello.take());
  }

  // What was said since the last take.
  Bytes take() { return Bytes::join(std::exchange(sent_, {})); }

  void hear(const std::vector<Bytes>& pieces) {
    const Bytes content = Bytes::join(pieces);
    ByteView bytes = content;
    if (handshake_.state() == wire::rtmp::HandshakeState::waiting) {
      ByteWriter answer;
      handshake_.receive(bytes, answer);
      if (answer.size() > 0) sent_.push_back(answer.take());
    }
    while (auto message = reader_.read(bytes).value()) heard_.push_back(std::move(*message));
  }

  void send(const wire::rtmp::Message& message, uint32_t chunk_stream_id = 6) {
    writer_.write(message, chunk_stream_id, sent_);
  }
  void command(const std::string& name, double transaction, std::vector<wire::amf0::Value> arguments,
               uint32_t stream_id = 0) {
    send(wire::rtmp::command_message({name, transaction, wire::amf0::Null{}, std::move(arguments)}, stream_id), 3);
  }
  void connect(std::string app = "live", std::string tc_url = "rtmp://host/live", uint32_t capabilities = 0) {
    wire::rtmp::ConnectRequest request{std::move(app), std::move(tc_url), "Test/1.0", 0, {}};
    request.capabilities.extended = capabilities;
    send(command_message(connect_command(request, 1), 0), 3);
  }
  void publish(std::string name) {
    command("releaseStream", 2, {name});
    command("FCPublish", 3, {name});
    command("createStream", 4, {});
    command("publish", 5, {name, "live"}, 1);
  }
  void video(uint32_t timestamp_ms, Bytes body) {
    send({wire::rtmp::MessageType::video, 1, timestamp_ms, std::move(body)}, 6);
  }

  const std::vector<wire::rtmp::Message>& heard() const { return heard_; }
  std::vector<wire::rtmp::Command> commands_heard() const {
    std::vector<wire::rtmp::Command> commands;
    for (const wire::rtmp::Message& message : heard_) {
      if (message.type == wire::rtmp::MessageType::amf0_command) commands.push_back(parse_command(message).value());
    }
    return commands;
  }
  // "error NetStream.Publish.Denied: wrong key", of the last onStatus heard; "" for none.
  std::string status() const {
    std::string status;
    for (const wire::rtmp::Command& command : commands_heard()) {
      if (command.name != "onStatus") continue;
      const wire::amf0::Value& info = command.arguments.at(0);
      status = std::string(info.text_at("level")) + " " + std::string(info.text_at("code")) + ": " +
               std::string(info.text_at("description"));
    }
    return status;
  }
  size_t heard_of(wire::rtmp::MessageType type) const {
    size_t count = 0;
    for (const wire::rtmp::Message& message : heard_) count += message.type == type ? 1 : 0;
    return count;
  }

 private:
  wire::rtmp::HandshakeClient handshake_;
  wire::rtmp::ChunkWriter writer_;
  wire::rtmp::ChunkReader reader_{16 << 20};
  std::vector<Bytes> sent_;
  std::vector<wire::rtmp::Message> heard_;
};

}  // namespace klieg::ingest
