// Text as RFC 3629 has it: shortest forms, no surrogates, up to U+10FFFF.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace klieg {

// Takes the first code point off the front. nullopt: the text is empty, or does not begin with one; nothing is taken.
std::optional<char32_t> take_code_point(std::string_view& text);

bool is_utf8(std::string_view text);
bool is_utf8(ByteView text);

}  // namespace klieg
