#include "transcoder/replay.h"

#include <gtest/gtest.h>

#include <string>

namespace klieg::transcoder {
namespace {

using media::TrackKind;

struct ReplayOf : testing::Test {
  void video(Duration at, bool key, size_t size = 10) {
    replay.add(TrackKind::video, {.decode_time = MediaTime(at),
                                  .sync = key ? media::Sync::yes : media::Sync::no,
                                  .content = Bytes::take(std::vector<uint8_t>(size))});
  }
  void audio(Duration at, size_t size = 1) {
    replay.add(
        TrackKind::audio,
        {.decode_time = MediaTime(at), .sync = media::Sync::yes, .content = Bytes::take(std::vector<uint8_t>(size))});
  }
  // "V0 v40 a40": key frames large, milliseconds.
  std::string text() const {
    std::string out;
    size_t bytes = 0;
    for (const auto& [kind, sample] : replay.entries()) {
      if (!out.empty()) out += " ";
      out += kind == TrackKind::audio ? "a" : sample.sync == media::Sync::yes ? "V" : "v";
      out += std::to_string(to_ms(sample.decode_time.time_since_epoch()));
      bytes += sample.content.size();
    }
    EXPECT_EQ(replay.bytes(), bytes);
    return out;
  }
  static MediaTime at(Duration time) { return MediaTime(time); }
  Replay replay;
};

TEST_F(ReplayOf, it_begins_with_a_key_frame) {
  video(0ms, false);
  audio(10ms);
  video(40ms, true);
  video(80ms, false);
  EXPECT_EQ(text(), "a10 V40 v80");
}

TEST_F(ReplayOf, it_reaches_back_to_the_key_frame_before_what_has_not_come_out) {
  for (int i = 0; i < 6; ++i) video(i * 40ms, i % 2 == 0);
  replay.forget(at(40ms), at(0ms));
  EXPECT_EQ(text(), "V0 v40 V80 v120 V160 v200");
  replay.forget(at(120ms), at(0ms));
  EXPECT_EQ(text(), "V80 v120 V160 v200");
  replay.forget(at(1s), at(0ms));
  EXPECT_EQ(text(), "V160 v200");
}

TEST_F(ReplayOf, audio_that_has_not_come_out_stays_with_a_little_before_it) {
  for (int i = 0; i < 10; ++i) {
    video(i * 100ms, i % 5 == 0);
    audio(i * 100ms);
  }
  replay.forget(at(600ms), at(400ms));
  EXPECT_EQ(text(), "a200 a300 a400 V500 a500 v600 a600 v700 a700 v800 a800 v900 a900");
  replay.forget(at(900ms), at(10s));
  EXPECT_EQ(text(), "V500 a500 v600 a600 v700 a700 v800 a800 v900 a900");
}

TEST_F(ReplayOf, audio_alone_is_kept_as_far_as_it_is_needed) {
  for (int i = 0; i < 6; ++i) audio(i * 100ms);
  replay.forget(at(0ms), at(500ms));
  EXPECT_EQ(text(), "a300 a400 a500");
}

TEST_F(ReplayOf, a_kind_that_changed_its_format_goes_alone) {
  video(0ms, true);
  audio(10ms);
  video(40ms, false);
  replay.drop(TrackKind::audio);
  EXPECT_EQ(text(), "V0 v40");
  audio(50ms);
  replay.drop(TrackKind::video);
  EXPECT_EQ(text(), "a50");
  EXPECT_FALSE(replay.has_video());
}

TEST_F(ReplayOf, it_holds_no_more_than_ten_seconds) {
  for (int i = 0; i < 1000; ++i) {
    video(i * 40ms, i % 50 == 0);
    audio(i * 40ms);
  }
  const auto& entries = replay.entries();
  EXPECT_LE(entries.back().sample.decode_time - entries.front().sample.decode_time, Replay::span_max);
  EXPECT_GE(entries.back().sample.decode_time - entries.front().sample.decode_time, Replay::span_max - 2s);
  EXPECT_EQ(entries.front().sample.sync, media::Sync::yes);
}

TEST_F(ReplayOf, without_key_frames_it_gives_up_rather_than_grow) {
  for (int i = 0; i < 300; ++i) video(i * 40ms, i == 0);
  EXPECT_FALSE(replay.has_video());
  EXPECT_EQ(replay.bytes(), 0u);
  video(20s, true);
  EXPECT_EQ(text(), "V20000");
}

TEST_F(ReplayOf, it_holds_no_more_than_its_bytes) {
  for (int i = 0; i < 20; ++i) video(i * 40ms, i % 2 == 0, size_t{4} << 20);
  EXPECT_LE(replay.bytes(), Replay::bytes_max);
  EXPECT_EQ(text().substr(0, 4), "V480");
}

}  // namespace
}  // namespace klieg::transcoder
