// Content-Encoding: gzip (RFC 1952), by zlib.
#pragma once

#include "base/bytes.h"

namespace klieg::wire {

// The content compressed whole. Deterministic: no time stamp and no name in the header.
Bytes gzip(ByteView content);

}  // namespace klieg::wire
