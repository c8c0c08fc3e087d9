// One viewer over a WebSocket as a state machine, from its 101 on: bytes and `now` in; his messages, bytes to send and
// a wake-at out.
//
//   open ──close(), the viewer's Close, a violation──► closing ──its Close, close_within──► closed
//    └──no pong in time, end()──► closed
//
// It says everything but the owner's messages, which the owner sends while it is open. Whether the viewer is still
// there is seen from pings, which cost one behind a radio nothing while something flows.
//
// Memory: a message of message_size_max, and the answers of one receive(): one pong, whatever was asked; a viewer that
// asks much and reads nothing is the owner's business (Connection::unsent()).
//
// Ownership, thread: a plain value of its owner; no socket, no clock, no callback.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "wire/websocket.h"

namespace klieg::http {

struct WebSocketLimits {
  size_t message_size_max = 4096;
  Duration ping_after = 15s;  // of hearing nothing; NATs forget idle connections after 30 s at the soonest
  Duration pong_within = 10s;
  Duration close_within = 2s;  // for the viewer's Close
};

enum class WebSocketState : uint8_t { open, closing, closed };

enum class WebSocketEnd : uint8_t {
  left,         // the viewer closed, or the network did
  finished,     // what it was for is over
  malformed,    // what it sent is no WebSocket, or not the subprotocol
  silent,       // no pong came
  not_reading,  // it takes nothing, or next to nothing
  stopped,      // by us
  shown_out,    // what let him in is worth nothing any more
};
std::string_view name_of(WebSocketEnd end);

class WebSocketSession {
 public:
  WebSocketSession(const WebSocketLimits& limits, LoopTime now)
      : limits_(limits), reader_(limits.message_size_max), deadline_(now + limits.ping_after) {}

  // What became whole of his messages, also before a Close or a violation that ends the session.
  std::vector<wire::websocket::Message> receive(ByteView bytes, LoopTime now);
  void wake(LoopTime now);
  LoopTime wake_at() const { return deadline_; }  // meaningless once closed

  // No message follows what was sent. Nothing if it is closing already.
  void close(WebSocketEnd why, wire::websocket::CloseCode code, std::string_view reason, LoopTime now);
  void end(WebSocketEnd why);  // at once, without a word

  std::vector<Bytes> take_output() { return std::exchange(output_, {}); }

  WebSocketState state() const { return state_; }
  WebSocketEnd why() const { return end_; }  // once closing or closed

 private:
  WebSocketLimits limits_;
  wire::websocket::Reader reader_;
  WebSocketState state_ = WebSocketState::open;
  WebSocketEnd end_ = WebSocketEnd::left;
  bool asked_ = false;  // a ping is out
  LoopTime deadline_;
  std::vector<Bytes> output_;
};

}  // namespace klieg::http
