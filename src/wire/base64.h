// Bytes as text of 64 characters and back (RFC 4648). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace klieg::wire {

std::string base64(ByteView content);     // section 4, with padding
std::string base64url(ByteView content);  // section 5, without: for paths and names of files

// Of section 4's alphabet. Padding may be missing and its bits may be anything (RFC 9651 section 4.2.7 asks to be
// lenient in both); nullopt: it is none.
std::optional<std::vector<uint8_t>> base64_content(std::string_view text);
// The same of section 5's.
std::optional<std::vector<uint8_t>> base64url_content(std::string_view text);

}  // namespace klieg::wire
