// SipHash-2-4 (Aumasson, Bernstein 2012): a hash that depends on a key, so that who does not know the key can neither
// choose inputs that collide nor tell inputs from their hashes.
//
// For tables whose keys come from outside, and for telling people apart without keeping who they are. The key is made
// from randomness at the start of the process and never leaves it.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace klieg {

struct SipKey {
  uint64_t low = 0;
  uint64_t high = 0;
};

uint64_t sip_hash(const SipKey& key, ByteView input);
inline uint64_t sip_hash(const SipKey& key, std::string_view text) { return sip_hash(key, as_bytes(text)); }

}  // namespace klieg
