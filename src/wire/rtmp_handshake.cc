#include "wire/rtmp_handshake.h"

#include <algorithm>
#include <array>

#include "wire/hmac.h"

namespace klieg::wire::rtmp {
namespace {

constexpr uint8_t version_plain = 3;
constexpr size_t digest_size = hmac_size;
using Digest = Hmac;

// The published name of each side is the key of its first digest; with the tail it is the key of its answer.
constexpr std::string_view client_name = "Genuine Adobe Flash Player 001";
constexpr std::string_view server_name = "Genuine Adobe Flash Media Server 001";
constexpr std::array<uint8_t, 32> key_tail = {0xF0, 0xEE, 0xC2, 0x4A, 0x80, 0x68, 0xBE, 0xE8, 0x2E, 0x00, 0xD0,
                                              0xD1, 0x02, 0x9E, 0x7E, 0x57, 0x6E, 0xEC, 0x5D, 0x2D, 0x29, 0x80,
                                              0x6F, 0xAB, 0x93, 0xB8, 0xE6, 0x36, 0xCF, 0xEB, 0x31, 0xAE};

std::string_view name_of(HandshakeSide side) { return side == HandshakeSide::client ? client_name : server_name; }

// A packet is time (4), version (4) and two blocks of 764; each block begins or ends with four bytes whose sum points
// into it. Scheme 0 has the digest in the first block behind its pointer, scheme 1 in the second.
constexpr std::array<size_t, 2> pointer_offsets = {8, 8 + 764};
constexpr size_t pointer_range = 764 - 4 - digest_size;

size_t digest_offset(ByteView packet, size_t scheme) {
  const size_t pointer = pointer_offsets[scheme];
  size_t sum = 0;
  for (size_t i = 0; i < 4; ++i) sum += packet[pointer + i];
  return pointer + 4 + sum % pointer_range;
}

Digest digest_of(ByteView packet, size_t offset, HandshakeSide made_by) {
  std::vector<uint8_t> without(packet.begin(), packet.begin() + static_cast<ptrdiff_t>(offset));
  without.insert(without.end(), packet.begin() + static_cast<ptrdiff_t>(offset + digest_size), packet.end());
  return hmac_sha256(as_bytes(name_of(made_by)), without);
}

Digest answer_to(ByteView content, ByteView digest, HandshakeSide made_by) {
  std::vector<uint8_t> key;
  key.insert(key.end(), name_of(made_by).begin(), name_of(made_by).end());
  key.insert(key.end(), key_tail.begin(), key_tail.end());
  return hmac_sha256(hmac_sha256(key, digest), content);
}

using Packet = std::array<uint8_t, handshake_packet_size>;

void fill_random(std::span<uint8_t> bytes, Random& random) {
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next());
}

Packet simple_packet(Random& random) {
  Packet packet{};  // time and the four zero bytes that mean "no digest" stay 0
  fill_random(std::span(packet).subspan(8), random);
  return packet;
}

Packet digest_packet(HandshakeSide made_by, std::array<uint8_t, 4> version, size_t scheme, Random& random) {
  Packet packet = simple_packet(random);
  std::ranges::copy(version, packet.begin() + 4);
  const size_t offset = digest_offset(packet, scheme);
  const Digest digest = digest_of(packet, offset, made_by);
  std::ranges::copy(digest, packet.begin() + static_cast<ptrdiff_t>(offset));
  return packet;
}

Packet digest_answer(ByteView digest, HandshakeSide made_by, Random& random) {
  Packet packet{};
  fill_random(packet, random);
  const Digest signature = answer_to(ByteView(packet).first(packet.size() - digest_size), digest, made_by);
  std::ranges::copy(signature, packet.end() - static_cast<ptrdiff_t>(digest_size));
  return packet;
}

// Moves bytes from the front of `from` until `to` has `size`. True once it has.
bool fill(std::vector<uint8_t>& to, size_t size, ByteView& from) {
  const size_t taken = std::min(size - to.size(), from.size());
  to.insert(to.end(), from.begin(), from.begin() + static_cast<ptrdiff_t>(taken));
  from = from.subspan(taken);
  return to.size() == size;
}

HandshakeState judge_version(uint8_t version) {
  if (version == version_plain) return HandshakeState::waiting;
  return version == 6 || version == 8 ? HandshakeState::not_supported : HandshakeState::not_rtmp;
}

}  // namespace

std::optional<size_t> find_digest(ByteView packet, HandshakeSide made_by) {
  if (packet.size() != handshake_packet_size) return std::nullopt;
  for (size_t scheme = 0; scheme < pointer_offsets.size(); ++scheme) {
    const size_t offset = digest_offset(packet, scheme);
    if (std::ranges::equal(digest_of(packet, offset, made_by), packet.subspan(offset, digest_size))) return offset;
  }
  return std::nullopt;
}

bool answers_digest(ByteView packet, ByteView digest, HandshakeSide made_by) {
  if (packet.size() != handshake_packet_size) return false;
  const size_t signed_size = packet.size() - digest_size;
  return std::ranges::equal(answer_to(packet.first(signed_size), digest, made_by), packet.subspan(signed_size));
}

HandshakeState HandshakeServer::receive(ByteView& bytes, ByteWriter& out) {
  while (state_ == HandshakeState::waiting && !bytes.empty()) {
    constexpr size_t c0c1_size = 1 + handshake_packet_size;
    if (c0c1_.size() < c0c1_size) {
      if (c0c1_.empty()) {
        state_ = judge_version(bytes.front());
        if (state_ != HandshakeState::waiting) break;
      }
      if (fill(c0c1_, c0c1_size, bytes)) answer(out);
    } else {
      const size_t taken = std::min(handshake_packet_size - c2_received_, bytes.size());
      c2_received_ += taken;
      bytes = bytes.subspan(taken);
      if (c2_received_ == handshake_packet_size) {
        state_ = HandshakeState::done;
        c0c1_ = {};
      }
    }
  }
  return state_;
}

void HandshakeServer::answer(ByteWriter& out) {
  const ByteView c1 = ByteView(c0c1_).subspan(1);
  // A zero version marks the simple form; anything else may still be one, so the digest itself decides.
  const bool may_digest = std::ranges::any_of(c1.subspan(4, 4), [](uint8_t byte) { return byte != 0; });
  const std::optional<size_t> digest = may_digest ? find_digest(c1, HandshakeSide::client) : std::nullopt;
  out.u8(version_plain);
  if (!digest) {
    out.bytes(simple_packet(random_));
    out.bytes(c1);
    return;
  }
  form_ = HandshakeForm::digest;
  const size_t scheme = *digest < pointer_offsets[1] ? 0 : 1;  // clients look where they put their own
  out.bytes(digest_packet(HandshakeSide::server, {3, 5, 1, 1}, scheme, random_));
  out.bytes(digest_answer(c1.subspan(*digest, digest_size), HandshakeSide::server, random_));
}

void HandshakeClient::begin(ByteWriter& out) {
  out.u8(version_plain);
  out.bytes(form_ == HandshakeForm::digest ? digest_packet(HandshakeSide::client, {9, 0, 124, 2}, 0, random_)
                                           : simple_packet(random_));
}

HandshakeState HandshakeClient::receive(ByteView& bytes, ByteWriter& out) {
  if (state_ != HandshakeState::waiting || bytes.empty()) return state_;
  if (s0s1s2_.empty()) {
    state_ = judge_version(bytes.front());
    if (state_ != HandshakeState::waiting) return state_;
  }
  if (!fill(s0s1s2_, 1 + 2 * handshake_packet_size, bytes)) return state_;
  const ByteView s1 = ByteView(s0s1s2_).subspan(1, handshake_packet_size);
  const std::optional<size_t> digest =
      form_ == HandshakeForm::digest ? find_digest(s1, HandshakeSide::server) : std::nullopt;
  if (digest) {
    out.bytes(digest_answer(s1.subspan(*digest, digest_size), HandshakeSide::client, random_));
  } else {
    form_ = HandshakeForm::simple;
    out.bytes(s1);
  }
  s0s1s2_ = {};
  state_ = HandshakeState::done;
  return state_;
}

}  // namespace klieg::wire::rtmp
