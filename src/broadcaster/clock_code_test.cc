#include "broadcaster/clock_code.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <string>

#include "base/random.h"
#include "broadcaster/test_card.h"

namespace klieg::broadcaster {
namespace {

constexpr WallTime sometime{std::chrono::milliseconds(1'795'170'123'456)};

std::optional<WallTime> read(const Picture& picture) {
  return read_clock(picture.luma(), picture.width(), picture.height(), picture.width());
}

Picture any_card(WallTime time) {
  Picture picture(*rc::gen::inRange(160, 480), *rc::gen::inRange(90, 300));
  draw_clock(picture, time);
  return picture;
}

WallTime any_time() { return WallTime(std::chrono::milliseconds(*rc::gen::inRange<int64_t>(0, 9'000'000'000'000))); }

// What a scaler or a starved encoder does to edges: the mean of a square of 2r+1 pixels.
Picture blurred(const Picture& from, int r) {
  Picture to = from;
  for (int y = 0; y < from.height(); ++y) {
    for (int x = 0; x < from.width(); ++x) {
      int sum = 0, count = 0;
      for (int dy = -r; dy <= r; ++dy) {
        for (int dx = -r; dx <= r; ++dx) {
          const int px = x + dx, py = y + dy;
          if (px < 0 || py < 0 || px >= from.width() || py >= from.height()) continue;
          sum += from.luma()[static_cast<size_t>(py) * from.width() + px];
          ++count;
        }
      }
      to.luma()[static_cast<size_t>(y) * to.width() + x] = static_cast<uint8_t>(sum / count);
    }
  }
  return to;
}

Picture scaled(const Picture& from, int width, int height) {
  Picture to(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int px = static_cast<int>((x + 0.5) * from.width() / width);
      const int py = static_cast<int>((y + 0.5) * from.height() / height);
      to.luma()[static_cast<size_t>(y) * width + x] = from.luma()[static_cast<size_t>(py) * from.width() + px];
    }
  }
  return to;
}

// The same line stands in bench/read_clock.test.mjs: the two readers agree on it or not at all.
TEST(clock_code, the_cells_of_a_known_instant_are_these) {
  const auto cells = clock_code::cells_of(sometime);
  std::string text;
  for (const auto& row : cells) {
    for (const bool is_white : row) text += is_white ? '1' : '0';
    text += ' ';
  }
  EXPECT_EQ(text, "10000000011010000111111000011101 01101000111110110000000010010110 ") << "ms 1795170123456";
}

RC_GTEST_PROP(clock_code, what_is_drawn_is_read_to_the_millisecond, ()) {
  const WallTime time = any_time();
  RC_ASSERT(read(any_card(time)) == time);
}

RC_GTEST_PROP(clock_code, noise_and_lost_contrast_do_not_hide_it, ()) {
  const WallTime time = any_time();
  Picture picture = any_card(time);
  Random random(*rc::gen::arbitrary<uint64_t>());
  for (uint8_t& pixel : picture.luma()) {
    const double faded = 60 + pixel * 0.5 + (random.unit() - 0.5) * 60;
    pixel = static_cast<uint8_t>(std::clamp(faded, 0.0, 255.0));
  }
  RC_ASSERT(read(picture) == time);
}

RC_GTEST_PROP(clock_code, blur_of_a_quarter_cell_does_not_hide_it, ()) {
  const WallTime time = any_time();
  const Picture picture = any_card(time);
  const int radius = std::max(1, static_cast<int>(std::min(picture.width() / 34.0, picture.height() * 0.06) / 4));
  RC_ASSERT(read(blurred(picture, radius)) == time);
}

RC_GTEST_PROP(clock_code, it_survives_scaling_to_240_lines, ()) {
  const WallTime time = any_time();
  Picture picture(1280, 720);
  draw_clock(picture, time);
  RC_ASSERT(read(scaled(picture, 426, 240)) == time);
}

RC_GTEST_PROP(clock_code, one_wrong_cell_is_noticed, ()) {
  const WallTime time = any_time();
  Picture picture(320, 180);
  draw_clock(picture, time);
  const int row = *rc::gen::inRange(0, 2), cell = *rc::gen::inRange(0, 32);
  const bool is_white = clock_code::cells_of(time)[row][cell];
  const auto x = [](int c) { return static_cast<int>(std::lround(c * 320 / 34.0)); };
  const auto y = [](int r) { return static_cast<int>(std::lround((0.85 + r * 0.06) * 180)); };
  picture.fill(x(cell + 1), y(row), x(cell + 2), y(row + 1), is_white ? black : white);
  RC_ASSERT(read(picture) == std::nullopt);
}

TEST(clock_code, a_picture_without_a_clock_says_nothing) {
  EXPECT_EQ(read(Picture(320, 180)), std::nullopt);
  Picture noise(320, 180);
  Random random(1);
  for (int i = 0; i < 200; ++i) {
    for (uint8_t& pixel : noise.luma()) pixel = static_cast<uint8_t>(random.below(256));
    EXPECT_EQ(read(noise), std::nullopt);
  }
}

}  // namespace
}  // namespace klieg::broadcaster
