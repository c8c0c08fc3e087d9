// The RTMP handshake, both sides: three packets each way before the first chunk (RTMP 1.0, section 5.2).
//
// Two forms exist. In the simple one each side echoes the other's random bytes. In the digest form, which Flash-era
// clients and some encoders demand, C1 and S1 hide an HMAC-SHA256 over themselves at one of two places ("schemes") that
// the packet's own bytes point to, and C2 and S2 are signed with a key made from it. The digest form is not in the
// published standard; the keys are the well-known ones that every implementation carries, and prove nothing.
//
// Machines without socket or clock: bytes in, bytes out. The random filler need not be secret, so a seed suffices.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"

namespace klieg::wire::rtmp {

inline constexpr size_t handshake_packet_size = 1536;

enum class HandshakeForm : uint8_t { simple, digest };

enum class HandshakeState : uint8_t {
  waiting,  // for more bytes
  done,
  not_rtmp,       // the first byte is no RTMP version: a web browser, a port scanner
  not_supported,  // RTMPE, the encrypted form (version 6 or 8)
};

class HandshakeServer {
 public:
  explicit HandshakeServer(uint64_t seed) : random_(seed) {}

  // Takes what it needs off the front of `bytes` and appends what is to be sent to `out`. Once done, the rest of
  // `bytes` belongs to the chunk streams. What the client echoes in C2 is not checked: real encoders send anything.
  HandshakeState receive(ByteView& bytes, ByteWriter& out);

  HandshakeState state() const { return state_; }
  HandshakeForm form() const { return form_; }

 private:
  void answer(ByteWriter& out);

  Random random_;
  HandshakeState state_ = HandshakeState::waiting;
  HandshakeForm form_ = HandshakeForm::simple;
  std::vector<uint8_t> c0c1_;
  size_t c2_received_ = 0;
};

class HandshakeClient {
 public:
  HandshakeClient(HandshakeForm form, uint64_t seed) : random_(seed), form_(form) {}

  void begin(ByteWriter& out);  // C0 and C1
  // As above; C2 leaves when S2 has come, and the client is done with it.
  HandshakeState receive(ByteView& bytes, ByteWriter& out);

  HandshakeState state() const { return state_; }
  HandshakeForm form() const { return form_; }  // the form the two sides agreed on

 private:
  Random random_;
  HandshakeState state_ = HandshakeState::waiting;
  HandshakeForm form_;
  std::vector<uint8_t> s0s1s2_;
};

// Where the digest lies in C1 (with the client's key) or S1 (with the server's); nothing if the packet has none.
enum class HandshakeSide : uint8_t { client, server };
std::optional<size_t> find_digest(ByteView packet, HandshakeSide made_by);
// Whether the last 32 bytes of S2 (or C2) sign the rest of it in answer to `digest`, the other side's.
bool answers_digest(ByteView packet, ByteView digest, HandshakeSide made_by);

}  // namespace klieg::wire::rtmp
