#include "ingest/timeline.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

namespace klieg::ingest {
namespace {

using media::Discontinuity;
using media::TrackKind;

// Feeds stamps and remembers what came out, in milliseconds.
class Feed {
 public:
  Placed video(uint32_t timestamp_ms, Duration elapsed = 33ms, Duration composition_offset = Duration(0)) {
    now += elapsed;
    return timeline.place(
        {.kind = TrackKind::video, .timestamp_ms = timestamp_ms, .composition_offset = composition_offset}, now);
  }
  Placed audio(uint32_t timestamp_ms, Duration elapsed = Duration(0), uint32_t samples = 0) {
    now += elapsed;
    return timeline.place({.kind = TrackKind::audio,
                           .timestamp_ms = timestamp_ms,
                           .samples = samples,
                           .sample_rate = samples ? 48000u : 0u},
                          now);
  }

  Timeline timeline;
  LoopTime now{1000s};
};

int64_t ms(const Placed& placed) { return to_ms(placed.decode_time.time_since_epoch()); }

TEST(Timeline, the_first_sample_is_at_zero_whatever_its_stamp) {
  Feed feed;
  EXPECT_EQ(ms(feed.video(123'456)), 0);
  EXPECT_EQ(ms(feed.video(123'489)), 33);
}

TEST(Timeline, the_first_sample_is_at_zero_with_its_nanosecond_offset) {
  Timeline timeline;
  const auto at = [&](uint32_t stamp_ms, Duration fine_offset) {
    return timeline.place({.timestamp_ms = stamp_ms, .fine_offset = fine_offset}, LoopTime(0ns)).decode_time;
  };
  EXPECT_EQ(at(100, 333'333ns), MediaTime(0ns));
  EXPECT_EQ(at(133, 666'667ns), MediaTime(33'333'334ns));
}

TEST(Timeline, a_wrap_at_two_to_the_32_is_an_ordinary_step) {
  Feed feed;
  EXPECT_EQ(ms(feed.video(0xffff'fff0)), 0);
  const Placed next = feed.video(0x0000'0011);
  EXPECT_EQ(ms(next), 33);
  EXPECT_FALSE(next.break_before);
}

TEST(Timeline, audio_and_video_keep_their_offset) {
  Feed feed;
  EXPECT_EQ(ms(feed.video(1000)), 0);
  EXPECT_EQ(ms(feed.audio(1012)), 12);
  EXPECT_EQ(ms(feed.audio(990)), 13) << "stamps of one track never go back";
  EXPECT_EQ(ms(feed.video(1033)), 33);
}

TEST(Timeline, audio_before_the_first_video_frame_lies_before_zero) {
  Feed feed;
  feed.video(1000);
  EXPECT_EQ(ms(feed.audio(900)), -100);
}

TEST(Timeline, a_track_that_counts_from_its_own_origin_is_laid_where_it_arrives) {
  Feed feed;
  feed.video(1000);
  EXPECT_EQ(ms(feed.audio(500'000'000, 40ms)), 40);
}

TEST(Timeline, a_pause_of_the_encoder_is_a_gap_and_no_jump) {
  Feed feed;
  feed.video(0);
  const Placed after = feed.video(60'000, 60s);
  EXPECT_EQ(ms(after), 60'000);
  EXPECT_FALSE(after.break_before);
}

TEST(Timeline, frames_dropped_during_a_stall_are_a_gap_and_no_jump) {
  Feed feed;
  for (uint32_t i = 0; i < 30; ++i) feed.video(i * 33);
  feed.video(30 * 33, 8s);                               // the network stood still; what was in the pipe comes first
  const Placed after = feed.video(30 * 33 + 7900, 1ms);  // and then the present
  EXPECT_EQ(ms(after), 30 * 33 + 7900);
  EXPECT_FALSE(after.break_before);
}

TEST(Timeline, a_jump_forward_goes_on_by_elapsed_wall_time) {
  Feed feed;
  feed.video(0);
  feed.video(33);
  const Placed after = feed.video(3'600'000, 40ms);
  EXPECT_EQ(ms(after), 73);
  EXPECT_EQ(after.break_before, Discontinuity::timestamp_jump);
  EXPECT_EQ(ms(feed.video(3'600'033)), 106);
}

TEST(Timeline, a_jump_back_goes_on_by_elapsed_wall_time) {
  Feed feed;
  feed.video(100'000);
  feed.video(100'033);
  const Placed after = feed.video(0, 33ms);
  EXPECT_EQ(ms(after), 66);
  EXPECT_EQ(after.break_before, Discontinuity::timestamp_jump);
}

TEST(Timeline, the_other_track_follows_a_jump_with_its_offset_and_without_a_second_break) {
  Feed feed;
  feed.video(100'000);
  feed.audio(100'010);
  EXPECT_TRUE(feed.video(0).break_before) << "video jumps first";
  EXPECT_FALSE(feed.audio(100'031).break_before) << "audio is still on the old clock";
  const Placed after = feed.audio(20, 20ms);
  EXPECT_FALSE(after.break_before);
  EXPECT_EQ(ms(after), 33 + 20) << "20 ms behind video's new origin, as the stamps say";
}

TEST(Timeline, a_small_step_back_keeps_order_and_presentation) {
  Feed feed;
  feed.video(0);
  feed.video(33);
  const Placed moved = feed.video(20, 1ms, 40ms);
  EXPECT_EQ(ms(moved), 34);
  EXPECT_EQ(moved.composition_offset, 26ms) << "still shown at 60";
  EXPECT_FALSE(moved.break_before);
  EXPECT_EQ(ms(feed.video(66)), 66);
}

TEST(Timeline, a_clock_set_back_for_good_becomes_a_jump_after_a_few_samples) {
  Feed feed;
  feed.video(5000);
  feed.video(6500, 1500ms);
  int jumps = 0;
  uint32_t stamp = 5000;
  Placed last;
  for (int i = 0; i < 20; ++i) {
    last = feed.video(stamp += 33);
    jumps += last.break_before ? 1 : 0;
  }
  EXPECT_EQ(jumps, 1);
  EXPECT_NEAR(static_cast<double>(ms(last)), 1500 + 12 * 33, 33) << "goes on at the speed of the wall clock";
}

TEST(Timeline, b_frames_and_negative_offsets_pass) {
  Feed feed;
  EXPECT_EQ(feed.video(0, 0ms, 66ms).composition_offset, 66ms);
  EXPECT_EQ(feed.video(33, 33ms, 133ms).composition_offset, 133ms);
  EXPECT_EQ(feed.video(66, 33ms, -33ms).composition_offset, -33ms);
  EXPECT_EQ(feed.video(99, 33ms, 11s).composition_offset, 0ms) << "nonsense";
}

TEST(Timeline, a_returning_publisher_goes_on_at_the_elapsed_wall_time) {
  Feed feed;
  feed.video(50'000);
  feed.audio(50'005);
  feed.video(50'033);
  feed.timeline.publisher_returns();
  const Placed back = feed.video(0, 10s);
  EXPECT_EQ(back.break_before, Discontinuity::publisher_returned);
  EXPECT_EQ(ms(back), 10'033) << "10 s after the last sample";
  const Placed audio = feed.audio(7);
  EXPECT_FALSE(audio.break_before);
  EXPECT_EQ(ms(audio), 10'033 + 7);
}

TEST(Timeline, rounded_audio_stamps_are_laid_on_the_exact_grid) {
  Feed feed;
  feed.video(0);
  for (int64_t i = 0; i < 1000; ++i) {
    const auto stamp = static_cast<uint32_t>(i * 1024 * 1000 / 48000);
    const Placed placed = feed.audio(stamp, 21333us, 1024);
    ASSERT_EQ(placed.decode_time.time_since_epoch(), from_ticks(i * 1024, 48000)) << i;
  }
}

TEST(Timeline, audio_stamps_that_drift_are_followed_within_40_ms) {
  for (double speed : {0.999, 1.001}) {
    Feed feed;
    MediaTime last(-1s);
    for (int i = 0; i < 10'000; ++i) {
      const double stamp = i * 1024 / 48.0 * speed;
      const Placed placed = feed.audio(static_cast<uint32_t>(stamp), 21333us, 1024);
      ASSERT_GT(placed.decode_time, last);
      last = placed.decode_time;
      ASSERT_NEAR(to_seconds(last.time_since_epoch()) * 1000, stamp, 41) << speed << " " << i;
    }
  }
}

TEST(Timeline, audio_frames_that_say_they_are_longer_than_their_stamps_do_not_run_ahead) {
  Feed feed;
  for (uint32_t i = 0; i < 500; ++i) {
    const uint32_t stamp = i * 64 / 3;  // of 48 kHz, while the configuration said 8
    const Placed placed = feed.audio(stamp, 21333us, 6144);
    ASSERT_FALSE(placed.break_before) << i;
    ASSERT_NEAR(static_cast<double>(ms(placed)), stamp, 41) << i;
  }
}

TEST(Timeline, lost_audio_is_a_hole) {
  Feed feed;
  feed.audio(0, 0ms, 1024);
  feed.audio(21, 21ms, 1024);
  EXPECT_EQ(ms(feed.audio(121, 100ms, 1024)), 121);
}

TEST(Timeline, audio_and_video_drifting_apart_is_reported_and_limited) {
  Feed feed;
  int breaks = 0;
  double video = 0;
  Placed last_video, last_audio;
  for (int i = 0; i < 60'000; ++i) {  // 20 minutes; video's clock is half a per cent fast
    video += 20.1;
    last_video = feed.video(static_cast<uint32_t>(video), 20ms);
    last_audio = feed.audio(static_cast<uint32_t>(i * 20 + 20));
    breaks += last_video.break_before || last_audio.break_before ? 1 : 0;
    ASSERT_LT(last_video.decode_time - last_audio.decode_time, 2500ms);
  }
  EXPECT_GE(breaks, 2);
  EXPECT_LE(breaks, 4);
}

TEST(Timeline, a_nanosecond_offset_refines_a_stamp) {
  Timeline timeline;
  timeline.place({.timestamp_ms = 0}, LoopTime(0s));
  const Placed placed = timeline.place({.timestamp_ms = 33, .fine_offset = 366'667ns}, LoopTime(33ms));
  EXPECT_EQ(placed.decode_time.time_since_epoch(), 33'366'667ns);
}

RC_GTEST_PROP(Timeline, frames_that_the_encoder_dropped_leave_picture_and_sound_where_their_stamps_say, ()) {
  const auto drops = *rc::gen::container<std::vector<int>>(200, rc::gen::element(0, 0, 0, 0, 0, 0, 1, 2, 8, 40));
  const auto reorder = *rc::gen::inRange<size_t>(0, 3);
  const Duration late = 1ms * *rc::gen::inRange(0, 300);  // of the network
  std::vector<int64_t> shown_ms;
  for (int64_t frame = 30; const int dropped : drops) shown_ms.push_back((frame += 1 + dropped) * 100 / 3);
  Feed feed;
  std::optional<Duration> zero;  // where the timeline put stamp 0
  int64_t sounds = 0;
  for (size_t i = 0; i + 4 < shown_ms.size(); ++i) {
    // With a delay of `reorder` frames each frame is decoded when that many before it are shown.
    const int64_t decode_ms = i < reorder ? 700 + static_cast<int64_t>(i) * 33 : shown_ms[i - reorder];
    const int64_t frame_ms = reorder == 0 || i == 0 ? shown_ms[i] : shown_ms[i % 2 ? i + 1 : i - 1];
    feed.now = LoopTime(1000s) + decode_ms * 1ms + (i % 7 == 0 ? late : Duration(0));
    const Placed video = feed.video(static_cast<uint32_t>(decode_ms), 0ms, (frame_ms - decode_ms) * 1ms);
    const Duration at = (video.decode_time + video.composition_offset).time_since_epoch() - frame_ms * 1ms;
    RC_ASSERT(zero.value_or(at) == at);
    zero = at;
    RC_ASSERT(video.composition_offset >= 0ms || frame_ms < decode_ms);
    for (; sounds * 1024 / 48 < decode_ms; ++sounds) {
      const int64_t sound_ms = sounds * 1024 / 48;
      if (sound_ms < 650) continue;
      const Placed sound = feed.audio(static_cast<uint32_t>(sound_ms), 0ms, 1024);
      RC_ASSERT(std::chrono::abs(sound.decode_time.time_since_epoch() - sound_ms * 1ms - *zero) <= 1ms);
    }
  }
}

RC_GTEST_PROP(Timeline, time_increases_and_never_runs_ahead_of_stamps_and_wall_clock, ()) {
  struct Track {
    bool seen = false;
    uint32_t stamp = 0;
    LoopTime arrival;
    MediaTime last;
    bool returning = false;  // its next sample is measured against both tracks: it goes on where the later one was
  };
  Feed feed;
  Track tracks[2];
  uint32_t stamp = *rc::gen::arbitrary<uint32_t>();
  const int count = *rc::gen::inRange(1, 300);
  for (int i = 0; i < count; ++i) {
    switch (*rc::gen::weightedElement<int>({{20, 0}, {2, 1}, {1, 2}, {1, 3}})) {
      case 0:
        stamp += *rc::gen::inRange<uint32_t>(0, 50);
        break;
      case 1:
        stamp -= *rc::gen::inRange<uint32_t>(0, 3000);
        break;
      case 2:
        stamp += *rc::gen::inRange<uint32_t>(0, 10'000);
        break;
      default:
        stamp = *rc::gen::arbitrary<uint32_t>();
    }
    const Duration elapsed = std::chrono::milliseconds(
        *rc::gen::weightedOneOf<int>({{20, rc::gen::inRange(0, 60)}, {1, rc::gen::inRange(0, 20'000)}}));
    if (*rc::gen::inRange(0, 100) == 0) {
      feed.timeline.publisher_returns();
      tracks[0].returning = tracks[1].returning = true;
    }
    const bool audio = *rc::gen::arbitrary<bool>();
    const Placed placed =
        audio ? feed.audio(stamp, elapsed, *rc::gen::element(0u, 120u, 960u, 1024u)) : feed.video(stamp, elapsed);
    Track& track = tracks[audio ? 1 : 0];
    if (track.seen) {
      RC_ASSERT(placed.decode_time > track.last);
      const Duration stepped = std::chrono::milliseconds(static_cast<int32_t>(stamp - track.stamp));
      const Duration allowed = std::max({stepped, feed.now - track.arrival, Duration(0)}) + 2 * Timeline::jump;
      const MediaTime from = track.returning ? std::max(tracks[0].last, tracks[1].last) : track.last;
      RC_ASSERT(placed.decode_time - from <= allowed);
    }
    track = {true, stamp, feed.now, placed.decode_time};
  }
}

}  // namespace
}  // namespace klieg::ingest
