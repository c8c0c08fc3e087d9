#include "broadcaster/test_card.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

#include "broadcaster/bitmap_font.h"
#include "broadcaster/clock_code.h"

namespace klieg::broadcaster {
namespace {

constexpr WallTime a_second{std::chrono::seconds(1'795'170'123)};

uint8_t flash_luma(TestCard& card, WallTime time) {
  const Picture& picture = card.draw(time);
  const TestCard::Box box = card.flash();
  return picture.luma()[static_cast<size_t>((box.top + box.bottom) / 2) * picture.width() + (box.left + box.right) / 2];
}

RC_GTEST_PROP(test_card, a_card_of_any_size_carries_a_clock_that_can_be_read, ()) {
  const int width = *rc::gen::inRange(160, 800), height = *rc::gen::inRange(90, 600);
  const WallTime time(std::chrono::milliseconds(*rc::gen::inRange<int64_t>(0, 4'000'000'000'000)));
  TestCard card(width, height);
  const Picture& picture = card.draw(time);
  RC_ASSERT(picture.content().size() ==
            static_cast<size_t>(width * height + 2 * ((width + 1) / 2) * ((height + 1) / 2)));
  RC_ASSERT(read_clock(picture.luma(), width, height, width) == time);
}

TEST(test_card, the_same_instant_gives_the_same_picture_whatever_was_drawn_before) {
  TestCard one(320, 180), other(320, 180);
  other.draw(a_second + 333ms);
  const auto a = one.draw(a_second + 12ms).content(), b = other.draw(a_second + 12ms).content();
  EXPECT_TRUE(std::ranges::equal(a, b));
}

TEST(test_card, the_flash_is_white_for_the_first_100_ms_of_each_second_only) {
  TestCard card(640, 360);
  EXPECT_EQ(flash_luma(card, a_second - 1ms), 16);
  EXPECT_EQ(flash_luma(card, a_second), 235);
  EXPECT_EQ(flash_luma(card, a_second + 99ms), 235);
  EXPECT_EQ(flash_luma(card, a_second + 100ms), 16);
}

TEST(test_card, the_tone_begins_with_the_flash_to_the_sample) {
  constexpr uint32_t rate = 48'000;
  std::vector<int16_t> samples(rate * 2);
  fill_tone(a_second - 250ms, rate, samples);
  const size_t begin = rate / 4, end = begin + rate / 10;
  for (size_t i = 0; i < begin; ++i) ASSERT_EQ(samples[i], 0) << i;
  EXPECT_EQ(samples[begin], 0) << "a sine begins at zero";
  EXPECT_GT(samples[begin + 1], 1000);
  EXPECT_GT(samples[begin + 12], 16'000) << "a quarter of a period on, at its crest";
  EXPECT_LT(samples[end - 12], -16'000);
  for (size_t i = end; i < begin + rate; ++i) ASSERT_EQ(samples[i], 0) << i;
  EXPECT_GT(samples[begin + rate + 12], 16'000) << "and again a second later";
}

TEST(test_card, something_moves_between_any_two_frames) {
  TestCard card(320, 180);
  const int clock_top = static_cast<int>(180 * (clock_code::top - clock_code::quiet)) - 1;
  for (int frame = 0; frame < 60; ++frame) {
    const Picture before = card.draw(a_second + frame * 33ms);
    const Picture after = card.draw(a_second + (frame + 1) * 33ms);
    const size_t above_clock = static_cast<size_t>(clock_top) * 320;
    EXPECT_FALSE(std::ranges::equal(before.luma().first(above_clock), after.luma().first(above_clock))) << frame;
  }
}

TEST(bitmap_font, every_character_the_card_writes_has_a_glyph_of_its_own) {
  const std::string_view used = "0123456789:.-KLIEGUTCX";
  for (const char a : used) {
    EXPECT_NE(glyph_of(a), glyph_of(' ')) << a;
    for (const char b : used) {
      if (a != b) EXPECT_NE(glyph_of(a), glyph_of(b)) << a << b;
    }
  }
}

}  // namespace
}  // namespace klieg::broadcaster
