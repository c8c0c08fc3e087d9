#include "broadcaster/test_card_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "base/bytes.h"
#include "broadcaster/clock_code.h"

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

struct Shown {
  int64_t time_ms;   // as the encoder is told
  int64_t clock_ms;  // as the picture says
};

// The pictures in a recording of what the encoder was fed: see raw_matroska.h for its shape.
std::vector<Shown> pictures_of(ByteView fed, PictureSize size) {
  std::vector<Shown> all;
  constexpr std::array<uint8_t, 4> cluster{0x1F, 0x43, 0xB6, 0x75};
  auto at = std::ranges::search(fed, cluster).begin();
  ByteReader reader(fed.subspan(static_cast<size_t>(at - fed.begin())));
  while (reader.remaining() > 42) {
    reader.skip(4 + 8 + 1 + 8);  // Cluster, Timestamp
    const auto time_ms = static_cast<int64_t>(reader.u64());
    reader.skip(1);  // SimpleBlock
    const uint64_t block_size = reader.u64() & 0xFF'FFFF'FFFF'FFFF;
    const uint8_t track = reader.u8();
    reader.skip(3);
    const ByteView content = reader.bytes(block_size - 4);
    if (track != 0x81 || !reader.ok()) continue;
    const auto clock =
        read_clock(content.first(static_cast<size_t>(size.width * size.height)), size.width, size.height, size.width);
    all.push_back({time_ms, clock ? to_ms(clock->time_since_epoch()) : -1});
  }
  return all;
}

// A shell script in the encoder's place.
class MadeUpEncoder {
 public:
  explicit MadeUpEncoder(const std::string& lines) {
    std::filesystem::create_directory(folder_);
    std::ofstream(path()) << "#!/bin/sh\n" << lines << "\n";
    std::filesystem::permissions(path(), std::filesystem::perms::owner_all);
  }
  ~MadeUpEncoder() { std::filesystem::remove_all(folder_); }
  MadeUpEncoder(const MadeUpEncoder&) = delete;
  MadeUpEncoder& operator=(const MadeUpEncoder&) = delete;
  std::string path() const { return folder_ / "encoder"; }

 private:
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("klieg_made_up_encoder_" + std::to_string(::getpid()));
};

TEST(test_card_source, a_wrong_key_is_not_tried_again) {
  const MadeUpEncoder encoder("echo '[rtmp] Server error: wrong key' >&2; exit 1");
  const auto outcome =
      broadcast_test_card({.url = "rtmp://host/live/key", .size = {160, 90}, .encoder = encoder.path()});
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, testing::HasSubstr("the server says: wrong key"));
}

TEST(test_card_source, an_end_that_comes_before_anything_was_on_air_is_a_failure) {
  const MadeUpEncoder encoder("cat >/dev/null; echo rtmp://host/live/key-of-show: refused >&2; exit 1");
  const auto outcome = broadcast_test_card(
      {.url = "rtmp://host/live/key-of-show", .size = {160, 90}, .duration = 1ns, .encoder = encoder.path()});
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message, testing::HasSubstr("refused"));
  EXPECT_THAT(outcome.error().message, testing::Not(testing::HasSubstr("key-of-show")));
}

TEST(test_card_source, each_picture_shows_the_time_it_is_handed_over_with) {
  const auto fed = std::filesystem::temp_directory_path() / ("klieg_test_card_" + std::to_string(::getpid()));
  const MadeUpEncoder encoder("exec cat >" + fed.string());

  const PictureSize size{160, 90};
  const auto outcome = broadcast_test_card(
      {.url = "rtmp://host/live/key", .size = size, .rate = {50, 1}, .duration = 500ms, .encoder = encoder.path()});
  ASSERT_TRUE(outcome) << outcome.error().message;

  std::ifstream file(fed, std::ios::binary);
  const std::vector<uint8_t> content{std::istreambuf_iterator<char>(file), {}};
  std::filesystem::remove(fed);
  const std::vector<Shown> pictures = pictures_of(content, size);
  // 160 x 90 takes nine pictures to see that the encoder reads; the clock starts after them.
  constexpr size_t warm_up = 9;
  ASSERT_GE(pictures.size(), warm_up + 2) << "a slow machine drops some of twenty, not all";
  for (size_t i = warm_up; i < pictures.size(); ++i) {
    EXPECT_EQ(pictures[i].clock_ms - pictures[warm_up].clock_ms, pictures[i].time_ms - pictures[warm_up].time_ms);
    EXPECT_EQ(pictures[i].clock_ms % 20, 0) << "a frame falls on every whole second";
  }
  for (size_t i = 0; i < warm_up; ++i) EXPECT_EQ(pictures[i].time_ms, static_cast<int64_t>(20 * i));
}

}  // namespace
}  // namespace klieg::broadcaster
