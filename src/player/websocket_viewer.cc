#include "player/websocket_viewer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "wire/http1.h"

namespace klieg::player {

namespace http1 = wire::http1;
namespace push = wire::push_message;
namespace websocket = wire::websocket;

WebSocketViewer::WebSocketViewer(std::string_view authority, std::string_view path, uint64_t seed)
    : random_(seed), path_(path) {
  std::array<uint8_t, 16> nonce{};
  for (uint8_t& byte : nonce) byte = static_cast<uint8_t>(random_.next());
  key_ = websocket::key_of(nonce);
  output_.push_back(Bytes::take(
      fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\nSec-WebSocket-Protocol: {}\r\n\r\n",
                  path, authority, key_, push::protocol)));
}

void WebSocketViewer::receive(ByteView bytes, LoopTime now) {
  if (end()) return;
  if (!open_) {
    const size_t before = head_.size();
    head_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const auto head_end = http1::find_head_end(head_, before);
    if (!head_end) {
      if (head_.size() > head_size_max) end_with(fail("what answers is no HTTP server"));
      return;
    }
    bytes = bytes.subspan(*head_end - before);
    head_.resize(*head_end);
    read_head();
    if (!open_) return;
  }
  LoopTime began = reader_.between_messages() ? now : message_began_;
  std::vector<websocket::Event> events;
  const auto fed = reader_.feed(bytes, events);
  for (const websocket::Event& event : events) {
    if (const auto* message = std::get_if<websocket::Message>(&event)) take(*message, std::exchange(began, now), now);
    if (const auto* ping = std::get_if<websocket::Ping>(&event)) send(websocket::Opcode::pong, ping->payload);
    if (const auto* close = std::get_if<websocket::Close>(&event)) {
      end_with(fail(close->reason.empty() ? "the server closed the connection" : close->reason));
    }
  }
  message_began_ = began;
  if (!fed) end_with(fail(fmt::format("what comes is no WebSocket: {}", fed.error().why)));
}

void WebSocketViewer::read_head() {
  http1::ResponseHead head;
  if (const auto parsed = http1::parse_response_head(head_, http1::AnswerTo::other, head); !parsed) {
    return end_with(fail(fmt::format("what answers is no HTTP server: {}", parsed.error().why)));
  }
  if (head.status != 101) return end_with(fail(fmt::format("{} answers {}", path_, head.status)));
  const bool accepted = std::ranges::any_of(head.headers, [&](const wire::HeaderView& field) {
    return field.name == "sec-websocket-accept" && field.value == websocket::accept_of(key_);
  });
  if (!accepted) return end_with(fail(fmt::format("{} speaks no WebSocket", path_)));
  open_ = true;
}

void WebSocketViewer::take(const websocket::Message& message, LoopTime first_byte, LoopTime now) {
  if (message.kind == websocket::MessageKind::binary) {
    const auto chunk = push::read_chunk(message.content);
    if (!chunk) return end_with(fail("a message is no chunk"));
    return take_chunk(*chunk, first_byte, now);
  }
  const auto words = push::read_words(message.content.text());
  if (!words) return end_with(std::unexpected(words.error()));
  if (const auto* tracks = std::get_if<push::Tracks>(&*words)) take_tracks(*tracks);
  if (std::holds_alternative<push::Over>(*words)) end_with({});
}

void WebSocketViewer::take_tracks(const push::Tracks& told) {
  const auto& tracks = told.tracks;
  if (tracks.empty()) return;
  const auto video = std::ranges::find(tracks, media::TrackKind::video, &push::Track::kind);
  track_ = video == tracks.end() ? tracks.front().id : video->id;
}

void WebSocketViewer::take_chunk(const push::Chunk& chunk, LoopTime first_byte, LoopTime now) {
  if (chunk.track != track_) return;
  if (chunk.flags & push::flag_initialization) {
    auto times = ChunkTimes::of(chunk.content);
    if (!times) return end_with(fail("a track's header: " + times.error().message));
    times_ = *std::move(times);
    return;
  }
  if (!times_) return end_with(fail("a chunk comes before its track's header"));
  if (const auto time = times_->read(chunk.content)) {
    pushed_.push_back({time->from, time->duration, time->captured, first_byte, now, time->holds});
  }
}

void WebSocketViewer::send(websocket::Opcode opcode, ByteView payload) {
  websocket::append_masked_frame(opcode, payload, static_cast<uint32_t>(random_.next()), output_);
}

}  // namespace klieg::player
