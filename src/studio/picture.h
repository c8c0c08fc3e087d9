// What may be somebody's picture: PNG, JPEG or WebP, told by its first bytes, and small. What a browser would run -
// SVG, HTML - is none, whatever it is called.
//
// Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace klieg::studio {

// A page makes it 256 pixels wide, of 10 to 40 KiB; more is no body for the API's server (http::Limits).
constexpr size_t picture_size_max = size_t{64} * 1024;

// Its media type; nullopt: it is none.
inline std::optional<std::string_view> picture_type_of(ByteView content) {
  const auto begins = [&](size_t at, std::string_view with) {
    return content.size() >= at + with.size() && std::ranges::equal(content.subspan(at, with.size()), as_bytes(with));
  };
  if (content.size() > picture_size_max) return std::nullopt;
  if (begins(0, "\x89PNG\r\n\x1a\n")) return "image/png";
  if (begins(0, "\xff\xd8\xff")) return "image/jpeg";
  if (begins(0, "RIFF") && begins(8, "WEBP")) return "image/webp";
  return std::nullopt;
}

}  // namespace klieg::studio
