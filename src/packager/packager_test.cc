#include "packager/packager.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "packager/filler.h"
#include "packager/laws.h"
#include "packager/testing.h"

namespace klieg::packager {
namespace {

using namespace testing_words;
using media::Discontinuity;
using media::TrackKind;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::SizeIs;

TEST(Packager, a_broadcast_begins_at_its_second_key_frame) {
  Studio studio;
  studio.video_track(5);
  studio.frames(0, 5, 200, 5);  // one key frame, then four frames
  EXPECT_THAT(studio.lines(), SizeIs(0));
  studio.frame(1000, key);
  EXPECT_THAT(
      studio.lines(),
      ElementsAre("broadcast id.1 grid 1000 target 1 part 201", "live", "period 0 first msn 0 at 0 wall 1000000",
                  "header video 0", "segment video 0 at 0 period 0", "chunk video", "part video 0.0 200 independent",
                  "chunk video", "part video 0.1 200 dependent", "chunk video", "part video 0.2 200 dependent",
                  "chunk video", "part video 0.3 200 dependent", "chunk video", "part video 0.4 200 dependent",
                  "end video 0 1000", "segment video 1 at 1000 period 0", "chunk video",
                  "part video 1.0 200 independent"));
}

TEST(Packager, parts_hold_whole_frames_and_end_as_soon_as_the_next_would_not_fit) {
  Studio studio;
  studio.video_track(30);
  studio.gops(0, 2, 30);
  EXPECT_EQ(studio.grid().part_target, 201ms);
  std::vector<std::string> want;
  for (int part = 0; part < 5; ++part) {
    want.push_back(fmt::format("part video 0.{} 200 {}", part, part == 0 ? "independent" : "dependent"));
  }
  EXPECT_THAT(studio.lines("part video 0."), ElementsAreArray(want));
}

TEST(Packager, milliseconds_of_rtmp_do_not_bend_the_grid_of_29_97_fps) {
  Studio studio;
  studio.video_track(0);
  for (int i = 0; i < 91; ++i) studio.frame(i * 1001 / 30, i % 30 == 0 ? key : delta);
  EXPECT_EQ(studio.grid().segment, 1001ms);
  EXPECT_EQ(studio.grid().part_target, 201ms);
  EXPECT_THAT(studio.lines("end video"), ElementsAre("end video 0 1001", "end video 1 1001", "end video 2 1001"));
}

TEST(Packager, an_encoder_that_drops_frames_at_its_start_gets_the_grid_and_the_parts_it_will_keep) {
  Studio studio;
  studio.video_track(30);
  // A key frame every 30 frames that were coded; 16 of the first were not, in three holes.
  int frame = 0;
  for (int coded = 0; coded <= 90; ++coded, ++frame) {
    if (coded == 5 || coded == 12) frame += 4;
    if (coded == 20) frame += 8;
    studio.frame(frame * 100 / 3, coded % 30 == 0 ? key : delta);
  }
  EXPECT_EQ(studio.grid().segment, 1000ms);
  EXPECT_EQ(studio.grid().part_target, 201ms);
}

TEST(Packager, key_frames_by_the_clock_keep_their_interval_when_frames_are_dropped) {
  Studio studio;
  studio.video_track(30);
  for (int frame = 0; frame <= 90; ++frame) {
    if (frame >= 6 && frame < 12) continue;
    studio.frame(frame * 100 / 3, frame % 30 == 0 ? key : delta);
  }
  EXPECT_EQ(studio.grid().segment, 1000ms);
  EXPECT_EQ(studio.grid().part_target, 201ms);
}

TEST(Packager, one_hiccup_of_a_variable_frame_rate_does_not_make_long_parts) {
  Studio studio;
  studio.video_track(0);
  int at = 0;
  for (int i = 0; i <= 80; ++i) {
    studio.frame(at, i % 27 == 0 ? key : delta);
    at += i == 10 ? 534 : 25 + (i * 7) % 19;
  }
  EXPECT_EQ(studio.grid().part_target, 201ms);
}

TEST(Packager, audio_is_cut_at_the_frame_nearest_the_line) {
  Studio studio;
  studio.video_track(25);
  studio.audio_track();
  studio.both(0, 3200, 25, 25);
  EXPECT_THAT(studio.lines("segment"),
              ElementsAre("segment video 0 at 0 period 0", "segment video 1 at 1000 period 0",
                          "segment audio 0 at 0 period 0", "segment audio 1 at 1002.667 period 0",
                          "segment video 2 at 2000 period 0", "segment audio 2 at 2005.333 period 0",
                          "segment video 3 at 3000 period 0", "segment audio 3 at 3008 period 0"));
  EXPECT_THAT(studio.lines("end audio"),
              ElementsAre("end audio 0 1002.667", "end audio 1 1002.667", "end audio 2 1002.667"));
}

TEST(Packager, audio_follows_the_presentation_of_video_with_b_frames) {
  Studio studio;
  studio.video_track(25);
  studio.audio_track();
  studio.composition_offset = 80ms;
  studio.both(0, 2400, 25, 25);
  EXPECT_THAT(studio.lines("segment video"),
              ElementsAre("segment video 0 at 80 period 0", "segment video 1 at 1080 period 0",
                          "segment video 2 at 2080 period 0"));
  EXPECT_THAT(studio.lines("segment audio"),
              ElementsAre("segment audio 0 at 85.333 period 0", "segment audio 1 at 1088 period 0",
                          "segment audio 2 at 2090.667 period 0"));
}

TEST(Packager, a_late_key_frame_makes_a_dependent_segment) {
  Studio studio;
  studio.video_track(10);
  studio.gops(0, 2, 10);
  for (int at = 2000; at < 4500; at += 100) studio.frame(at, at == 2000 || at == 3700 ? key : delta);
  EXPECT_THAT(studio.lines("segment"),
              ElementsAre("segment video 0 at 0 period 0", "segment video 1 at 1000 period 0",
                          "segment video 2 at 2000 period 0", "segment video 3 at 3400 period 1"));
  EXPECT_THAT(studio.lines("part video 3.0"), ElementsAre("part video 3.0 200 dependent"));
  EXPECT_THAT(studio.lines("period"),
              ElementsAre("period 0 first msn 0 at 0 wall 1000000", "period 1 off_grid msn 3 at 3400 wall 1003400"));
}

TEST(Packager, every_segment_of_key_frames_8_3_s_apart_is_on_a_grid_of_9_s_and_then_off_it) {
  Studio studio;
  studio.video_track(10);
  for (int at = 0; at < 50'000; at += 100) studio.frame(at, at % 8300 == 0 ? key : delta);
  EXPECT_EQ(studio.grid().segment, 9s);
  EXPECT_EQ(studio.grid().target_duration_s, 9u);
  EXPECT_THAT(studio.lines("end"), ElementsAre("end video 0 8300", "end video 1 8300", "end video 2 8300",
                                               "end video 3 8300", "end video 4 8300", "end video 5 8300"));
  EXPECT_THAT(studio.lines("period"),
              ElementsAre("period 0 first msn 0 at 0 wall 1000000", "period 1 off_grid msn 4 at 33200 wall 1033200"));
}

TEST(Packager, key_frames_too_far_apart_give_a_grid_of_10_s_with_dependent_segments) {
  Studio studio;
  studio.video_track(10);
  for (int at = 0; at <= 25'000; at += 100) studio.frame(at, at == 0 ? key : delta);
  EXPECT_THAT(studio.lines("segment"), ElementsAre("segment video 0 at 0 period 0", "segment video 1 at 10000 period 0",
                                                   "segment video 2 at 20000 period 0"));
  EXPECT_THAT(studio.lines("period"), SizeIs(1));
}

TEST(Packager, audio_alone_begins_after_half_a_second_on_a_grid_of_1_s) {
  Studio studio;
  studio.audio_track();
  studio.sound(0, 480);
  EXPECT_THAT(studio.lines(), SizeIs(0));
  studio.sound(480, 2100);
  EXPECT_EQ(studio.grid().segment, 1s);
  EXPECT_THAT(studio.lines("segment"),
              ElementsAre("segment audio 0 at 0 period 0", "segment audio 1 at 1002.667 period 0",
                          "segment audio 2 at 2005.333 period 0"));
}

TEST(Packager, audio_that_appears_later_begins_a_period_at_the_next_cut) {
  Studio studio;
  studio.video_track(25);
  studio.gops(0, 3, 25);
  studio.audio_track();
  studio.both(3000, 5500, 25, 25);
  EXPECT_THAT(studio.lines("period"), ElementsAre("period 0 first msn 0 at 0 wall 1000000",
                                                  "period 1 discontinuity msn 3 at 3000 wall 1003000"));
  EXPECT_THAT(studio.lines("segment audio"),
              ElementsAre("segment audio 3 at 3008 period 1", "segment audio 4 at 4010.667 period 1",
                          "segment audio 5 at 4992 period 1"));
}

TEST(Packager, audio_that_was_promised_is_waited_for_so_that_it_is_there_from_the_first_segment) {
  Studio studio;
  studio.packager.on_promised(TrackKind::audio);
  studio.video_track(25);
  studio.frames(0, 31, 40, 25);
  EXPECT_THAT(studio.lines(), SizeIs(0));
  studio.audio_track();
  studio.sound(1200, 1240);
  studio.both(1240, 3200, 25, 25);
  EXPECT_THAT(studio.lines("period"), ElementsAre("period 0 first msn 0 at 0 wall 1000000"));
  EXPECT_EQ(studio.lines("segment audio").front(), "segment audio 0 at 0 period 0");
}

TEST(Packager, audio_that_was_promised_and_does_not_come_is_waited_for_two_seconds) {
  Studio studio;
  studio.packager.on_promised(TrackKind::audio);
  studio.video_track(25);
  studio.frames(0, 50, 40, 25);
  EXPECT_THAT(studio.lines(), SizeIs(0));
  studio.frame(2000, key);
  EXPECT_THAT(studio.lines("segment"), ElementsAre("segment video 0 at 0 period 0", "segment video 1 at 1000 period 0",
                                                   "segment video 2 at 2000 period 0"));
}

TEST(Packager, audio_that_nothing_can_stand_in_for_joins_also_when_its_first_frame_is_late) {
  Studio studio;
  studio.audio.audio = {.sample_rate = 48'000, .channels = 6, .samples_per_frame = 1024};
  studio.audio.kind = TrackKind::audio;
  studio.audio.codec = media::Codec::aac;
  studio.audio.decoder_config = Bytes::copy_of("\x11\xb0");
  studio.packager.on_track(studio.audio);
  studio.video_track(25);
  studio.frames(0, 75, 40, 25);
  studio.both(3000, 5200, 25, 25);
  EXPECT_EQ(studio.lines("segment audio").front(), "segment audio 4 at 4010.667 period 1");
}

TEST(Packager, counts_the_samples_that_it_has_no_place_for) {
  Studio studio;
  studio.video_track(25);
  studio.frames(0, 50, 40, 25);
  EXPECT_EQ(studio.packager.unplaced(), 0u);
  studio.frame(1000, key);  // decoded before what was there already
  studio.frame(1960, delta);
  EXPECT_EQ(studio.packager.unplaced(), 2u);
  studio.frame(2000, key);
  EXPECT_EQ(studio.packager.unplaced(), 2u);
}

TEST(Packager, silence_stands_in_for_audio_that_stops) {
  Studio studio;
  studio.video_track(25);
  studio.audio_track();
  studio.both(0, 2000, 25, 25);
  studio.gops(2000, 6, 25);
  const auto video = studio.lines("segment video");
  const auto audio = studio.lines("segment audio");
  EXPECT_GE(audio.size(), video.size() - 1);
  for (const std::string& line : studio.lines("end audio")) {
    const double duration = std::stod(line.substr(line.rfind(' ')));
    EXPECT_NEAR(duration, 1000, 25) << line;
  }
}

TEST(Packager, the_last_key_frame_stands_in_for_video_that_stops) {
  Studio studio;
  studio.video_track(25);
  studio.audio_track();
  studio.both(0, 2000, 25, 25);
  studio.sound(2005, 8000);
  EXPECT_THAT(studio.lines("segment video"), SizeIs(8));  // 7.5 s: what stands in stays half a second behind
  EXPECT_THAT(studio.lines("period"), SizeIs(1));
  studio.both(8000, 10'000, 25, 25);
  EXPECT_THAT(studio.lines("segment video 9 "), SizeIs(1));
}

TEST(Packager, a_pause_closes_what_is_open_and_the_return_begins_a_period) {
  Studio studio;
  studio.video_track(5);
  studio.gops(0, 1, 5);
  studio.frame(1000, key);
  studio.frame(1200, delta);
  studio.packager.on_paused();
  EXPECT_THAT(studio.lines().back(), "paused");
  EXPECT_THAT(studio.lines("end"), ElementsAre("end video 0 1000", "end video 1 400"));
  studio.forget();
  studio.wall_offset = 7s;
  studio.packager.on_resumed();
  studio.packager.on_discontinuity(Discontinuity::publisher_returned, MediaTime(1400ms));
  studio.frame(1400, delta);  // no place to begin
  studio.frame(1600, key);
  EXPECT_THAT(studio.lines(),
              ElementsAre("live", "period 1 discontinuity msn 2 at 1600 wall 1008600",
                          "segment video 2 at 1600 period 1", "chunk video", "part video 2.0 200 independent"));
}

TEST(Packager, a_new_format_gets_a_header_of_its_own) {
  Studio studio;
  studio.video_track(5);
  studio.gops(0, 2, 5);
  studio.packager.on_discontinuity(Discontinuity::format_changed, MediaTime(2s));
  studio.video.video.width = 1280;
  studio.packager.on_track(studio.video);
  studio.gops(2000, 1, 5);
  EXPECT_THAT(studio.lines("header"), ElementsAre("header video 0", "header video 1"));
  EXPECT_THAT(studio.lines("period 1"), ElementsAre("period 1 discontinuity msn 2 at 2000 wall 1002000"));
}

TEST(Packager, the_end_closes_the_last_segments_and_nothing_follows) {
  Studio studio;
  studio.video_track(5);
  studio.audio_track();
  studio.both(0, 1500, 5, 5);
  studio.packager.on_ended();
  EXPECT_EQ(studio.lines().back(), "ended");
  EXPECT_THAT(studio.lines("end video"), ElementsAre("end video 0 1000", "end video 1 600"));
  EXPECT_THAT(studio.lines("end audio"), SizeIs(2));
  studio.frame(1600, key);
  EXPECT_EQ(studio.lines().back(), "ended");
}

TEST(Packager, a_broadcast_shorter_than_two_key_frames_is_shown_when_it_ends) {
  Studio studio;
  studio.video_track(5);
  studio.frames(0, 4, 200, 100);
  studio.packager.on_ended();
  EXPECT_THAT(studio.lines("end "), ElementsAre("end video 0 800"));
  EXPECT_EQ(studio.lines().back(), "ended");
}

TEST(Packager, what_stands_in_for_opus_of_many_streams_is_no_packet_of_one) {
  media::Track surround{.kind = TrackKind::audio, .codec = media::Codec::opus};
  surround.audio = {.sample_rate = 48'000, .channels = 6, .samples_per_frame = 0};
  const Bytes last = Bytes::copy_of("\xFC\x01six channels");
  EXPECT_EQ(silent_frame(surround, last), last);
  EXPECT_EQ(silent_frame(surround, {}), std::nullopt);
  surround.audio.channels = 2;
  EXPECT_EQ(silent_frame(surround, last), Bytes::copy_of("\xF8\xFF\xFE"));
}

TEST(Packager, a_clock_that_drifts_by_a_second_is_anchored_anew) {
  Studio studio;
  studio.video_track(5);
  for (int second = 0; second < 300; ++second) {
    studio.wall_offset = second * 10ms;  // one per cent: 1 s in 100 s
    studio.gops(second * 1000, 1, 5);
  }
  const auto periods = studio.lines("period");
  ASSERT_GE(periods.size(), 2u);
  EXPECT_THAT(periods[1], ::testing::StartsWith("period 1 discontinuity"));
  EXPECT_LE(periods.size(), 4u);
}

TEST(Packager, a_delay_that_grows_after_the_servers_clock_was_set_back_is_anchored_as_soon_as_any) {
  Studio studio;
  studio.video_track(5);
  for (int second = 0; second < 60; ++second) {
    if (second == 20) studio.wall_offset = -600s;
    if (second == 30) studio.wall_offset += 3s;
    studio.gops(second * 1000, 1, 5);
  }
  EXPECT_THAT(studio.lines("period"),
              ElementsAre(::testing::StartsWith("period 0 first"), ::testing::StartsWith("period 1 discontinuity"),
                          ::testing::StartsWith("period 2 discontinuity")));
}

TEST(Packager, a_stall_of_the_uplink_that_is_caught_up_moves_nothing) {
  Studio studio;
  studio.video_track(5);
  for (int second = 0; second < 60; ++second) {
    studio.wall_offset = second == 30 || second == 31 ? 3s : 0s;
    studio.gops(second * 1000, 1, 5);
  }
  EXPECT_THAT(studio.lines("period"), SizeIs(1));
}

TEST(Packager, pictures_further_apart_than_a_segment_may_be_long_have_holes_between_them) {
  Studio studio;
  studio.video_track(0);
  studio.frames(0, 80, 24'158, 1);
  studio.packager.on_ended();
  Laws laws;
  EXPECT_TRUE(laws.check(studio.recorder.records)) << laws.broken();
  EXPECT_THAT(studio.lines("period"), SizeIs(80));
}

TEST(Packager, a_hole_in_the_video_is_a_discontinuity) {
  Studio studio;
  studio.video_track(10);
  studio.gops(0, 2, 10);
  studio.gops(5000, 2, 10);
  EXPECT_THAT(studio.lines("period"), ElementsAre("period 0 first msn 0 at 0 wall 1000000",
                                                  "period 1 discontinuity msn 2 at 5000 wall 1005000"));
  EXPECT_THAT(studio.lines("end"), ElementsAre("end video 0 1000", "end video 1 1000", "end video 2 1000"));
}

}  // namespace
}  // namespace klieg::packager
