// Bytes as people write them in tests and vectors.
#pragma once

#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace klieg::wire {

// "01 64 00-1f" -> bytes. Whatever is no hexadecimal digit separates nothing and means nothing.
inline Bytes from_hex(std::string_view text) {
  std::vector<uint8_t> out;
  unsigned digits = 0;
  for (char c : text) {
    int value = -1;
    if (c >= '0' && c <= '9') value = c - '0';
    if (c >= 'a' && c <= 'f') value = c - 'a' + 10;
    if (c >= 'A' && c <= 'F') value = c - 'A' + 10;
    if (value < 0) continue;
    if (digits++ % 2 == 0) out.push_back(0);
    out.back() = static_cast<uint8_t>(out.back() << 4 | value);
  }
  return Bytes::take(std::move(out));
}

}  // namespace klieg::wire
