#include "wire/rtmp_client_link.h"

#include <utility>

namespace klieg::wire::rtmp {
namespace {

constexpr uint32_t stream_command_chunk_stream = 8;
// What we tell a server that asks (Set Peer Bandwidth): how much it may send us unacknowledged.
constexpr uint32_t peer_window = 2'500'000;

}  // namespace

ClientLink::ClientLink(HandshakeForm form, uint64_t seed, size_t buffered_max)
    : handshake_(form, seed), reader_(buffered_max) {
  ByteWriter out;
  handshake_.begin(out);
  output_.push_back(out.take());
}

HandshakeState ClientLink::begin_read(ByteView& bytes) {
  acknowledge(bytes.size());
  if (handshake_.state() != HandshakeState::waiting) return handshake_.state();
  ByteWriter out;
  const HandshakeState state = handshake_.receive(bytes, out);
  if (out.size() > 0) output_.push_back(out.take());
  return state;
}

Result<std::optional<Message>, ChunkError> ClientLink::read(ByteView& bytes) {
  auto message = reader_.read(bytes);
  if (message && *message) obey(**message);
  return message;
}

void ClientLink::obey(const Message& message) {
  if (message.type == MessageType::window_acknowledgement_size) {
    if (const auto size = parse_control_value(message)) window_ = *size;
  } else if (message.type == MessageType::set_peer_bandwidth) {
    write(window_acknowledgement_size(peer_window), control_chunk_stream);
  } else if (message.type == MessageType::user_control) {
    const auto event = parse_user_control(message);
    if (event && event->event == UserControl::ping_request) {
      write(user_control(UserControl::ping_response, event->value), control_chunk_stream);
    }
  }
}

// RTMP 1.0, 5.4.3: after each window's worth of bytes, how many there were in all, modulo 2^32.
void ClientLink::acknowledge(size_t received) {
  bytes_received_ += received;
  if (window_ == 0 || bytes_received_ - bytes_acknowledged_ < window_) return;
  bytes_acknowledged_ = bytes_received_;
  write(acknowledgement(static_cast<uint32_t>(bytes_received_)), control_chunk_stream);
}

void ClientLink::set_chunk_size(uint32_t chunk_size) {
  write(rtmp::set_chunk_size(chunk_size), control_chunk_stream);
  writer_.set_chunk_size(chunk_size);
}

void ClientLink::write(const Message& message, uint32_t chunk_stream_id) {
  writer_.write(message, chunk_stream_id, output_);
}

void ClientLink::write(const Command& command, uint32_t stream_id) {
  write(command_message(command, stream_id), stream_id == 0 ? command_chunk_stream : stream_command_chunk_stream);
}

std::vector<Bytes> ClientLink::take_output() { return std::exchange(output_, {}); }

}  // namespace klieg::wire::rtmp
