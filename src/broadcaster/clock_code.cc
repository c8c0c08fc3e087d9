#include "broadcaster/clock_code.h"

#include <cmath>

#include "base/assert.h"

namespace klieg::broadcaster {

namespace clock_code {

namespace {

constexpr int data_bits = 56;
constexpr int sync_cells = 2;  // at each end of a row
constexpr int data_cells = cells_per_row - 2 * sync_cells;
static_assert(rows * data_cells == data_bits);

constexpr bool is_sync(int cell) { return cell < sync_cells || cell >= cells_per_row - sync_cells; }
// Outermost white in row 0, outermost black in row 1.
constexpr bool sync_is_white(int row, int cell) { return (cell == 0 || cell == cells_per_row - 1) == (row == 0); }

uint8_t crc8(uint64_t value_48) {
  uint8_t crc = 0xFF;
  for (int shift = 40; shift >= 0; shift -= 8) {
    crc ^= static_cast<uint8_t>(value_48 >> shift);
    for (int bit = 0; bit < 8; ++bit) crc = static_cast<uint8_t>((crc << 1) ^ (crc & 0x80 ? 0x07 : 0));
  }
  return crc;
}

struct Span {
  double begin, end;
};
Span across(int cell, int width) {
  const double cell_width = static_cast<double>(width) / columns;
  return {(cell + 1) * cell_width, (cell + 2) * cell_width};
}
Span down(int row, int height) { return {(top + row * row_height) * height, (top + (row + 1) * row_height) * height}; }
int nearest(double coordinate) { return static_cast<int>(std::lround(coordinate)); }

}  // namespace

Cells cells_of(WallTime time) {
  const auto ms = static_cast<uint64_t>(to_ms(time.time_since_epoch())) & 0xFFFF'FFFF'FFFF;
  const uint64_t data = ms << 8 | crc8(ms);
  Cells cells{};
  int bit = data_bits;
  for (int row = 0; row < rows; ++row) {
    for (int cell = 0; cell < cells_per_row; ++cell) {
      cells[row][cell] = is_sync(cell) ? sync_is_white(row, cell) : (data >> --bit & 1) != 0;
    }
  }
  return cells;
}

}  // namespace clock_code

using namespace clock_code;

void draw_clock(Picture& picture, WallTime time) {
  const int width = picture.width(), height = picture.height();
  picture.fill(0, nearest((top - quiet) * height), width, nearest((top + rows * row_height + quiet) * height), black);
  const Cells cells = cells_of(time);
  for (int row = 0; row < rows; ++row) {
    const Span y = down(row, height);
    for (int cell = 0; cell < cells_per_row; ++cell) {
      if (!cells[row][cell]) continue;
      const Span x = across(cell, width);
      picture.fill(nearest(x.begin), nearest(y.begin), nearest(x.end), nearest(y.end), white);
    }
  }
}

std::optional<WallTime> read_clock(std::span<const uint8_t> luma, int width, int height, int stride) {
  KLIEG_ASSERT(width > 0 && height > 0 && stride >= width, "a picture has a size");
  KLIEG_ASSERT(luma.size() >= static_cast<size_t>(stride) * (height - 1) + width, "a plane holds its picture");

  std::array<std::array<double, cells_per_row>, rows> levels{};
  for (int row = 0; row < rows; ++row) {
    for (int cell = 0; cell < cells_per_row; ++cell) {
      const auto middle_half = [](Span span, int limit) {
        const double quarter = (span.end - span.begin) / 4;
        const int begin = std::min(static_cast<int>(span.begin + quarter), limit - 1);
        return std::pair{begin, std::clamp(nearest(span.end - quarter), begin + 1, limit)};
      };
      const auto [left, right] = middle_half(across(cell, width), width);
      const auto [above, below] = middle_half(down(row, height), height);
      int64_t sum = 0;
      for (int y = above; y < below; ++y) {
        for (int x = left; x < right; ++x) sum += luma[static_cast<size_t>(y) * stride + x];
      }
      levels[row][cell] = static_cast<double>(sum) / ((right - left) * (below - above));
    }
  }

  double level_white = 0, level_black = 0;
  for (int row = 0; row < rows; ++row) {
    for (int cell = 0; cell < cells_per_row; ++cell) {
      if (is_sync(cell)) (sync_is_white(row, cell) ? level_white : level_black) += levels[row][cell] / 4;
    }
  }
  const double contrast = level_white - level_black;
  if (contrast < 48) return std::nullopt;

  const double middle = (level_white + level_black) / 2;
  uint64_t data = 0;
  for (int row = 0; row < rows; ++row) {
    for (int cell = 0; cell < cells_per_row; ++cell) {
      const double distance = levels[row][cell] - middle;
      if (std::abs(distance) < contrast / 8) return std::nullopt;
      const bool is_white = distance > 0;
      if (is_sync(cell)) {
        if (is_white != sync_is_white(row, cell)) return std::nullopt;
      } else {
        data = data << 1 | (is_white ? 1 : 0);
      }
    }
  }
  const uint64_t ms = data >> 8;
  if (crc8(ms) != (data & 0xFF)) return std::nullopt;
  // Years past 2262 do not fit a WallTime: no clock says so, only noise that passed the CRC.
  if (ms > static_cast<uint64_t>(to_ms(Duration::max()))) return std::nullopt;
  return WallTime(std::chrono::milliseconds(ms));
}

}  // namespace klieg::broadcaster
