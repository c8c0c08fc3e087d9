// Content-Encoding: gzip (RFC 1952), by zlib.
#pragma once

#include <cstddef>
#include <optional>

#include "base/bytes.h"

namespace klieg::wire {

// The content compressed whole. Deterministic: no time stamp and no name in the header.
Bytes gzip(ByteView content);

// What was compressed. nullopt: it is no gzip, it is cut off, or it comes to more than `size_max`.
std::optional<Bytes> gunzip(ByteView zipped, size_t size_max);

}  // namespace klieg::wire
