// HMAC with SHA-256 (RFC 2104, FIPS 180-4): proof that who wrote something knows a key.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace klieg::wire {

constexpr size_t hmac_size = 32;
using Hmac = std::array<uint8_t, hmac_size>;

Hmac hmac_sha256(ByteView key, ByteView content);

// In a time that depends on the sizes alone: how much of a guess was right must not show.
bool equal_in_constant_time(ByteView one, ByteView other);

}  // namespace klieg::wire
