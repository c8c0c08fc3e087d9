// WebSocket: bytes <-> meaning (RFC 6455, version 13, without extensions).
//
//   is_key(key), accept_of(key)      the handshake; the rest of it is HTTP (http/websocket.h)
//   frame_head(...), append_...      frames to a client, unmasked
//   append_masked_frame(...)         frames to a server
//   Reader                           frames of either: fragmented, in any pieces
//
// The head of a frame to a client says nothing about the client, so a frame is written once and its bytes serve any
// number of them. A client's messages are small and rare; they are gathered, unmasked and checked here. So are a
// server's, for a client of ours: it alone copies what it is sent.
//
// Pure. Memory: a Reader holds one unfinished message of at most message_size_max, and one control frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace klieg::wire::websocket {

enum class Opcode : uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };  // section 5.2

// Section 7.4.1, and 1013 of the IANA registry.
enum class CloseCode : uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  invalid_payload = 1007,  // text that is no UTF-8
  policy_violation = 1008,
  message_too_big = 1009,
  internal_error = 1011,
  try_again_later = 1013,
};

constexpr size_t control_size_max = 125;                        // section 5.5
constexpr size_t close_reason_size_max = control_size_max - 2;  // behind its code

// Section 4.2.1: 16 bytes in base64.
bool is_key(std::string_view key);
// Such a key of any 16 bytes (section 4.1).
std::string key_of(std::span<const uint8_t, 16> nonce);
// Section 4.2.2: what Sec-WebSocket-Accept says to it.
std::string accept_of(std::string_view key);

// The head of a whole, unfragmented frame: 2, 4 or 10 bytes. Its payload follows as it is.
Bytes frame_head(Opcode opcode, uint64_t payload_size);
// Asserted: a control frame's payload has at most control_size_max.
void append_frame(Opcode opcode, Bytes payload, std::vector<Bytes>& out);
// Asserted: the reason has at most close_reason_size_max.
void append_close(CloseCode code, std::string_view reason, std::vector<Bytes>& out);

// Section 5.3: what a client sends is masked, with another mask for each frame. Asserted as append_frame().
void append_masked_frame(Opcode opcode, ByteView payload, uint32_t mask, std::vector<Bytes>& out);

enum class MessageKind : uint8_t { text, binary };

struct Message {
  MessageKind kind = MessageKind::text;
  Bytes content;
  bool operator==(const Message&) const = default;
};
struct Ping {
  Bytes payload;  // which the pong repeats
  bool operator==(const Ping&) const = default;
};
struct Pong {
  Bytes payload;
  bool operator==(const Pong&) const = default;
};
struct Close {
  std::optional<uint16_t> code;  // as sent; nothing: none was
  std::string reason;
  bool operator==(const Close&) const = default;
};
using Event = std::variant<Message, Ping, Pong, Close>;

// What a client did against the law: what to close with, and a sentence.
struct Violation {
  CloseCode code = CloseCode::protocol_error;
  const char* why = "";
};

enum class From : uint8_t { client, server };

class Reader {
 public:
  explicit Reader(size_t message_size_max, From from = From::client)
      : message_size_max_(message_size_max), from_(from) {}

  // Appends what became whole. What follows a Close is ignored (section 5.5.1); after a violation nothing more is read
  // and feed() repeats it, and what came before it is in `out`.
  Result<void, Violation> feed(ByteView bytes, std::vector<Event>& out);
  // Nothing of a message is here that is not whole.
  bool between_messages() const { return state_ == State::head && head_.empty() && !message_kind_; }

 private:
  enum class State : uint8_t { head, payload, closed, broken };

  bool read_head();
  void take_payload(ByteView bytes);
  void finish_frame(std::vector<Event>& out);
  void finish_message(std::vector<Event>& out);
  void finish_close(std::vector<Event>& out);
  void refuse(CloseCode code, const char* why);
  bool is_control() const { return static_cast<uint8_t>(opcode_) >= 8; }

  size_t message_size_max_;
  From from_;
  State state_ = State::head;
  std::vector<uint8_t> head_;  // until it is whole: at most 14 bytes
  Opcode opcode_ = Opcode::continuation;
  bool final_ = false;
  uint64_t payload_rest_ = 0;
  uint8_t mask_[4] = {};
  size_t mask_at_ = 0;
  std::optional<MessageKind> message_kind_;  // of the message that is under way
  std::vector<uint8_t> message_;
  std::vector<uint8_t> control_;
  Violation violation_;
};

}  // namespace klieg::wire::websocket
