#include "broadcaster/test_card_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace klieg::broadcaster {
namespace {

TEST(test_card_source, without_sound_the_encoder_is_asked_for_none) {
  TestCardOptions options{.url = "rtmp://host/live/key", .sound = Sound::none};
  EXPECT_THAT(encoder_arguments(options), testing::Not(testing::Contains("aac")));
  options.sound = Sound::tone;
  EXPECT_THAT(encoder_arguments(options), testing::Contains("aac"));
}

TEST(test_card_source, what_cannot_be_encoded_is_refused_before_anything_starts) {
  EXPECT_FALSE(broadcast_test_card({.url = "rtmp://host/live/key", .size = {80, 60}}));
  EXPECT_FALSE(broadcast_test_card({.url = "rtmp://host/live/key", .size = {641, 360}}));
}

TEST(test_card_source, a_missing_encoder_is_explained) {
  const auto outcome = broadcast_test_card({.url = "rtmp://host/live/key", .encoder = "no-such-encoder"});
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, testing::HasSubstr("apt-get install ffmpeg"));
}

}  // namespace
}  // namespace klieg::broadcaster
