// The wall clock as a machine reads it off a picture: black and white cells, wide enough to survive scaling to 240
// lines and a starved encoder. bench/read_clock.mjs reads the same cells in a browser.
//
// Layout, as fractions of the picture, so that it scales with it:
//
//   columns   34 of width/34 each; the outermost two stay black (a quiet zone), columns 1..32 hold cells
//   rows      two of 0.06 x height each, the first from 0.85, the second from 0.91; black from 0.83 to 0.99
//
//              col 1 2   3 ... 30            31 32
//   row 0      W B       data bits 55..28    B W
//   row 1      B W       data bits 27..0     W B
//
// A white cell is a one. The 56 data bits, most significant first: 48 bits of milliseconds since 1970 (UTC), then the
// CRC-8 of those six bytes (polynomial 0x07, initial value 0xFF, not reflected, no final XOR).
//
// A reader averages the middle half of each cell each way, takes its black and white from the eight sync cells, and
// believes nothing unless those differ by at least 48 of 255, every data cell is at least an eighth of that away from
// the middle, and the CRC agrees.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/time.h"
#include "broadcaster/picture.h"

namespace klieg::broadcaster {

namespace clock_code {
inline constexpr int columns = 34;
inline constexpr int rows = 2;
inline constexpr int cells_per_row = 32;
inline constexpr double top = 0.85;
inline constexpr double row_height = 0.06;
inline constexpr double quiet = 0.02;                             // above and below the rows
using Cells = std::array<std::array<bool, cells_per_row>, rows>;  // true: white

Cells cells_of(WallTime time);
}  // namespace clock_code

// Draws `time`, rounded down to the millisecond, with its quiet zone.
void draw_clock(Picture& picture, WallTime time);

// What the cells of a luma plane (rows of `stride` bytes) say; nothing when they cannot be trusted.
std::optional<WallTime> read_clock(std::span<const uint8_t> luma, int width, int height, int stride);

}  // namespace klieg::broadcaster
