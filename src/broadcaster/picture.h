// A picture in memory: planar YUV 4:2:0 (I420), BT.709, limited range.
//
// Three planes one after the other, without padding: luma of width x height, then U and V of half that each way,
// rounded up. Drawing outside the picture is clipped, so a card scales down to sizes its details do not fit.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace klieg::broadcaster {

struct Colour {
  uint8_t y, u, v;
};

constexpr Colour grey(uint8_t luma) { return {luma, 128, 128}; }
inline constexpr Colour black = grey(16);
inline constexpr Colour white = grey(235);

class Picture {
 public:
  Picture(int width, int height)
      : width_(width),
        height_(height),
        content_(static_cast<size_t>(width) * height + 2 * static_cast<size_t>(chroma_width()) * chroma_height()) {}

  int width() const { return width_; }
  int height() const { return height_; }
  int chroma_width() const { return (width_ + 1) / 2; }
  int chroma_height() const { return (height_ + 1) / 2; }

  std::span<const uint8_t> content() const { return content_; }
  std::span<uint8_t> content() { return content_; }
  std::span<uint8_t> luma() { return content().first(luma_size()); }
  std::span<const uint8_t> luma() const { return content().first(luma_size()); }
  std::span<uint8_t> u() { return content().subspan(luma_size(), chroma_size()); }
  std::span<uint8_t> v() { return content().last(chroma_size()); }

  void set(int x, int y, Colour colour) {
    if (x < 0 || y < 0 || x >= width_ || y >= height_) return;
    content_[static_cast<size_t>(y) * width_ + x] = colour.y;
    const size_t at = static_cast<size_t>(y / 2) * chroma_width() + x / 2;
    u()[at] = colour.u;
    v()[at] = colour.v;
  }

  // The rectangle [left, right) x [top, bottom).
  void fill(int left, int top, int right, int bottom, Colour colour) {
    left = std::max(left, 0);
    top = std::max(top, 0);
    right = std::min(right, width_);
    bottom = std::min(bottom, height_);
    if (left >= right || top >= bottom) return;
    for (int y = top; y < bottom; ++y) {
      std::fill_n(content_.begin() + static_cast<ptrdiff_t>(y) * width_ + left, right - left, colour.y);
    }
    const int chroma_left = left / 2, chroma_right = (right + 1) / 2;
    for (int y = top / 2; y < (bottom + 1) / 2; ++y) {
      const ptrdiff_t row = static_cast<ptrdiff_t>(y) * chroma_width() + chroma_left;
      std::fill_n(u().begin() + row, chroma_right - chroma_left, colour.u);
      std::fill_n(v().begin() + row, chroma_right - chroma_left, colour.v);
    }
  }

 private:
  size_t luma_size() const { return static_cast<size_t>(width_) * height_; }
  size_t chroma_size() const { return static_cast<size_t>(chroma_width()) * chroma_height(); }

  int width_, height_;
  std::vector<uint8_t> content_;
};

}  // namespace klieg::broadcaster
