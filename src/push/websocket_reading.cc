#include "push/websocket_reading.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "wire/frame.h"
#include "wire/websocket.h"

namespace klieg::push {
namespace {

using media::TrackKind;
using wire::websocket::Opcode;

constexpr uint8_t id_of(TrackKind kind) { return kind == TrackKind::video ? 1 : 2; }

// Whole messages, because a viewer who is skipped leaves off between two pieces: one copy for all who look.
Bytes text_message(const nlohmann::json& content) {
  std::vector<Bytes> pieces;
  append_frame(Opcode::text, Bytes::take(content.dump()), pieces);
  return Bytes::join(pieces);
}

Bytes binary_message(TrackKind kind, uint8_t flags, const Bytes& content) {
  constexpr size_t header_size = 8;
  ByteWriter header;
  header.u8(id_of(kind));
  header.u8(flags);
  header.u16(0);
  header.u32(static_cast<uint32_t>(content.size()));  // at most chunk_bytes_max
  return Bytes::join(
      std::vector{wire::websocket::frame_head(Opcode::binary, header_size + content.size()), header.take(), content});
}

// What an MP4 reader leaves out is in the decoder configuration.
std::string mime_of(const media::Track& track) {
  const auto known = track.codecs.empty() ? wire::read_config(track.codec, track.decoder_config) : track;
  const std::string_view codecs = known ? std::string_view(known->codecs) : std::string_view();
  return std::string(name_of(track.kind)).append("/mp4; codecs=\"").append(codecs).append("\"");
}

Bytes preamble_of(const Headers& headers) {
  nlohmann::json tracks = nlohmann::json::array();
  std::vector<Bytes> messages(1);
  for (const TrackHeader& header : headers.tracks) {
    const media::Track& info = header.track.info;
    tracks.push_back({{"id", id_of(info.kind)},
                      {"kind", name_of(info.kind)},
                      {"name", header.name},
                      {"mime", mime_of(info)},
                      {"timescale", header.track.timescale}});
    messages.push_back(binary_message(info.kind, flag_initialization, header.content));
  }
  messages.front() = text_message({{"type", "tracks"}, {"tracks", std::move(tracks)}});
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
  if (std::exchange(headers_due_, false)) reel_->append(preamble_);
  const bool marked = chunk.start == Start::yes;
  uint8_t flags = marked ? flag_key : 0;
  if (discontinuous_ & id_of(chunk.kind)) flags |= flag_discontinuity;
  discontinuous_ &= static_cast<uint8_t>(~id_of(chunk.kind));
  Bytes message = binary_message(chunk.kind, flags, chunk.content);
  marked ? reel_->append_marked(std::move(message), chunk.decode_time, preamble_) : reel_->append(std::move(message));
}

void WebSocketReading::on_over(ChannelEnd why) {
  over_ = why;
  if (begun_) reel_->append(text_message({{"type", "over"}, {"why", name_of(why)}}));
  reel_->end();
  changed_();
}

}  // namespace klieg::push
