#include "transcoder/entrance.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace klieg::transcoder {
namespace {

using media::Codec;
using media::Discontinuity;
using media::Sample;
using media::Sync;
using media::TrackKind;
using testing::ElementsAre;
using testing::IsEmpty;

int64_t ms(MediaTime at) { return to_ms(at.time_since_epoch()); }

// Everybody around an entrance writes into one list what he is told.
struct Said {
  std::vector<std::string> lines;
  void say(std::string line) { lines.push_back(std::move(line)); }
  std::vector<std::string> take() { return std::exchange(lines, {}); }
};

struct SeenPackager final : media::SampleSink {
  explicit SeenPackager(Said& out) : said(out) {}
  void on_promised(TrackKind kind) override { said.say(fmt::format("show promised {}", name_of(kind))); }
  void on_track(const media::Track& track) override { said.say("show track " + track.codecs); }
  void on_sample(TrackKind kind, Sample sample, WallTime wall) override {
    said.say(fmt::format("show {} {} came {}", name_of(kind), ms(sample.decode_time), to_ms(wall.time_since_epoch())));
    durations.push_back(sample.duration);
  }
  void on_discontinuity(Discontinuity, MediaTime at) override { said.say(fmt::format("show break {}", ms(at))); }
  void on_data(Bytes, MediaTime) override { said.say("show data"); }
  void on_paused() override { said.say("show paused"); }
  void on_resumed() override { said.say("show resumed"); }
  void on_ended() override { said.say("show ended"); }
  Said& said;
  std::vector<Duration> durations;
};

struct SeenRungs final : media::RungSink {
  explicit SeenRungs(Said& out) : said(out) {}
  void on_ladder(const std::vector<media::Rung>& rungs) override {
    std::string names;
    for (const media::Rung& rung : rungs) names += " " + rung.name;
    said.say("ladder" + names);
  }
  void on_rung_track(media::RungId rung, const media::Track&) override { said.say(fmt::format("rung {} track", rung)); }
  void on_rung_sample(media::RungId rung, Sample sample) override {
    said.say(fmt::format("rung {} {}", rung, ms(sample.decode_time)));
  }
  void on_rung_presence(media::RungId rung, media::Presence, MediaTime) override {
    said.say(fmt::format("rung {} presence", rung));
  }
  void on_picture(const media::Picture&) override { said.say("picture"); }
  void on_drained() override {}
  Said& said;
};

// A ladder that has a rung for everybody, or none.
struct SeenLadder final : LadderPort {
  explicit SeenLadder(Said& out) : said(out) {}
  void set_top(TopRung is) override {
    top = is;
    said.say(top == TopRung::none ? "make the top" : "make no top");
  }
  void on_source_track(const media::Track& track) override { said.say("code track " + track.codecs); }
  void on_source_period(MediaTime start) override {
    if (std::exchange(told, true)) return said.say(fmt::format("code from {}", ms(start)));
    entrance->on_ladder(able ? std::vector<media::Rung>{{.name = "720p"}, {.name = "240p"}}
                             : std::vector<media::Rung>{});
  }
  void on_source_sample(TrackKind kind, const Sample& sample) override {
    said.say(fmt::format("code {} {} for {}", name_of(kind), ms(sample.decode_time), to_ms(sample.duration)));
  }
  void on_source_paused() override { said.say("code paused"); }
  void on_source_ended() override { said.say("code ended"); }
  Said& said;
  Entrance* entrance = nullptr;
  TopRung top = TopRung::source;
  bool told = false;
  bool able = true;
};

class EntranceTest : public testing::Test {
 protected:
  EntranceTest() {
    ladder.entrance = &entrance;
    entrance.tell_ladder_to(ladder);
  }
  void tracks(Codec codec = Codec::avc) {
    entrance.on_track({.kind = TrackKind::video, .codec = codec, .codecs = "picture"});
    entrance.on_track({.kind = TrackKind::audio, .codec = Codec::aac, .codecs = "sound"});
  }
  void video(Duration at, Sync sync = Sync::no) {
    Sample sample;
    sample.decode_time = MediaTime(at);
    sample.sync = sync;
    sample.content = Bytes::copy_of("x");
    entrance.on_sample(TrackKind::video, sample, WallTime(at + 10s));
  }
  void audio(Duration at) {
    Sample sample;
    sample.decode_time = MediaTime(at);
    sample.content = Bytes::copy_of("x");
    entrance.on_sample(TrackKind::audio, sample, WallTime(at + 10s));
  }
  // What the worker makes of a frame.
  void coded(Duration at, media::RungId rung = 0) {
    Sample sample;
    sample.decode_time = MediaTime(at);
    sample.duration = 40ms;
    entrance.on_rung_sample(rung, sample);
  }
  void go_on_encoded() {
    tracks(Codec::hevc);
    entrance.on_rung_track(0, {.codecs = "coded"});
    video(0ms, Sync::yes);
    video(40ms);
    coded(0ms);
    said.take();
  }

  Said said;
  SeenPackager packager{said};
  SeenRungs rungs{said};
  SeenLadder ladder{said};
  Entrance entrance{"show", {}, packager, rungs};
};

TEST_F(EntranceTest, a_source_on_a_grid_passes_untouched_and_nothing_of_it_is_lost_while_it_is_judged) {
  tracks();
  video(0ms, Sync::yes);
  audio(5ms);
  EXPECT_THAT(said.take(), IsEmpty());
  video(1000ms, Sync::yes);
  EXPECT_THAT(said.take(), ElementsAre("show track picture", "show track sound", "show video 0 came 10000",
                                       "show audio 5 came 10005", "show video 1000 came 11000"));
  video(1040ms);
  EXPECT_THAT(said.take(), ElementsAre("show video 1040 came 11040"));
  EXPECT_EQ(packager.durations.back(), 0ns);
}

TEST_F(EntranceTest, what_the_packager_wrote_goes_to_the_ladder_while_the_source_passes) {
  tracks();
  video(0ms, Sync::yes);
  video(1000ms, Sync::yes);
  ladder.told = true;
  said.take();
  entrance.on_source_period(MediaTime(1s));
  entrance.on_source_sample(TrackKind::video, {.decode_time = MediaTime(1s), .duration = 40ms});
  entrance.on_ladder({{.name = "480p"}});
  entrance.on_rung_sample(0, {.decode_time = MediaTime(1s)});
  EXPECT_THAT(said.take(), ElementsAre("code from 1000", "code video 1000 for 40", "ladder 480p", "rung 0 1000"));
}

TEST_F(EntranceTest, a_source_without_a_grid_is_encoded_and_its_first_rung_is_the_broadcast) {
  tracks();
  video(0ms, Sync::yes);
  audio(5ms);
  video(1000ms);
  said.take();
  video(2040ms);  // no key frame for 2 s
  EXPECT_EQ(ladder.top, TopRung::none);
  EXPECT_THAT(said.take(),
              ElementsAre("make the top", "code track picture", "code track sound", "ladder 240p",
                          "show promised video", "code track picture", "code track sound", "show track sound",
                          "code from 0", "code video 0 for 1000", "code video 1000 for 1000"));
  entrance.on_rung_track(0, {.codecs = "coded"});
  coded(0ms);
  coded(0ms, 1);
  EXPECT_THAT(said.take(),
              ElementsAre("show track coded", "show video 0 came 10000", "show audio 5 came 10005", "rung 0 0"));
  EXPECT_EQ(packager.durations.front(), 40ms);
}

TEST_F(EntranceTest, a_codec_that_not_every_player_has_is_encoded_from_its_first_frame_on) {
  tracks(Codec::hevc);
  EXPECT_EQ(ladder.top, TopRung::none);
}

TEST_F(EntranceTest, where_nothing_can_be_made_of_it_the_source_passes_as_it_is) {
  ladder.able = false;
  tracks(Codec::hevc);
  video(0ms, Sync::yes);
  EXPECT_EQ(ladder.top, TopRung::source);
  EXPECT_THAT(said.take(),
              testing::IsSupersetOf({"show track picture", "show track sound", "show video 0 came 10000"}));
}

TEST_F(EntranceTest, a_ladder_that_gives_up_has_the_source_follow_from_its_next_key_frame_on) {
  go_on_encoded();
  entrance.on_rung_presence(0, media::Presence::gap, MediaTime(80ms));
  EXPECT_EQ(ladder.top, TopRung::source);
  said.take();
  video(80ms);
  EXPECT_THAT(said.take(), IsEmpty());
  video(120ms, Sync::yes);
  EXPECT_THAT(said.take(), ElementsAre("show break 120", "show track picture", "show video 120 came 10120"));
}

TEST_F(EntranceTest, what_comes_late_of_a_ladder_that_had_a_top_is_not_taken_for_another_rung) {
  go_on_encoded();
  entrance.on_rung_presence(0, media::Presence::gap, MediaTime(80ms));
  said.take();
  entrance.on_rung_presence(1, media::Presence::gap, MediaTime(80ms));
  coded(80ms, 0);
  coded(80ms, 1);
  EXPECT_THAT(said.take(), IsEmpty());
  entrance.on_ladder({{.name = "720p"}, {.name = "240p"}});
  coded(120ms, 1);
  EXPECT_THAT(said.take(), ElementsAre("ladder 720p 240p", "rung 1 120"));
}

TEST_F(EntranceTest, a_source_that_is_refused_before_anything_was_coded_passes_with_its_picture) {
  tracks(Codec::hevc);
  audio(5ms);
  said.take();
  entrance.on_ladder({});
  EXPECT_EQ(ladder.top, TopRung::source);
  EXPECT_THAT(said.take(), ElementsAre("ladder", "make no top", "show track picture", "show audio 5 came 10005"));
  video(1000ms, Sync::yes);
  EXPECT_THAT(said.take(), ElementsAre("show video 1000 came 11000"));
}

TEST_F(EntranceTest, a_break_begins_a_period_with_a_picture_and_drops_what_was_still_being_coded) {
  go_on_encoded();
  entrance.on_discontinuity(Discontinuity::timestamp_jump, MediaTime(5s));
  EXPECT_THAT(said.take(), ElementsAre("code video 40 for 40", "show break 5000"));
  coded(40ms);
  audio(5005ms);
  audio(5026ms);
  EXPECT_THAT(said.take(), IsEmpty());
  video(5010ms, Sync::yes);
  video(5050ms);
  coded(40ms);
  EXPECT_THAT(said.take(), ElementsAre("code from 5010", "code video 5010 for 40", "code audio 5005 for 21"));
  coded(5010ms);
  EXPECT_THAT(said.take(),
              ElementsAre("show video 5010 came 15010", "show audio 5005 came 15005", "show audio 5026 came 15026"));
}

TEST_F(EntranceTest, a_pause_and_the_end_reach_both_sides) {
  go_on_encoded();
  entrance.on_paused();
  EXPECT_THAT(said.take(), ElementsAre("code video 40 for 40", "code paused"));
  coded(40ms);
  coded(40ms, 1);
  entrance.on_drained();
  EXPECT_THAT(said.take(), ElementsAre("show video 40 came 10040", "rung 0 40", "show paused"));
  entrance.on_resumed();
  entrance.on_ended();
  EXPECT_THAT(said.take(), ElementsAre("show resumed", "code ended", "show ended"));
}

TEST_F(EntranceTest, a_publisher_who_comes_back_while_the_coders_are_emptied_is_not_waited_for) {
  go_on_encoded();
  entrance.on_paused();
  said.take();
  entrance.on_resumed();
  coded(40ms);
  entrance.on_drained();
  EXPECT_THAT(said.take(), ElementsAre("show paused", "show resumed"));
}

}  // namespace
}  // namespace klieg::transcoder
