#include "player/rtmp_viewer.h"

#include <algorithm>
#include <utility>

#include "wire/flv.h"
#include "wire/frame.h"

namespace klieg::player {

namespace rtmp = wire::rtmp;
namespace amf0 = wire::amf0;
namespace flv = wire::flv;

namespace {

// Transactions: one of each, in this order.
constexpr double connect_call = 1, create_stream_call = 2, play_call = 3;
constexpr Duration frame_max = 1s;  // what is further apart is a hole, not a frame

rtmp::Capabilities what_we_take() {
  rtmp::Capabilities ours;
  for (const char* name : {"avc1", "hvc1", "av01", "vp09"}) ours.video.push_back({name, rtmp::fourcc_can_decode});
  for (const char* name : {"mp4a", "Opus", ".mp3"}) ours.audio.push_back({name, rtmp::fourcc_can_decode});
  return ours;
}

}  // namespace

RtmpViewer::RtmpViewer(RtmpAddress address, uint64_t seed)
    : address_(std::move(address)), link_(rtmp::HandshakeForm::simple, seed, message_size_max) {}

void RtmpViewer::receive(ByteView bytes, LoopTime now) {
  if (end()) return;
  const rtmp::HandshakeState handshake = link_.begin_read(bytes);
  if (handshake == rtmp::HandshakeState::waiting) return;
  if (handshake != rtmp::HandshakeState::done) return end_with(fail("what answers there is not an RTMP server"));
  if (state_ == State::handshaking) connect();
  LoopTime began = link_.buffered() > 0 ? message_began_ : now;
  while (!end()) {
    const auto message = link_.read(bytes);
    if (!message) return end_with(fail(std::string(rtmp::name_of(message.error()))));
    if (!*message) break;
    obey(**message, std::exchange(began, now), now);
  }
  message_began_ = began;
}

void RtmpViewer::connect() {
  rtmp::ConnectRequest request;
  request.app = address_.application;
  request.tc_url = address_.tc_url;
  request.flash_version = "LNX 9,0,124,2 (klieg)";
  request.capabilities = what_we_take();
  link_.write(rtmp::connect_command(request, connect_call), 0);
  state_ = State::connecting;
}

void RtmpViewer::obey(const rtmp::Message& message, LoopTime first_byte, LoopTime now) {
  switch (message.type) {
    case rtmp::MessageType::amf0_command:
    case rtmp::MessageType::amf3_command:
      return obey_command(message);
    case rtmp::MessageType::amf0_data:
      return take_metadata(message);
    case rtmp::MessageType::video:
    case rtmp::MessageType::audio:
      if (message.type == counts_) take_media(message, first_byte, now);
      return;
    default:
      return;
  }
}

void RtmpViewer::obey_command(const rtmp::Message& message) {
  const auto command = rtmp::parse_command(message);
  if (!command) return end_with(std::unexpected(command.error()));
  if (command->name == "onStatus") return obey_status(*command);
  if (command->name == "_error") {
    const amf0::Value info = command->info();
    return end_with(fail("the server refused: " + std::string(info.text_at("description"))));
  }
  if (command->name != "_result") return;
  if (command->transaction == connect_call && state_ == State::connecting) {
    link_.write({"createStream", create_stream_call, amf0::Null{}, {}}, 0);
    state_ = State::creating;
  } else if (command->transaction == create_stream_call && state_ == State::creating) {
    const auto stream = rtmp::created_stream(*command);
    if (!stream) return end_with(fail("createStream was answered without a stream"));
    link_.write({"play", play_call, amf0::Null{}, {amf0::Value(address_.name)}}, *stream);
    state_ = State::playing;
  }
}

void RtmpViewer::obey_status(const rtmp::Command& command) {
  const amf0::Value info = command.info();
  const std::string_view code = info.text_at("code");
  if (info.text_at("level") == "error") {
    return end_with(fail(std::string(code).append(": ").append(info.text_at("description"))));
  }
  if (code == "NetStream.Play.Complete" || code == "NetStream.Play.UnpublishNotify" || code == "NetStream.Play.Stop") {
    end_with({});
  }
}

// Sound counts where there is no picture.
void RtmpViewer::take_metadata(const rtmp::Message& message) {
  const auto values = amf0::read_values(message.payload);
  if (!values) return;
  for (const amf0::Value& value : *values) {
    if (!value.properties()) continue;
    if (const double rate = value.number_at("framerate"); rate >= 1 && rate <= 1000) {
      frame_ = Duration(static_cast<int64_t>(1e9 / rate));
    }
    if (value.find("audiocodecid") && !value.find("videocodecid")) counts_ = rtmp::MessageType::audio;
  }
}

void RtmpViewer::take_media(const rtmp::Message& message, LoopTime first_byte, LoopTime now) {
  const bool video = message.type == rtmp::MessageType::video;
  const auto packet = video ? flv::read_video(message.payload) : flv::read_audio(message.payload);
  if (!packet) return end_with(fail(packet.error().message));
  if (packet->type == flv::Packet::Type::sequence_start) {
    auto track = wire::read_config(packet->codec, packet->body);
    if (!track) return end_with(std::unexpected(track.error()));
    track_ = *std::move(track);
  }
  if (packet->type != flv::Packet::Type::coded_frames) return;
  if (packet->key_frame && video) key_offset_ = packet->composition_offset;
  const MediaTime from(std::chrono::milliseconds(message.timestamp_ms) + packet->fine_offset + key_offset_);
  if (before_ && from > *before_ && from - *before_ <= frame_max) frame_ = from - *before_;
  before_ = from;
  Pushed pushed{.from = from,
                .duration = frame_,
                .captured = {},
                .first_byte = first_byte,
                .last_byte = now,
                .holds = Holds::one_frame};
  if (track_ && video) {
    if (const auto frame = wire::read_frame(*track_, packet->body)) pushed.captured = frame->captured;
  }
  if (frame_ > 0s) pushed_.push_back(pushed);
}

}  // namespace klieg::player
