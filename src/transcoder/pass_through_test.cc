#include "transcoder/pass_through.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string_view>

namespace klieg::transcoder {
namespace {

using media::Codec;
using media::TrackKind;
using testing::HasSubstr;

struct PassThroughOf : testing::Test {
  void begin(Codec video = Codec::avc, Codec audio = Codec::aac) {
    judge.on_track({.kind = TrackKind::video, .codec = video});
    judge.on_track({.kind = TrackKind::audio, .codec = audio});
    judge.on_period();
  }
  // A second key frame at each of these, 25 fps between.
  void frames(Duration key_interval, Duration length, size_t size = 1000) {
    const MediaTime end = at + length;
    for (MediaTime next_key = at; at < end; at += 40ms) {
      const bool key = at >= next_key;
      if (key) next_key += key_interval;
      judge.on_sample(TrackKind::video, {.decode_time = at,
                                         .sync = key ? media::Sync::yes : media::Sync::no,
                                         .content = Bytes::copy_of(std::string(size, 'x'))});
    }
  }
  MediaTime at;
  PassThrough judge{{.bits_per_second_max = 8'000'000}};
};

TEST_F(PassThroughOf, a_plain_broadcast_passes) {
  begin();
  EXPECT_FALSE(judge.judged());
  frames(1s, 30s);
  EXPECT_TRUE(judge.judged());
  EXPECT_EQ(judge.objection(), "");
}

TEST_F(PassThroughOf, two_seconds_and_half_seconds_lie_on_the_grid_too) {
  begin();
  frames(2s, 12s);
  judge.on_period();
  frames(520ms, 12s);  // 13 frames: 1.04 s is not the grid
  EXPECT_THAT(judge.objection(), HasSubstr("520 ms apart"));

  judge = PassThrough({});
  begin();
  frames(2s, 12s);
  frames(1s, 12s);
  EXPECT_EQ(judge.objection(), "");
}

TEST_F(PassThroughOf, a_codec_that_not_every_player_decodes_does_not) {
  begin(Codec::hevc);
  EXPECT_TRUE(judge.judged());
  EXPECT_EQ(judge.objection(), "not every player decodes hevc");
  judge = PassThrough({});
  begin(Codec::avc, Codec::opus);
  EXPECT_EQ(judge.objection(), "");
}

TEST_F(PassThroughOf, key_frames_too_far_apart_are_found_before_the_next_one) {
  begin();
  frames(10s, 2s + 80ms);
  EXPECT_EQ(judge.objection(), "its key frames are more than 2 s apart");
}

TEST_F(PassThroughOf, one_key_frame_at_a_scene_change_is_forgiven) {
  begin();
  frames(1s, 3s);
  frames(400ms, 400ms);
  frames(1s, 5s);
  EXPECT_EQ(judge.objection(), "");
}

TEST_F(PassThroughOf, a_bitrate_above_the_limit_is_found_within_its_window) {
  begin();
  frames(1s, 9s, 100'000);  // 20 Mbit/s, but not for long
  EXPECT_EQ(judge.objection(), "");
  frames(1s, 2s, 100'000);
  EXPECT_THAT(judge.objection(), HasSubstr("Mbit/s, above the 8.0 that are passed on"));
}

TEST_F(PassThroughOf, audio_alone_passes) {
  judge.on_track({.kind = TrackKind::audio, .codec = Codec::aac});
  judge.on_sample(TrackKind::audio, {});
  EXPECT_TRUE(judge.judged());
  EXPECT_EQ(judge.objection(), "");
}

}  // namespace
}  // namespace klieg::transcoder
