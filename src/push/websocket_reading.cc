#include "push/websocket_reading.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "wire/frame.h"
#include "wire/push_message.h"
#include "wire/websocket.h"

namespace klieg::push {

namespace message = wire::push_message;

namespace {

using media::TrackKind;
using wire::websocket::Opcode;

constexpr uint8_t id_of(TrackKind kind) { return kind == TrackKind::video ? 1 : 2; }

// Whole messages, because a viewer who is skipped leaves off between two pieces: one copy for all who look.
Bytes text_message(std::string text) {
  std::vector<Bytes> pieces;
  append_frame(Opcode::text, Bytes::take(std::move(text)), pieces);
  return Bytes::join(pieces);
}

Bytes binary_message(TrackKind kind, uint8_t flags, const Bytes& content) {
  const Bytes head =
      message::chunk_head(id_of(kind), flags, static_cast<uint32_t>(content.size()));  // at most chunk_bytes_max
  return Bytes::join(
      std::array{wire::websocket::frame_head(Opcode::binary, head.size() + content.size()), head, content});
}

// What an MP4 reader leaves out is in the decoder configuration.
std::string mime_of(const media::Track& track) {
  const auto known = track.codecs.empty() ? wire::read_config(track.codec, track.decoder_config) : track;
  const std::string_view codecs = known ? std::string_view(known->codecs) : std::string_view();
  return std::string(name_of(track.kind)).append("/mp4; codecs=\"").append(codecs).append("\"");
}

Bytes preamble_of(const Headers& headers) {
  message::Tracks tracks;
  std::vector<Bytes> messages(1);
  for (const TrackHeader& header : headers.tracks) {
    const media::Track& info = header.track.info;
    tracks.tracks.push_back({.id = id_of(info.kind),
                             .kind = info.kind,
                             .name = header.name,
                             .mime = mime_of(info),
                             .timescale = header.track.timescale});
    messages.push_back(binary_message(info.kind, message::flag_initialization, header.content));
  }
  messages.front() = text_message(message::write(tracks));
  return Bytes::join(messages);
}

}  // namespace

WebSocketReading::WebSocketReading(std::function<void()> changed, const ReelLimits& limits)
    : changed_(std::move(changed)), reel_(std::make_shared<Reel>(limits)) {}

void WebSocketReading::on_headers(const Headers& headers) {
  preamble_ = preamble_of(headers);
  headers_due_ = true;
  if (begun_) {
    for (const TrackHeader& header : headers.tracks) discontinuous_ |= id_of(header.track.info.kind);
  }
  if (!std::exchange(begun_, true)) changed_();
}

void WebSocketReading::on_chunk(const Chunk& chunk) {
  // For who reads on: in the log itself. A mark carries it for who begins there.
  if (std::exchange(headers_due_, false)) reel_->append_words(preamble_);
  const bool marked = chunk.start == Start::yes;
  uint8_t flags = marked ? message::flag_key : 0;
  if (discontinuous_ & id_of(chunk.kind)) flags |= message::flag_discontinuity;
  discontinuous_ &= static_cast<uint8_t>(~id_of(chunk.kind));
  Bytes framed = binary_message(chunk.kind, flags, chunk.content);
  marked ? reel_->append_marked(std::move(framed), chunk.decode_time, preamble_)
         : reel_->append(std::move(framed), chunk.decode_time);
}

void WebSocketReading::on_over(ChannelEnd why) {
  over_ = why;
  if (begun_) reel_->append_words(text_message(message::write(message::Over{std::string(name_of(why))})));
  reel_->end();
  changed_();
}

}  // namespace klieg::push
