// What is asked for, as it stands in a request line (RFC 9112 section 3.2): a path with its query, percent-encoded.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace klieg::http {

// What goes between others in a request line must not end it. Whoever asks for what others named looks first.
constexpr bool is_target(std::string_view target) {
  return target.starts_with('/') &&
         std::ranges::none_of(target, [](char c) { return static_cast<uint8_t>(c) <= ' ' || c == 0x7f; });
}

}  // namespace klieg::http
