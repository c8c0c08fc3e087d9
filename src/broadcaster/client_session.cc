#include "broadcaster/client_session.h"

#include <utility>

#include "base/assert.h"

namespace klieg::broadcaster {

namespace rtmp = wire::rtmp;
namespace amf0 = wire::amf0;

namespace {

// Transactions: one of each, in this order.
constexpr double connect_call = 1, release_stream_call = 2, fc_publish_call = 3, create_stream_call = 4,
                 publish_call = 5, farewell_call = 6;

constexpr uint32_t audio_chunk_stream = 4;
constexpr uint32_t video_chunk_stream = 6;
constexpr size_t buffered_max = 64 << 10;

rtmp::Capabilities what_we_send() {
  rtmp::Capabilities ours;
  for (const char* name : {"avc1", "hvc1", "av01", "vp09"}) ours.video.push_back({name, rtmp::fourcc_can_encode});
  for (const char* name : {"mp4a", "Opus", ".mp3"}) ours.audio.push_back({name, rtmp::fourcc_can_encode});
  for (const char* name : {"av01", "vp09", "hvc1"}) ours.fourccs.push_back(name);  // version 1 knew these
  ours.extended = rtmp::capability_reconnect;
  return ours;
}

std::string text_of(std::string_view text) { return std::string(text); }

}  // namespace

std::string_view name_of(ClientState state) {
  switch (state) {
    case ClientState::handshaking:
      return "handshaking";
    case ClientState::connecting:
      return "connecting";
    case ClientState::creating:
      return "creating";
    case ClientState::asking:
      return "asking";
    case ClientState::on_air:
      return "on_air";
    case ClientState::closed:
      return "closed";
  }
  return "unknown";
}

std::string_view name_of(ClientEnd end) {
  switch (end) {
    case ClientEnd::refused:
      return "refused";
    case ClientEnd::not_rtmp:
      return "not_rtmp";
    case ClientEnd::malformed:
      return "malformed";
    case ClientEnd::not_answering:
      return "not_answering";
    case ClientEnd::lost:
      return "lost";
    case ClientEnd::finished:
      return "finished";
  }
  return "unknown";
}

Duration correction_by(const ServerClock& clock, LoopTime now, WallTime wall) {
  const Duration off = now.time_since_epoch() + clock.loop_to_wall - wall.time_since_epoch();
  return std::chrono::abs(off) <= clock.error_max ? Duration(0) : off;
}

ClientSession::ClientSession(ClientSettings settings, uint64_t seed, LoopTime now)
    : settings_(std::move(settings)),
      deadline_(now + settings_.answer_within),
      link_(settings_.handshake, seed, buffered_max) {}

void ClientSession::receive(ByteView bytes, LoopTime now) {
  if (state_ == ClientState::closed) return;
  const rtmp::HandshakeState handshake = link_.begin_read(bytes);
  if (handshake == rtmp::HandshakeState::waiting) return;
  if (handshake != rtmp::HandshakeState::done) {
    return close({ClientEnd::not_rtmp, "", "what answers there is not an RTMP server"});
  }
  if (state_ == ClientState::handshaking) begin_connecting(now);
  while (state_ != ClientState::closed) {
    auto message = link_.read(bytes);
    if (!message) return close({ClientEnd::malformed, "", text_of(rtmp::name_of(message.error()))});
    if (!*message) return;
    obey(**message, now);
  }
}

void ClientSession::begin_connecting(LoopTime now) {
  link_.set_chunk_size(settings_.chunk_size);
  rtmp::ConnectRequest request;
  request.app = settings_.application;
  request.tc_url = settings_.tc_url;
  request.flash_version = "FMLE/3.0 (compatible; klieg)";
  if (settings_.dialect == Dialect::enhanced) request.capabilities = what_we_send();
  link_.write(rtmp::connect_command(request, connect_call), 0);
  connect_asked_ = now;
  step(ClientState::connecting, now);
}

void ClientSession::obey(const rtmp::Message& message, LoopTime now) {
  const bool command =
      message.type == rtmp::MessageType::amf0_command || message.type == rtmp::MessageType::amf3_command;
  if (command) obey_command(message, now);  // there is nothing else a publisher acts on
}

void ClientSession::obey_command(const rtmp::Message& message, LoopTime now) {
  const auto command = rtmp::parse_command(message);
  if (!command) return close({ClientEnd::malformed, "", command.error().message});

  if (command->name == "onStatus") return obey_status(*command);
  if (command->name == "_error") {
    // Servers without releaseStream and FCPublish say so, and mean no harm.
    if (command->transaction == release_stream_call || command->transaction == fc_publish_call) return;
    const amf0::Value info = command->info();
    return close({ClientEnd::refused, text_of(info.text_at("code")), text_of(info.text_at("description"))});
  }
  if (command->name != "_result") return;
  if (command->transaction == connect_call && state_ == ClientState::connecting) {
    if (const auto told = rtmp::server_time_in(*command)) {
      const Duration half = (now - connect_asked_) / 2;
      server_clock_ = {told->time_since_epoch() - (connect_asked_ + half).time_since_epoch(), half};
    }
    return create_stream(now);
  }
  if (command->transaction == create_stream_call && state_ == ClientState::creating) {
    const auto stream = rtmp::created_stream(*command);
    if (!stream) return close({ClientEnd::malformed, "", "createStream was answered without a stream"});
    ask_to_publish(*stream, now);
  }
}

void ClientSession::create_stream(LoopTime now) {
  const std::vector<amf0::Value> key{amf0::Value(settings_.stream_key)};
  link_.write({"releaseStream", release_stream_call, amf0::Null{}, key}, 0);
  link_.write({"FCPublish", fc_publish_call, amf0::Null{}, key}, 0);
  link_.write({"createStream", create_stream_call, amf0::Null{}, {}}, 0);
  step(ClientState::creating, now);
}

void ClientSession::ask_to_publish(uint32_t stream_id, LoopTime now) {
  stream_id_ = stream_id;
  link_.write({"publish", publish_call, amf0::Null{}, {amf0::Value(settings_.stream_key), amf0::Value("live")}},
              stream_id_);
  step(ClientState::asking, now);
}

void ClientSession::obey_status(const rtmp::Command& command) {
  const amf0::Value info = command.info();
  const std::string code = text_of(info.text_at("code")), words = text_of(info.text_at("description"));
  if (info.text_at("level") == "error") return close({ClientEnd::refused, code, words});
  if (code == "NetConnection.Connect.ReconnectRequest") {
    events_.push_back(ReconnectAsked{text_of(info.text_at("tcUrl")), words});
  } else if (code == "NetStream.Publish.Start" && state_ == ClientState::asking) {
    state_ = ClientState::on_air;
    events_.push_back(WentOnAir{});
  }
}

void ClientSession::send(rtmp::MessageType type, uint32_t timestamp_ms, Bytes body) {
  KLIEG_ASSERT(state_ == ClientState::on_air, "media is sent on air");
  const uint32_t chunk_stream = type == rtmp::MessageType::video ? video_chunk_stream : audio_chunk_stream;
  link_.write({type, stream_id_, timestamp_ms, std::move(body)}, chunk_stream);
}

void ClientSession::finish() {
  if (state_ == ClientState::closed) return;
  if (state_ == ClientState::on_air || state_ == ClientState::asking) {
    link_.write({"FCUnpublish", farewell_call, amf0::Null{}, {amf0::Value(settings_.stream_key)}}, 0);
    link_.write({"deleteStream", 0, amf0::Null{}, {amf0::Value(static_cast<double>(stream_id_))}}, 0);
  }
  close({ClientEnd::finished, "", ""});
}

void ClientSession::end(ClientEnd why) { close({why, "", ""}); }

void ClientSession::wake(LoopTime now) {
  if (const auto at = wake_at(); at && now >= *at) {
    close({ClientEnd::not_answering, "", "no answer while " + text_of(name_of(state_))});
  }
}

std::optional<LoopTime> ClientSession::wake_at() const {
  if (state_ == ClientState::on_air || state_ == ClientState::closed) return std::nullopt;
  return deadline_;
}

std::optional<ClientEvent> ClientSession::next_event() {
  if (events_.empty()) return std::nullopt;
  ClientEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

std::vector<Bytes> ClientSession::take_output() { return link_.take_output(); }

void ClientSession::step(ClientState state, LoopTime now) {
  state_ = state;
  deadline_ = now + settings_.answer_within;
}

void ClientSession::close(ClientEnded ended) {
  if (state_ == ClientState::closed) return;
  state_ = ClientState::closed;
  events_.push_back(std::move(ended));
}

}  // namespace klieg::broadcaster
