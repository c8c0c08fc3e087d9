// Rungs that come back late, in bits, or not at all: cut where the source was cut, and nothing of the source changes.
#include "packager/rungs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

#include "base/random.h"
#include "packager/laws.h"
#include "packager/testing.h"

namespace klieg::packager {
namespace {

using namespace testing_words;
using media::Presence;
using media::TrackKind;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// What a transcoder is told, kept until the test lets rungs be made of it.
struct Source final : media::SourceSink {
  void on_source_track(const media::Track& track) override {
    told.push_back(fmt::format("track {}", media::name_of(track.kind)));
  }
  void on_source_period(MediaTime start) override { told.push_back(fmt::format("period {}", in_ms(start))); }
  void on_source_sample(TrackKind kind, const media::Sample& sample) override {
    samples.emplace_back(kind, sample);
    ++given;
    if (on_sample) on_sample();
  }
  void on_source_paused() override { told.emplace_back("paused"); }
  void on_source_ended() override { told.emplace_back("ended"); }

  std::vector<std::string> told;
  std::deque<std::pair<TrackKind, media::Sample>> samples;
  size_t given = 0;
  std::function<void()> on_sample;
};

media::Rung rung(std::string name, TrackKind kind = TrackKind::video) {
  return {.name = std::move(name), .kind = kind, .bits_per_second = 1'000'000};
}

media::Track track_of(TrackKind kind) {
  media::Track track;
  track.kind = kind;
  if (kind == TrackKind::video) {
    track.decoder_config = Bytes::copy_of("avcC");
    track.video = {.width = 320, .height = 180, .frame_rate = 25};
  } else {
    track.codec = media::Codec::aac;
    track.decoder_config = Bytes::copy_of("\x11\x90");
    track.audio = {.sample_rate = 48'000, .channels = 2, .samples_per_frame = 1024};
  }
  return track;
}

// A studio of 25 fps with a key frame a second, and a coder that copies.
struct Ladder : ::testing::Test {
  Ladder() { packager.tell_source_to(source); }
  void ladder(const std::vector<media::Rung>& rungs) {
    rungs_ = rungs;
    packager.rungs().on_ladder(rungs);
  }
  void tracks() {
    for (size_t i = 0; i < rungs_.size(); ++i)
      packager.rungs().on_rung_track(static_cast<media::RungId>(i), track_of(rungs_[i].kind));
  }
  void video_track() {
    video = track_of(TrackKind::video);
    packager.on_track(video);
  }
  void frame(int at_ms) {
    media::Sample sample;
    sample.decode_time = MediaTime(Duration(1ms) * at_ms);
    sample.sync = at_ms % 1000 == 0 ? key : delta;
    sample.content = Bytes::copy_of(fmt::format("v{}", at_ms));
    packager.on_sample(TrackKind::video, sample, wall_zero + Duration(1ms) * at_ms);
  }
  void frames(int from_ms, int to_ms) {
    for (int at = from_ms; at < to_ms; at += 40) frame(at);
  }
  // Gives every rung the source samples before `until_ms`.
  void code(int until_ms) {
    while (!source.samples.empty() &&
           source.samples.front().second.presentation_time() < MediaTime(Duration(1ms) * until_ms)) {
      const auto [kind, sample] = source.samples.front();
      source.samples.pop_front();
      for (size_t i = 0; i < rungs_.size(); ++i) {
        if (rungs_[i].kind == kind) packager.rungs().on_rung_sample(static_cast<media::RungId>(i), sample);
      }
    }
  }
  std::vector<std::string> lines(std::string_view beginning) const {
    std::vector<std::string> found;
    for (const std::string& line : recorder.lines) {
      if (line.starts_with(beginning)) found.push_back(line);
    }
    return found;
  }
  void expect_laws() {
    Laws laws;
    laws.check(recorder.records);
    EXPECT_EQ(laws.broken(), "");
  }

  Recorder recorder;
  Source source;
  Packager packager{{.broadcast_id = "id"}, recorder};
  media::Track video;
  std::vector<media::Rung> rungs_;
};

TEST_F(Ladder, the_source_is_told_before_the_broadcast_begins_and_each_sample_once) {
  video_track();
  EXPECT_THAT(source.told, ElementsAre("track video"));
  EXPECT_THAT(recorder.lines, IsEmpty());
  frames(0, 1960);
  EXPECT_THAT(source.told, ElementsAre("track video", "period 0"));
  EXPECT_EQ(source.samples.size(), 49u);
  packager.on_paused();
  packager.on_ended();
  EXPECT_THAT(source.told, ElementsAre("track video", "period 0", "paused", "ended"));
}

TEST_F(Ladder, what_is_to_be_expected_is_announced_before_the_first_period_and_headers_come_before_segments) {
  video_track();
  ladder({rung("720p"), rung("240p")});
  tracks();
  frames(0, 1080);
  const std::vector<std::string> beginning(recorder.lines.begin(), recorder.lines.begin() + 8);
  EXPECT_THAT(beginning, ElementsAre("broadcast id.1 grid 1000 target 1 part 201", "live", "announced video 720p 240p",
                                     "period 0 first msn 0 at 0 wall 1000000", "header video 0", "header 720p 0",
                                     "header 240p 0", "segment video 0 at 0 period 0"));
  expect_laws();
}

TEST_F(Ladder, without_a_ladder_nothing_is_announced) {
  video_track();
  frames(0, 5000);
  packager.on_ended();
  EXPECT_THAT(lines("announced"), IsEmpty());
  EXPECT_THAT(recorder.names, ElementsAre("video"));
}

TEST_F(Ladder, a_rung_is_cut_where_the_source_was_and_ends_with_the_sample_that_reaches_the_cut) {
  video_track();
  ladder({rung("240p")});
  tracks();
  frames(0, 2040);
  EXPECT_THAT(lines("segment 240p"), IsEmpty());
  code(1000);  // all of the first segment, nothing of the second
  EXPECT_THAT(lines("segment 240p"), ElementsAre("segment 240p 0 at 0 period 0"));
  EXPECT_THAT(lines("end 240p"), ElementsAre("end 240p 0 1000"));
  code(1040);
  EXPECT_THAT(lines("segment 240p").back(), "segment 240p 1 at 1000 period 0");
  expect_laws();
}

// As where the broadcast itself is made by the worker that makes the rungs: each frame of it is followed by theirs.
TEST_F(Ladder, what_comes_while_the_first_period_is_awaited_waits_too_and_the_first_segment_is_whole) {
  video_track();
  ladder({rung("240p")});
  tracks();
  for (int at = 0; at < 2040; at += 40) {
    frame(at);
    media::Sample sample;
    sample.decode_time = MediaTime(Duration(1ms) * at);
    sample.duration = 40ms;
    sample.sync = at % 1000 == 0 ? key : delta;
    sample.content = Bytes::copy_of("r");
    packager.rungs().on_rung_sample(0, sample);
  }
  EXPECT_THAT(lines("end 240p"), ElementsAre("end 240p 0 1000", "end 240p 1 1000"));
  EXPECT_EQ(packager.rungs().counts().gaps, 0u);
  EXPECT_EQ(packager.rungs().counts().dropped_samples, 0u);
  expect_laws();
}

TEST_F(Ladder, headers_say_the_frame_rate_that_was_measured_where_none_is_told) {
  video = track_of(TrackKind::video);
  video.video.frame_rate = 0;
  packager.on_track(video);
  rungs_ = {rung("240p"), rung("120p")};
  rungs_[1].frame_divisor = 2;
  ladder(rungs_);
  for (media::RungId id : {media::RungId{0}, media::RungId{1}}) packager.rungs().on_rung_track(id, video);
  frames(0, 2080);
  std::map<std::string, double> rates;
  for (const media::Record& record : recorder.records) {
    if (const auto* header = std::get_if<media::HeaderBorn>(&record))
      rates[header->name] = header->info.video.frame_rate;
  }
  EXPECT_EQ(rates, (std::map<std::string, double>{{"video", 25}, {"240p", 25}, {"120p", 12.5}}));
}

TEST_F(Ladder, what_comes_early_without_end_is_bounded) {
  ladder({rung("240p")});
  tracks();
  media::Sample sample;
  sample.duration = 1ms;
  for (size_t i = 0; i < rung_early_max + 10; ++i) {
    sample.decode_time += 1ms;
    packager.rungs().on_rung_sample(0, sample);
  }
  EXPECT_EQ(packager.rungs().counts().dropped_samples, 10u);
}

TEST_F(Ladder, audio_is_cut_at_the_frame_nearest_the_cut) {
  video_track();
  packager.on_track(track_of(TrackKind::audio));
  ladder({rung("audio-64k", TrackKind::audio)});
  tracks();
  int64_t sound = 0;
  for (int at = 0; at < 3200; at += 40) {
    for (; from_ticks(sound * 1024, 48'000) <= Duration(1ms) * at; ++sound) {
      media::Sample sample;
      sample.decode_time = MediaTime(from_ticks(sound * 1024, 48'000));
      sample.sync = key;
      sample.content = Bytes::copy_of("a");
      packager.on_sample(TrackKind::audio, sample, wall_zero);
    }
    frame(at);
    code(at - 200);
  }
  EXPECT_THAT(lines("end audio-64k"), ElementsAre("end audio-64k 0 1002.667", "end audio-64k 1 1002.667"));
  EXPECT_THAT(lines("segment audio-64k 1"), ElementsAre("segment audio-64k 1 at 1002.667 period 0"));
  expect_laws();
}

TEST_F(Ladder, a_rung_said_to_be_a_gap_has_gaps_when_the_source_ends_its_segments_and_comes_back) {
  video_track();
  ladder({rung("720p")});
  tracks();
  frames(0, 1080);
  code(1080);
  packager.rungs().on_rung_presence(0, Presence::gap, MediaTime(2s));
  frames(1080, 3000);
  code(2000);
  source.samples.clear();
  EXPECT_THAT(lines("end 720p"), ElementsAre("end 720p 0 1000", "end 720p 1 1000"));
  frames(3000, 3080);  // the source ends segment 2
  EXPECT_THAT(lines("segment 720p").back(), "segment 720p 2 at 2000 period 0");
  EXPECT_THAT(lines("end 720p").back(), "end 720p 2 1000 gap");
  EXPECT_THAT(lines("part 720p 2"), IsEmpty());
  packager.rungs().on_rung_presence(0, Presence::media, MediaTime(4s));
  frames(3080, 5080);
  code(5080);
  EXPECT_THAT(lines("end 720p"), ElementsAre("end 720p 0 1000", "end 720p 1 1000", "end 720p 2 1000 gap",
                                             "end 720p 3 1000 gap", "end 720p 4 1000"));
  expect_laws();
}

TEST_F(Ladder, a_rung_too_far_behind_has_gaps_until_it_has_caught_up_and_its_late_samples_are_dropped) {
  video_track();
  ladder({rung("720p")});
  tracks();
  frames(0, 2000);
  code(1400);
  frames(2000, 4360);  // 2.96 s ahead
  EXPECT_THAT(lines("end 720p"), ElementsAre("end 720p 0 1000"));
  frames(4360, 4560);
  EXPECT_THAT(lines("end 720p"),
              ElementsAre("end 720p 0 1000", "end 720p 1 1000 gap", "end 720p 2 1000 gap", "end 720p 3 1000 gap"));
  EXPECT_EQ(packager.rungs().counts().dropped_samples, 0u);
  code(4000);
  EXPECT_EQ(packager.rungs().counts().dropped_samples, 65u);
  frames(4560, 6080);
  code(6080);  // 1 s behind where it returns
  EXPECT_THAT(lines("end 720p").back(), "end 720p 5 1000");
  EXPECT_EQ(packager.rungs().counts().gaps, 4u);
  expect_laws();
}

TEST_F(Ladder, a_segment_with_media_missing_in_it_is_a_gap_and_the_next_is_not) {
  video_track();
  ladder({rung("720p")});
  tracks();
  frames(0, 2000);
  code(1200);
  while (source.samples.front().second.presentation_time() < MediaTime(1800ms)) source.samples.pop_front();
  frames(2000, 3080);
  code(3080);
  EXPECT_THAT(lines("end 720p"), ElementsAre("end 720p 0 1000", "end 720p 1 1000 gap", "end 720p 2 1000"));
  expect_laws();
}

TEST_F(Ladder, the_end_of_a_segment_may_come_after_a_pause_and_its_period_is_still_its_own) {
  video_track();
  ladder({rung("720p")});
  tracks();
  frames(0, 1600);
  code(1400);
  packager.on_paused();
  code(9999);  // what was in the coders
  EXPECT_THAT(lines("end"), ElementsAre("end video 0 1000", "end 720p 0 1000", "end video 1 600", "end 720p 1 600"));
  packager.on_resumed();
  packager.on_discontinuity(media::Discontinuity::publisher_returned, MediaTime(2s));
  frames(2000, 3080);
  code(9999);
  EXPECT_THAT(lines("segment 720p 2"), ElementsAre("segment 720p 2 at 2000 period 1"));
  expect_laws();
}

TEST_F(Ladder, what_never_came_before_a_pause_is_a_gap_and_the_end_shows_what_there_is) {
  video_track();
  ladder({rung("720p")});
  tracks();
  frames(0, 1600);
  code(1200);
  source.samples.clear();
  packager.on_paused();
  packager.on_resumed();
  packager.on_discontinuity(media::Discontinuity::publisher_returned, MediaTime(2s));
  frames(2000, 2600);
  code(2400);
  EXPECT_THAT(lines("end 720p"), ElementsAre("end 720p 0 1000", "end 720p 1 600 gap"));
  packager.on_ended();
  EXPECT_THAT(lines("end 720p").back(), "end 720p 2 400");
  EXPECT_EQ(recorder.lines.back(), "ended");
  expect_laws();
}

TEST_F(Ladder, a_rung_that_is_named_later_joins_at_the_next_cut_and_one_no_longer_named_has_gaps) {
  video_track();
  ladder({rung("720p")});
  tracks();
  frames(0, 1400);
  code(1400);
  ladder({rung("240p")});
  tracks();
  frames(1400, 3080);
  code(3080);
  EXPECT_THAT(lines("announced"), ElementsAre("announced video 720p", "announced video", "announced video 240p"));
  EXPECT_THAT(lines("end 720p"), ElementsAre("end 720p 0 1000", "end 720p 1 1000 gap", "end 720p 2 1000 gap"));
  EXPECT_THAT(lines("end 240p"), ElementsAre("end 240p 2 1000"));
  expect_laws();
}

TEST_F(Ladder, a_ladder_whose_headers_do_not_come_is_not_waited_for) {
  video_track();
  ladder({rung("720p"), rung("240p")});
  packager.rungs().on_rung_track(1, track_of(TrackKind::video));
  frames(0, 3000);
  EXPECT_THAT(lines("announced"), ElementsAre("announced video 720p 240p"));
  frames(3000, 3240);
  EXPECT_THAT(lines("announced").back(), "announced video 240p");
  packager.rungs().on_rung_track(0, track_of(TrackKind::video));
  EXPECT_THAT(lines("announced").back(), "announced video 720p 240p");
  frames(3240, 5080);  // neither has been heard of for longer than a rung may lag
  while (source.samples.front().second.presentation_time() < MediaTime(4s)) source.samples.pop_front();
  code(5080);
  EXPECT_THAT(lines("end 720p").back(), "end 720p 4 1000");
  expect_laws();
}

TEST_F(Ladder, a_ladder_that_is_not_there_after_all_is_announced_away) {
  video_track();
  ladder({rung("720p")});
  frames(0, 1080);
  ladder({});
  EXPECT_THAT(lines("announced"), ElementsAre("announced video 720p", "announced video"));
}

TEST_F(Ladder, a_rung_of_half_the_frame_rate_ends_with_the_source) {
  video_track();
  ladder({rung("240p")});
  tracks();
  // 25 frames a second, 13 of them coded: the last one lasts one frame, not two.
  for (int at = 0; at < 3080; at += 40) {
    frame(at);
    for (; !source.samples.empty(); source.samples.pop_front()) {
      media::Sample sample = source.samples.front().second;
      if (sample.presentation_time() > MediaTime(Duration(1ms) * (at - 400))) break;
      sample.duration = 80ms;
      const auto ms = to_ms(sample.presentation_time().time_since_epoch());
      if ((ms % 1000) % 80 == 0) packager.rungs().on_rung_sample(0, sample);
    }
  }
  EXPECT_THAT(lines("end 240p"), ElementsAre("end 240p 0 1000", "end 240p 1 1000"));
  EXPECT_EQ(packager.rungs().counts().gaps, 0u);
  expect_laws();
}

TEST_F(Ladder, a_picture_is_a_record_once_the_broadcast_has_begun_unless_it_is_absurd) {
  media::Picture picture{.jpeg = Bytes::copy_of("jpeg")};
  packager.rungs().on_picture(picture);
  EXPECT_THAT(recorder.lines, IsEmpty());
  video_track();
  frames(0, 1080);
  packager.rungs().on_picture(picture);
  picture.jpeg = Bytes::take(std::string(poster_size_max + 1, 'x'));
  packager.rungs().on_picture(picture);
  EXPECT_THAT(lines("picture"), ElementsAre("picture at 0"));
}

// A broadcast with pauses, jumps, new formats and stalls, under a ladder of coders that are late, in bits, dead for a
// while, or mad.
struct Erratic {
  Recorder recorder;
  Source source;
  Packager packager{{.broadcast_id = "id"}, recorder};
  Random random;
  std::vector<media::Rung> rungs;
  std::vector<std::deque<media::Sample>> coded;  // by rung: what its coder has not given back
  explicit Erratic(uint64_t seed) : random(seed) { packager.tell_source_to(source); }

  void take_source() {
    for (auto& [kind, sample] : source.samples) {
      for (size_t i = 0; i < rungs.size(); ++i) {
        if (rungs[i].kind == kind) coded[i].push_back(sample);
      }
    }
    source.samples.clear();
  }
  void give(size_t i, bool mad) {
    for (uint64_t count = random.below(20); count > 0 && !coded[i].empty(); --count) {
      media::Sample sample = std::move(coded[i].front());
      coded[i].pop_front();
      if (mad) {
        if (random.below(4) == 0) continue;
        sample.decode_time += Duration(1ms) * random.below(2000) - 1s;
        sample.duration = Duration(1ms) * random.below(1500);
        if (random.below(3) == 0) sample.composition_offset = Duration(1ms) * random.below(12'000) - 6s;
      }
      packager.rungs().on_rung_sample(static_cast<media::RungId>(i), sample);
    }
  }
  void new_ladder() {
    const std::string names[] = {"720p", "480p", "240p"};
    rungs.clear();
    for (const std::string& name : names) {
      if (random.below(3) > 0) rungs.push_back(rung(name));
    }
    if (random.below(2) == 0) rungs.push_back(rung("audio-64k", TrackKind::audio));
    coded.assign(rungs.size(), {});
    packager.rungs().on_ladder(rungs);
  }
  void play(int steps) {
    media::Track tracks[2] = {track_of(TrackKind::video), track_of(TrackKind::audio)};
    packager.on_track(tracks[random.below(2)]);
    Duration now[2] = {};
    const uint64_t key_every = 1 + random.below(60);
    const uint64_t calm = 1 + random.below(400);
    const bool mad = random.below(4) == 0;
    const uint64_t pace = 1 + random.below(40);
    for (int i = 0; i < steps; ++i) {
      const size_t kind = random.below(2);
      now[kind] +=
          random.below(calm) == 0 ? Duration(1ms) * random.below(3000) : Duration(1ms) * (5 + random.below(60));
      const uint64_t event = random.below(400);
      if (event == 0) packager.on_track(tracks[random.below(2)]);
      if (event == 1) packager.on_discontinuity(media::Discontinuity::timestamp_jump, MediaTime(now[0]));
      if (event == 2) packager.on_paused();
      if (event == 3) packager.on_resumed();
      if (event == 4) {
        tracks[0].video.width += 2;
        packager.on_track(tracks[0]);
      }
      if (event == 5) now[0] = now[1] = std::max(now[0], now[1]);
      if (event == 6) packager.on_track(tracks[1]);
      if (event == 7 || i == 10) new_ladder();
      if (event < 30 && event > 20 && !rungs.empty()) {
        const auto id = static_cast<media::RungId>(random.below(rungs.size()));
        media::Track track = track_of(rungs[id].kind);
        track.video.width += static_cast<uint32_t>(2 * random.below(2));
        packager.rungs().on_rung_track(id, track);
      }
      if (event == 30) {
        packager.rungs().on_rung_presence(static_cast<media::RungId>(random.below(4)),
                                          random.below(2) == 0 ? Presence::gap : Presence::media,
                                          MediaTime(now[0] + Duration(1ms) * random.below(4000) - 2s));
      }
      take_source();
      if (random.below(pace) == 0 && !rungs.empty()) give(random.below(rungs.size()), mad);
      media::Sample sample;
      sample.decode_time = MediaTime(now[kind]);
      sample.composition_offset = Duration(1ms) * random.below(60);
      sample.sync = random.below(key_every) == 0 ? key : delta;
      sample.content = Bytes::copy_of("x");
      packager.on_sample(kind == 0 ? TrackKind::video : TrackKind::audio, sample, wall_zero + now[kind]);
    }
    packager.on_ended();
  }
};

RC_GTEST_PROP(Rungs, the_laws_hold_whatever_rungs_do, ()) {
  const int steps = *rc::gen::inRange(50, 1200);
  Erratic erratic(*rc::gen::arbitrary<uint64_t>());
  erratic.play(steps);
  Laws laws;
  laws.check(erratic.recorder.records);
  RC_ASSERT(laws.broken() == "");
  // Where a rung has a segment it is the same one as the source's.
  std::map<media::Msn, uint32_t> periods;
  for (const auto& [id, track] : laws.tracks()) {
    for (const media::SegmentBegun& begun : track.begins) {
      RC_ASSERT(periods.emplace(begun.msn, begun.period).first->second == begun.period);
    }
  }
}

// Delays of any kind below the bound, in any interleaving of the rungs.
RC_GTEST_PROP(Rungs, a_rung_without_gaps_has_every_sample_once_at_the_times_of_the_source, ()) {
  const auto delay = Duration(1ms) * *rc::gen::inRange(0, 2000);
  const int seconds = *rc::gen::inRange(3, 12);
  const int key_every = *rc::gen::element(5, 10, 25, 50);
  Random random(*rc::gen::arbitrary<uint64_t>());

  Recorder recorder;
  Source source;
  Packager packager({.broadcast_id = "id"}, recorder);
  packager.tell_source_to(source);
  packager.on_track(track_of(TrackKind::video));
  packager.on_track(track_of(TrackKind::audio));
  packager.rungs().on_ladder({rung("720p"), rung("240p"), rung("audio-64k", TrackKind::audio)});
  for (media::RungId i = 0; i < 3; ++i) {
    packager.rungs().on_rung_track(i, track_of(i == 2 ? TrackKind::audio : TrackKind::video));
  }
  std::deque<media::Sample> coders[3];
  const auto code = [&](MediaTime until) {
    for (auto& [kind, sample] : source.samples) {
      if (kind == TrackKind::audio) coders[2].push_back(sample);
      if (kind == TrackKind::video) coders[0].push_back(sample), coders[1].push_back(sample);
    }
    source.samples.clear();
    for (int turns = 0; turns < 12; ++turns) {
      const auto i = static_cast<media::RungId>(random.below(3));
      while (!coders[i].empty() && coders[i].front().presentation_time() < until && random.below(5) > 0) {
        packager.rungs().on_rung_sample(i, coders[i].front());
        coders[i].pop_front();
      }
    }
  };
  int64_t sound = 0;
  for (int i = 0; i < seconds * 25; ++i) {
    const auto at = Duration(40ms) * i;
    for (; from_ticks(sound * 1024, 48'000) <= at; ++sound) {
      media::Sample sample;
      sample.decode_time = MediaTime(from_ticks(sound * 1024, 48'000));
      sample.sync = key;
      sample.content = Bytes::copy_of(fmt::format("a{}", sound));
      packager.on_sample(TrackKind::audio, sample, wall_zero + at);
    }
    media::Sample sample;
    sample.decode_time = MediaTime(at);
    sample.sync = i % key_every == 0 ? key : delta;
    sample.content = Bytes::copy_of(fmt::format("v{}", i));
    packager.on_sample(TrackKind::video, sample, wall_zero + at);
    code(MediaTime(at) - delay);
  }
  packager.on_paused();
  for (int turns = 0; turns < 1000; ++turns) code(MediaTime::max());
  packager.on_ended();

  Laws laws;
  laws.check(recorder.records);
  RC_ASSERT(laws.broken() == "");
  RC_ASSERT(packager.rungs().counts().gaps == 0u);
  RC_ASSERT(packager.rungs().counts().dropped_samples == 0u);
  const auto named = [&](std::string_view name) {
    for (const auto& [id, track] : laws.tracks()) {
      if (track.name == name) return track;
    }
    return PackagedTrack{};
  };
  for (const auto& [from, to] :
       {std::pair{"video", "720p"}, std::pair{"video", "240p"}, std::pair{"audio", "audio-64k"}}) {
    const PackagedTrack original = named(from);
    const PackagedTrack made = named(to);
    RC_ASSERT(made.samples.size() == original.samples.size());
    for (size_t i = 0; i < made.samples.size(); ++i) {
      RC_ASSERT(made.samples[i].content == original.samples[i].content);
      RC_ASSERT(made.samples[i].decode_ticks == original.samples[i].decode_ticks);
    }
    RC_ASSERT(made.begins.size() == original.begins.size());
    for (size_t i = 0; i < made.begins.size(); ++i) {
      RC_ASSERT(made.begins[i].msn == original.begins[i].msn);
      RC_ASSERT(made.begins[i].period == original.begins[i].period);
      RC_ASSERT(in_ms(made.begins[i].start) == in_ms(original.begins[i].start));
    }
    RC_ASSERT(made.segment_durations == original.segment_durations);
  }
}

}  // namespace
}  // namespace klieg::packager
