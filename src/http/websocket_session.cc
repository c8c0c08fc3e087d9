#include "http/websocket_session.h"

#include <optional>

namespace klieg::http {

using namespace wire::websocket;  // NOLINT(google-build-using-namespace): this file speaks WebSocket throughout

std::string_view name_of(WebSocketEnd end) {
  switch (end) {
    case WebSocketEnd::left:
      return "left";
    case WebSocketEnd::finished:
      return "finished";
    case WebSocketEnd::malformed:
      return "malformed";
    case WebSocketEnd::silent:
      return "silent";
    case WebSocketEnd::not_reading:
      return "not_reading";
    case WebSocketEnd::stopped:
      return "stopped";
    case WebSocketEnd::shown_out:
      return "shown_out";
  }
  return "unknown";
}

std::vector<Message> WebSocketSession::receive(ByteView bytes, LoopTime now) {
  std::vector<Message> messages;
  if (state_ == WebSocketState::closed) return messages;
  std::vector<Event> events;
  const auto fed = reader_.feed(bytes, events);
  if (state_ == WebSocketState::open) {
    asked_ = false;
    deadline_ = now + limits_.ping_after;
  }
  std::optional<Bytes> ping;  // section 5.5.3: answering the latest of several is enough
  for (Event& event : events) {
    if (auto* message = std::get_if<Message>(&event)) messages.push_back(std::move(*message));
    if (const auto* asked = std::get_if<Ping>(&event)) ping = asked->payload;
    if (const auto* said = std::get_if<Close>(&event)) {
      // Its code is repeated where it is one that a peer may send: the reader has seen to that.
      const auto code = static_cast<CloseCode>(said->code.value_or(static_cast<uint16_t>(CloseCode::normal)));
      if (state_ == WebSocketState::open) {
        append_close(code, {}, output_);
        end_ = WebSocketEnd::left;
      }
      state_ = WebSocketState::closed;
      return messages;
    }
  }
  if (!fed) {
    if (state_ == WebSocketState::open) append_close(fed.error().code, fed.error().why, output_);
    end(state_ == WebSocketState::open ? WebSocketEnd::malformed : end_);
  } else if (ping && state_ == WebSocketState::open) {
    append_frame(Opcode::pong, std::move(*ping), output_);
  }
  return messages;
}

void WebSocketSession::wake(LoopTime now) {
  if (state_ == WebSocketState::closed || now < deadline_) return;
  if (state_ == WebSocketState::closing) return end(end_);
  if (asked_) return end(WebSocketEnd::silent);
  asked_ = true;
  deadline_ = now + limits_.pong_within;
  append_frame(Opcode::ping, {}, output_);
}

void WebSocketSession::close(WebSocketEnd why, CloseCode code, std::string_view reason, LoopTime now) {
  if (state_ != WebSocketState::open) return;
  append_close(code, reason, output_);
  state_ = WebSocketState::closing;
  end_ = why;
  deadline_ = now + limits_.close_within;
}

void WebSocketSession::end(WebSocketEnd why) {
  if (state_ == WebSocketState::closed) return;
  if (state_ == WebSocketState::open) end_ = why;
  state_ = WebSocketState::closed;
}

}  // namespace klieg::http
