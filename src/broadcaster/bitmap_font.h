// A face of five by seven dots, for what a person reads off the test card: digits, capitals and a little punctuation.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "broadcaster/picture.h"

namespace klieg::broadcaster {

inline constexpr int glyph_width = 5;
inline constexpr int glyph_height = 7;
inline constexpr int glyph_advance = 6;

using Glyph = std::array<uint8_t, glyph_height>;  // rows from the top; bit 4 is the leftmost dot

// Characters without a glyph are blank.
const Glyph& glyph_of(char character);

constexpr int text_width(std::string_view text, int dot) {
  return text.empty() ? 0 : (static_cast<int>(text.size()) * glyph_advance - 1) * dot;
}

// `dot` is the size of one dot in pixels.
void draw_text(Picture& picture, int left, int top, int dot, std::string_view text, Colour colour);

}  // namespace klieg::broadcaster
