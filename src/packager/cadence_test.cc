#include "packager/cadence.h"

#include <gtest/gtest.h>

#include <vector>

#include "packager/filler.h"

namespace klieg::packager {
namespace {

std::vector<MediaTime> times_of(double rate, int count, Duration clock) {
  std::vector<MediaTime> times;
  for (int i = 0; i < count; ++i) times.emplace_back(Duration(static_cast<int64_t>(i * 1e9 / rate)) / clock * clock);
  return times;
}

TEST(Cadence, tells_29_97_from_30_fps_behind_a_millisecond_clock) {
  for (const double rate : {24000.0 / 1001, 24.0, 25.0, 30000.0 / 1001, 30.0, 60000.0 / 1001, 60.0}) {
    Cadence cadence = Cadence::of_video(0);
    cadence.measure(times_of(rate, 61, 1ms));
    ASSERT_TRUE(cadence.frame()) << rate;
    EXPECT_NEAR(1e9 / static_cast<double>(cadence.frame()->count()), rate, 1e-4);
  }
}

TEST(Cadence, knows_no_pace_where_frames_keep_none) {
  Cadence cadence = Cadence::of_video(30);
  std::vector<MediaTime> times;
  for (int i = 0; i < 60; ++i) times.emplace_back(Duration(1ms) * (i * 33 + (i % 7) * 4));
  cadence.measure(times);
  EXPECT_FALSE(cadence.frame());
}

TEST(Cadence, knows_no_pace_slower_than_a_frame_a_second) {
  Cadence cadence = Cadence::of_video(0);
  cadence.measure(times_of(1, 40, 1ms));
  EXPECT_EQ(cadence.frame(), 1s);
  cadence.measure(times_of(1 / 1.1, 40, 1ms));
  EXPECT_FALSE(cadence.frame());
  Cadence told = Cadence::of_video(0.04);
  told.measure(times_of(0.04, 4, 1ms));
  EXPECT_FALSE(told.frame());
}

TEST(Cadence, stops_predicting_while_frames_come_late) {
  Cadence cadence = Cadence::of_video(25);
  cadence.measure(times_of(25, 30, 1ns));
  const auto placed = [&](Duration at) {
    media::Sample sample;
    sample.decode_time = MediaTime(at);
    cadence.place(sample);
    return sample.decode_time.time_since_epoch();
  };
  EXPECT_EQ(placed(0ms), 0ms);
  EXPECT_EQ(placed(41ms), 40ms);  // put back on the frames' clock
  EXPECT_EQ(cadence.duration(), 40ms);
  EXPECT_EQ(placed(130ms), 130ms);  // believed
  EXPECT_FALSE(cadence.duration());
  EXPECT_EQ(placed(170ms), 170ms);
  EXPECT_EQ(cadence.duration(), 40ms);
}

TEST(Cadence, reads_how_long_an_opus_packet_lasts) {
  EXPECT_EQ(opus_duration(as_bytes("\xF8\xFF\xFE")), 20ms);
  EXPECT_EQ(opus_duration(as_bytes("\x08")), 20ms);      // SILK 20 ms
  EXPECT_EQ(opus_duration(as_bytes("\x80")), 2500us);    // CELT 2.5 ms
  EXPECT_EQ(opus_duration(as_bytes("\xF9\x01")), 40ms);  // two frames
  EXPECT_EQ(opus_duration(as_bytes("\xFB\x03")), 60ms);  // three
}

}  // namespace
}  // namespace klieg::packager
