#include "wire/websocket.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "base/utf8.h"
#include "wire/base64.h"

namespace klieg::wire::websocket {
namespace {

constexpr std::string_view accept_suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // section 1.3

// Section 7.4.2: what may stand in a Close. 1004 to 1006 and 1015 are for other uses, 3000 up for anybody.
bool may_be_sent(uint16_t code) {
  if (code >= 3000) return code < 5000;
  return code >= 1000 && code <= 1014 && !(code >= 1004 && code <= 1006);
}

// Of the whole head, by its second byte.
size_t head_size(uint8_t second) {
  const uint8_t length = second & 0x7F;
  const size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  return 2 + extended + (second & 0x80 ? 4 : 0);
}

}  // namespace

bool is_key(std::string_view key) {
  if (key.size() != 24 || !key.ends_with("==")) return false;
  return std::ranges::all_of(key.substr(0, 22), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  });
}

std::string key_of(std::span<const uint8_t, 16> nonce) { return base64(nonce); }

std::string accept_of(std::string_view key) {
  const std::string text = std::string(key).append(accept_suffix);
  std::array<uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const int done = EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  KLIEG_ASSERT(done == 1 && size == 20, "OpenSSL provides SHA-1");
  return base64(ByteView(digest).first(size));
}

Bytes frame_head(Opcode opcode, uint64_t payload_size) {
  ByteWriter head;
  head.u8(static_cast<uint8_t>(0x80 | static_cast<uint8_t>(opcode)));
  if (payload_size < 126) {
    head.u8(static_cast<uint8_t>(payload_size));
  } else if (payload_size <= 0xFFFF) {
    head.u8(126);
    head.u16(static_cast<uint16_t>(payload_size));
  } else {
    head.u8(127);
    head.u64(payload_size);
  }
  return head.take();
}

void append_frame(Opcode opcode, Bytes payload, std::vector<Bytes>& out) {
  KLIEG_ASSERT(static_cast<uint8_t>(opcode) < 8 || payload.size() <= control_size_max, "control frames are short");
  out.push_back(frame_head(opcode, payload.size()));
  if (!payload.empty()) out.push_back(std::move(payload));
}

void append_close(CloseCode code, std::string_view reason, std::vector<Bytes>& out) {
  ByteWriter payload;
  payload.u16(static_cast<uint16_t>(code));
  payload.text(reason);
  append_frame(Opcode::close, payload.take(), out);
}

void append_masked_frame(Opcode opcode, ByteView payload, uint32_t mask, std::vector<Bytes>& out) {
  KLIEG_ASSERT(static_cast<uint8_t>(opcode) < 8 || payload.size() <= control_size_max, "control frames are short");
  const Bytes unmasked = frame_head(opcode, payload.size());
  ByteWriter frame;
  frame.u8(unmasked[0]);
  frame.u8(0x80 | unmasked[1]);
  frame.bytes(unmasked.slice(2));
  frame.u32(mask);
  for (size_t i = 0; i < payload.size(); ++i) frame.u8(payload[i] ^ static_cast<uint8_t>(mask >> (24 - 8 * (i % 4))));
  out.push_back(frame.take());
}

Result<void, Violation> Reader::feed(ByteView bytes, std::vector<Event>& out) {
  while (state_ != State::broken && state_ != State::closed) {
    if (state_ == State::head) {
      const size_t needed = head_.size() < 2 ? 2 : head_size(head_[1]);
      const size_t taken = std::min(needed - head_.size(), bytes.size());
      head_.insert(head_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(taken));
      bytes = bytes.subspan(taken);
      if (head_.size() < 2 || head_.size() < head_size(head_[1])) {
        if (bytes.empty()) break;
        continue;
      }
      if (!read_head()) break;
      state_ = State::payload;
    }
    const size_t taken = std::min<uint64_t>(payload_rest_, bytes.size());
    take_payload(bytes.first(taken));
    bytes = bytes.subspan(taken);
    if (payload_rest_ > 0) break;
    state_ = State::head;
    finish_frame(out);
  }
  if (state_ == State::broken) return std::unexpected(violation_);
  return {};
}

bool Reader::read_head() {
  ByteReader head(head_);
  const uint8_t first = head.u8();
  const uint8_t second = head.u8();
  payload_rest_ = second & 0x7F;
  const size_t extended = payload_rest_ == 126 ? 2 : payload_rest_ == 127 ? 8 : 0;
  if (extended == 2) payload_rest_ = head.u16();
  if (extended == 8) payload_rest_ = head.u64();
  const bool masked = (second & 0x80) != 0;
  for (uint8_t& byte : mask_) byte = masked ? head.u8() : 0;
  mask_at_ = 0;
  opcode_ = static_cast<Opcode>(first & 0x0F);
  final_ = (first & 0x80) != 0;
  head_.clear();

  const auto refused = [this](const char* why) {
    refuse(CloseCode::protocol_error, why);
    return false;
  };
  if (first & 0x70) return refused("no extension was agreed on");
  if (!masked && from_ == From::client) return refused("frames of a client are masked");
  if (masked && from_ == From::server) return refused("frames of a server are not masked");
  switch (opcode_) {
    case Opcode::continuation:
      if (!message_kind_) return refused("there is no message to continue");
      break;
    case Opcode::text:
    case Opcode::binary:
      if (message_kind_) return refused("the message before has not ended");
      message_kind_ = opcode_ == Opcode::text ? MessageKind::text : MessageKind::binary;
      break;
    case Opcode::close:
    case Opcode::ping:
    case Opcode::pong:
      if (!final_ || payload_rest_ > control_size_max) return refused("control frames are whole and short");
      return true;
    default:
      return refused("an unknown opcode");
  }
  // Section 5.2: the shortest form of a length, and its highest bit is 0.
  if ((extended == 2 && payload_rest_ < 126) || (extended == 8 && payload_rest_ <= 0xFFFF) || payload_rest_ >> 63) {
    return refused("a length that is longer than it need be");
  }
  if (payload_rest_ > message_size_max_ - message_.size()) {
    refuse(CloseCode::message_too_big, "the message is too long");
    return false;
  }
  return true;
}

void Reader::take_payload(ByteView bytes) {
  std::vector<uint8_t>& to = is_control() ? control_ : message_;
  for (uint8_t byte : bytes) to.push_back(byte ^ mask_[mask_at_++ % 4]);
  payload_rest_ -= bytes.size();
}

void Reader::finish_frame(std::vector<Event>& out) {
  switch (opcode_) {
    case Opcode::close:
      return finish_close(out);
    case Opcode::ping:
      out.emplace_back(Ping{Bytes::take(std::exchange(control_, {}))});
      return;
    case Opcode::pong:
      out.emplace_back(Pong{Bytes::take(std::exchange(control_, {}))});
      return;
    default:
      if (final_) finish_message(out);
  }
}

void Reader::finish_message(std::vector<Event>& out) {
  const MessageKind kind = *std::exchange(message_kind_, std::nullopt);
  std::vector<uint8_t> content = std::exchange(message_, {});
  if (kind == MessageKind::text && !is_utf8(ByteView(content))) {
    return refuse(CloseCode::invalid_payload, "the text is no UTF-8");
  }
  out.emplace_back(Message{kind, Bytes::take(std::move(content))});
}

void Reader::finish_close(std::vector<Event>& out) {
  Close close;
  if (!control_.empty()) {
    ByteReader payload(control_);
    const uint16_t code = payload.u16();
    if (!payload.ok() || !may_be_sent(code)) return refuse(CloseCode::protocol_error, "a close code that is none");
    if (!is_utf8(payload.rest())) return refuse(CloseCode::invalid_payload, "the reason is no UTF-8");
    close.code = code;
    close.reason.assign(payload.rest().begin(), payload.rest().end());
  }
  state_ = State::closed;
  out.emplace_back(std::move(close));
}

void Reader::refuse(CloseCode code, const char* why) {
  state_ = State::broken;
  violation_ = {code, why};
}

}  // namespace klieg::wire::websocket
