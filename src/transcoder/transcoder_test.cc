#include "transcoder/transcoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/logging.h"
#include "base/random.h"
#include "transcoder/made_up_worker.h"

namespace klieg::transcoder {
namespace {

using namespace made_up;
using testing::ElementsAre;
using testing::IsEmpty;

// What workers die of here is no news.
const bool quiet = (logging::configure(logging::Level::error, logging::Format::text), true);

std::vector<std::string> names(const std::vector<media::Rung>& ladder) {
  std::vector<std::string> out;
  for (const media::Rung& rung : ladder) out.push_back(rung.name);
  return out;
}

// Every sample of the source came out of every rung, once and in order.
void expect_whole(const Stage& stage) {
  ASSERT_EQ(stage.out.ladder.size(), 3u);
  EXPECT_EQ(times_of(stage.out.samples[0]), stage.given[0]);
  EXPECT_EQ(times_of(stage.out.samples[1]), stage.given[0]);
  EXPECT_EQ(times_of(stage.out.samples[2]), stage.given[1]);
}

TEST(Transcoder, the_ladder_and_its_headers_are_there_before_the_first_sample) {
  Stage stage;
  stage.transcoder.on_source_track(stage.now, picture_track);
  stage.transcoder.on_source_track(stage.now, sound_track);
  stage.on_time();
  EXPECT_THAT(names(stage.out.ladder), ElementsAre("480p", "240p", "audio-64k"));
  EXPECT_EQ(stage.out.ladders, 1) << "tracks that come together make one ladder";
  stage.work();
  EXPECT_EQ(stage.out.tracks, 3);
  EXPECT_GT(stage.port.granted, 0);
}

TEST(Transcoder, every_sample_comes_out_of_every_rung) {
  Stage stage;
  stage.begin();
  stage.frames_for(5s);
  expect_whole(stage);
  EXPECT_THAT(stage.out.gaps(), IsEmpty());
}

TEST(Transcoder, a_worker_that_dies_is_replaced_at_once_and_nothing_is_lost_or_doubled) {
  Stage stage;
  stage.begin();
  stage.frames_for(2s);
  for (int i = 0; i < 10; ++i) stage.frame(1);  // it falls behind
  stage.lose_worker();
  EXPECT_EQ(stage.port.asked, 2);
  stage.frames_for(2s);
  expect_whole(stage);
  EXPECT_THAT(stage.out.gaps(), IsEmpty());
  EXPECT_EQ(stage.out.tracks, 3) << "the same headers are not told again";
}

RC_GTEST_PROP(TranscoderProperty, whenever_workers_die_nothing_is_lost_or_doubled, ()) {
  Stage stage;
  stage.key_frames = *rc::gen::inRange(1, 60);
  stage.begin();
  // Four deaths in 30 s are replaced at once, each at any message; the worker may be any way behind.
  const auto deaths = *rc::gen::container<std::vector<int>>(4, rc::gen::inRange(0, 400));
  for (const int messages : deaths) {
    for (int rest = messages; rest > 0;) {
      const auto pace = *rc::gen::inRange<size_t>(1, 7);  // three messages come with each frame
      stage.frame(pace);
      rest -= static_cast<int>(pace);
      if (stage.port.worker->heard.size() > 30) stage.work(20);  // so far behind that a rung would be shed
    }
    stage.lose_worker();
  }
  stage.frames_for(1s);
  RC_ASSERT(stage.transcoder.counts().shed == 0u);
  RC_ASSERT(times_of(stage.out.samples[0]) == stage.given[0]);
  RC_ASSERT(times_of(stage.out.samples[1]) == stage.given[0]);
  RC_ASSERT(times_of(stage.out.samples[2]) == stage.given[1]);
  RC_ASSERT(stage.out.gaps().empty());
}

TEST(Transcoder, what_comes_twice_is_dropped) {
  Stage stage;
  stage.begin();
  stage.frames_for(1s);
  const size_t before = stage.out.samples[0].size();
  stage.transcoder.on_message(stage.now, codec::RungSample{1, 0, stage.out.samples[0].back()});
  EXPECT_EQ(stage.out.samples[0].size(), before);
  EXPECT_EQ(stage.transcoder.counts().doubled, 1u);
}

TEST(Transcoder, a_worker_that_is_silent_for_a_second_with_samples_waiting_has_hung) {
  Stage stage;
  stage.begin();
  stage.frames_for(1s);
  stage.pass(5s);
  EXPECT_THAT(stage.port.ended, IsEmpty()) << "with nothing to do it may be silent";
  stage.frame(0);
  stage.pass(990ms - 40ms);
  EXPECT_THAT(stage.port.ended, IsEmpty());
  stage.pass(10ms);
  EXPECT_THAT(stage.port.ended, ElementsAre(WorkerEnd::hung));
  stage.frames_for(1s);
  expect_whole(stage);
}

TEST(Transcoder, a_worker_that_turns_in_a_circle_has_hung) {
  Stage stage;
  stage.begin();
  stage.frames_for(1s);
  stage.frame(0);
  stage.port.used += 1s;
  stage.pass(1s);
  EXPECT_THAT(stage.port.ended, ElementsAre(WorkerEnd::hung));
}

TEST(Transcoder, a_worker_that_the_machine_starves_has_not_hung) {
  Stage stage;
  stage.begin();
  stage.frames_for(1s);
  stage.frame(0);
  for (int i = 0; i < 3; ++i) {
    stage.port.used += 10ms;
    stage.pass(500ms);
  }
  EXPECT_THAT(stage.port.ended, IsEmpty());
  stage.frames_for(1s);
  EXPECT_EQ(stage.port.asked, 1);
  expect_whole(stage);
}

TEST(Transcoder, a_worker_that_is_starved_for_longer_than_the_lag_that_is_borne_is_let_go) {
  Stage stage;
  stage.begin();
  stage.frames_for(1s);
  stage.frame(0);
  for (int i = 0; i < 4; ++i) {
    stage.port.used += 10ms;
    stage.pass(500ms);
  }
  EXPECT_THAT(stage.port.ended, ElementsAre(WorkerEnd::let_go));
  EXPECT_EQ(stage.out.gaps().size(), 3u);
  EXPECT_EQ(stage.port.asked, 1) << "another one would be starved, too";
}

TEST(Transcoder, a_worker_that_never_answers_its_configuration_has_hung) {
  Stage stage;
  stage.transcoder.on_source_track(stage.now, picture_track);
  stage.pass(2999ms);
  EXPECT_THAT(stage.port.ended, IsEmpty());
  stage.pass(1ms);
  EXPECT_THAT(stage.port.ended, ElementsAre(WorkerEnd::hung));
  EXPECT_EQ(stage.port.asked, 2);
}

TEST(Transcoder, a_worker_that_talks_nonsense_is_ended_and_replaced) {
  const codec::FromWorker nonsense[] = {
      codec::RungTrack{0, picture_track},                          // nothing was configured
      codec::Configured{},                                         // again
      codec::RungSample{1, 9, {}},                                 // no such rung
      codec::RungSample{7, 0, {}},                                 // a generation to come
      codec::RungSample{1, 0, {.decode_time = MediaTime(9000s)}},  // far in the future
      codec::Progress{7, {}, {}, {}},
  };
  for (const codec::FromWorker& message : nonsense) {
    Stage stage;
    stage.begin();
    stage.frames_for(1s);
    stage.transcoder.on_message(stage.now, message);
    EXPECT_THAT(stage.port.ended, ElementsAre(WorkerEnd::broken)) << message.index();
    stage.frames_for(1s);
    expect_whole(stage);
  }
}

TEST(Transcoder, after_five_deaths_in_30_s_the_ladder_rests_and_then_comes_back) {
  Stage stage;
  stage.begin();
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(stage.out.gaps(), IsEmpty());
    stage.frames_for(2s);
    stage.lose_worker();
  }
  EXPECT_FALSE(stage.port.worker);
  EXPECT_EQ(stage.out.gaps().size(), 3u);
  stage.frames_for(9s + 960ms);
  EXPECT_FALSE(stage.port.worker);
  const size_t before = stage.out.samples[0].size();
  stage.frames_for(1s);
  EXPECT_TRUE(stage.port.worker);
  EXPECT_THAT(stage.out.gaps(), IsEmpty());
  stage.frames_for(2s);
  ASSERT_GT(stage.out.samples[0].size(), before + 20) << "media again, from a key frame on";
  EXPECT_EQ(stage.out.samples[0][before].sync, media::Sync::yes);
  EXPECT_GE(stage.out.samples[0][before].decode_time, stage.out.presence_from);
}

TEST(Transcoder, where_no_worker_can_be_had_the_rests_grow) {
  Stage stage;
  stage.port.available = 0;
  stage.begin();
  EXPECT_EQ(stage.port.asked, 5);
  EXPECT_EQ(stage.out.gaps().size(), 3u);
  stage.frames_for(11s);
  EXPECT_EQ(stage.port.asked, 10);
  stage.frames_for(11s);
  EXPECT_EQ(stage.port.asked, 10) << "the second rest lasts 20 s";
  stage.frames_for(10s);
  EXPECT_EQ(stage.port.asked, 15);
}

TEST(Transcoder, a_machine_without_room_refuses_the_ladder_not_the_broadcast) {
  Stage stage;
  stage.port.room = 0.01;
  stage.begin();
  stage.frames_for(1s);
  EXPECT_EQ(stage.out.ladders, 1);
  EXPECT_THAT(stage.out.ladder, IsEmpty());
  EXPECT_EQ(stage.port.asked, 0);
}

TEST(Transcoder, a_source_that_cannot_be_decoded_has_no_ladder) {
  Stage stage;
  stage.transcoder.on_source_track(stage.now, picture_track);
  stage.on_time();
  stage.transcoder.on_message(stage.now, codec::Refused{"a profile that no decoder knows"});
  EXPECT_THAT(stage.out.ladder, IsEmpty());
  EXPECT_THAT(stage.port.ended, ElementsAre(WorkerEnd::let_go));
  EXPECT_EQ(stage.port.granted, 0);
  stage.frames_for(1s);
  EXPECT_EQ(stage.port.asked, 1);
}

// What the worker says of the generation that it was given last.
void say_undecodable(Stage& stage, uint32_t generation, TrackKind kind) {
  stage.transcoder.on_message(stage.now, codec::Undecodable{generation, kind, "nothing comes of it"});
}

TEST(Transcoder, of_pictures_that_nothing_comes_of_no_rungs_are_made_and_sound_goes_on) {
  Stage stage;
  stage.begin();
  stage.frames_for(1s);
  say_undecodable(stage, 1, TrackKind::video);
  EXPECT_THAT(names(stage.out.ladder), ElementsAre("audio-64k"));
  EXPECT_EQ(stage.transcoder.counts().undecodable, 1u);
  say_undecodable(stage, 1, TrackKind::video);
  EXPECT_EQ(stage.transcoder.counts().undecodable, 1u) << "of a ladder that is no more";
  stage.out.samples.assign(1, {});
  stage.frames_for(1s);
  EXPECT_EQ(stage.out.samples[0].size(), 50u);
  EXPECT_THAT(stage.port.ended, IsEmpty());
  say_undecodable(stage, 2, TrackKind::audio);
  EXPECT_THAT(stage.out.ladder, IsEmpty());
  EXPECT_THAT(stage.port.ended, ElementsAre(WorkerEnd::let_go));
  EXPECT_EQ(stage.port.granted, 0);
  stage.frames_for(1s);
  EXPECT_EQ(stage.port.asked, 1);
}

TEST(Transcoder, what_could_not_be_decoded_is_tried_again_when_its_publisher_comes_again_or_another_format) {
  Stage stage;
  stage.begin();
  stage.frames_for(1s);
  say_undecodable(stage, 1, TrackKind::video);
  stage.transcoder.on_source_period(stage.now, stage.at);
  EXPECT_THAT(names(stage.out.ladder), ElementsAre("audio-64k")) << "its clock jumped, no more";
  stage.transcoder.on_source_paused(stage.now);
  stage.transcoder.on_source_period(stage.now, stage.at);
  EXPECT_EQ(stage.out.ladder.size(), 3u);
  stage.frames = 0;
  stage.frames_for(1s);
  say_undecodable(stage, 2, TrackKind::video);
  media::Track another = picture_track;
  another.codecs = "avc1.64002a";
  stage.transcoder.on_source_track(stage.now, another);
  stage.on_time();
  EXPECT_EQ(stage.out.ladder.size(), 3u);
}

TEST(Transcoder, a_worker_that_speaks_of_what_it_was_not_given_is_broken) {
  Stage stage;
  stage.begin();
  stage.frames_for(1s);
  say_undecodable(stage, 7, TrackKind::video);
  EXPECT_THAT(stage.port.ended, ElementsAre(WorkerEnd::broken));
}

TEST(Transcoder, a_ladder_for_the_first_viewer_is_listed_and_made_when_one_comes) {
  Stage stage({.broadcast = "test", .rungs = *parse_rungs("480p,240p,audio"), .start = Start::first_viewer});
  stage.begin();
  stage.frames_for(3s + 480ms);
  EXPECT_EQ(stage.out.tracks, 3);
  EXPECT_EQ(stage.out.gaps().size(), 3u);
  EXPECT_EQ(stage.port.worker->taken["SourceSample"], 0) << "nothing is decoded for nobody";
  stage.transcoder.want(stage.now);
  EXPECT_THAT(stage.out.gaps(), IsEmpty());
  stage.frames_for(2s);
  ASSERT_FALSE(stage.out.samples[0].empty());
  EXPECT_EQ(stage.out.samples[0][0].decode_time, MediaTime(4s)) << "the first key frame after";
}

TEST(Transcoder, a_new_format_is_configured_and_rungs_keep_what_their_names_had) {
  Stage stage;
  stage.begin();
  stage.frames_for(2s);
  media::Track smaller = picture_track;
  smaller.video.width = 640;
  smaller.video.height = 360;
  stage.transcoder.on_source_track(stage.now, smaller);
  stage.frames = 0;  // a period begins with a key frame
  stage.transcoder.on_source_period(stage.now, stage.at);
  EXPECT_THAT(names(stage.out.ladder), ElementsAre("240p", "audio-64k"));
  stage.frames_for(1s);
  EXPECT_EQ(stage.port.worker->taken["Configure"], 2);
  EXPECT_EQ(stage.port.asked, 1) << "the same worker goes on";
  EXPECT_EQ(stage.out.samples[0].back().decode_time, stage.given[0].back());
}

media::Track as_hevc(media::Track track) {
  track.codec = media::Codec::hevc;
  return track;
}

TEST(Transcoder, another_top_has_the_ladder_and_its_headers_told_again_even_if_it_is_the_same) {
  Stage stage;
  stage.transcoder.set_top(stage.now, TopRung::none);
  stage.begin(as_hevc(picture_track));
  stage.frames_for(1s);
  const std::vector<media::Rung> ladder = stage.out.ladder;
  stage.transcoder.set_top(stage.now, TopRung::source);
  stage.frames_for(2s);
  EXPECT_EQ(stage.out.ladder, ladder) << "HEVC cannot stand above it either way";
  EXPECT_EQ(stage.out.ladders, 2);
  EXPECT_EQ(stage.out.tracks, 6);
  EXPECT_EQ(times_of(stage.out.samples[1]).back(), stage.given[0].back());
}

TEST(Transcoder, a_rung_that_keeps_its_name_in_another_ladder_tells_its_header_again) {
  Stage stage;
  stage.begin();
  stage.frames_for(1s);
  media::Track smaller = picture_track;
  smaller.video.width = 640;
  smaller.video.height = 360;
  stage.transcoder.on_source_track(stage.now, smaller);
  stage.frames = 0;
  stage.transcoder.on_source_period(stage.now, stage.at);
  stage.frames_for(1s);
  EXPECT_EQ(stage.out.ladder.size(), 2u);
  EXPECT_EQ(stage.out.tracks, 3 + 2) << "it may be the top now, which somebody else shows";
}

TEST(Transcoder, the_rung_that_is_the_broadcast_waits_for_no_viewer) {
  Stage stage({.broadcast = "test", .rungs = *parse_rungs("480p,240p,audio"), .start = Start::first_viewer});
  stage.transcoder.set_top(stage.now, TopRung::none);
  stage.begin(as_hevc(picture_track));
  stage.frames_for(2s);
  EXPECT_THAT(stage.out.gaps(), ElementsAre("240p", "audio-64k"));
  EXPECT_EQ(times_of(stage.out.samples[0]), stage.given[0]);
  EXPECT_THAT(stage.out.samples[1], IsEmpty());
}

TEST(Transcoder, a_period_begins_coding_anew) {
  Stage stage;
  stage.begin();
  stage.frames_for(1s);
  stage.at += 5s;
  stage.frames = 0;
  stage.transcoder.on_source_period(stage.now, stage.at);
  stage.frames_for(1s);
  EXPECT_EQ(stage.port.worker->taken["Begin"], 2);
  expect_whole(stage);
}

TEST(Transcoder, a_period_whose_video_goes_on_is_none_to_the_coders) {
  Stage stage;
  stage.begin();
  stage.frames_for(1s + 400ms);
  stage.transcoder.on_source_period(stage.now, stage.at);
  stage.frames_for(2s);
  EXPECT_EQ(stage.port.worker->taken["Begin"], 1);
  expect_whole(stage);
}

TEST(Transcoder, audio_that_joins_gets_its_rung_and_the_video_loses_nothing) {
  Stage stage;
  stage.transcoder.on_source_track(stage.now, picture_track);
  stage.on_time();
  stage.work();
  stage.transcoder.on_source_period(stage.now, stage.at);
  for (int i = 0; i < 35; ++i) {
    stage.give(TrackKind::video,
               {.decode_time = stage.at, .duration = 40ms, .sync = i % 25 ? media::Sync::no : media::Sync::yes});
    stage.at += 40ms;
    stage.pass(40ms);
    stage.work(i < 30 ? SIZE_MAX : 0);
  }
  stage.frames = 35;
  stage.transcoder.on_source_track(stage.now, sound_track);
  stage.transcoder.on_source_period(stage.now, stage.at);
  stage.frames_for(2s);
  EXPECT_EQ(stage.port.worker->taken["Begin"], 2);
  EXPECT_EQ(stage.port.asked, 1);
  expect_whole(stage);
}

TEST(Transcoder, a_pause_that_lasted_is_no_lag) {
  Stage stage;
  stage.begin();
  stage.frames_for(10s);
  stage.transcoder.on_source_paused(stage.now);
  stage.pass(60s);
  stage.at += 60s;
  stage.frames = 0;
  stage.transcoder.on_source_period(stage.now, stage.at);
  stage.frame(0);
  // The first frame may come out late: a worker then still says what was done before.
  stage.transcoder.on_message(stage.now, codec::Progress{2, MediaTime(10s), 1ms, 40ms});
  stage.frames_for(2s);
  EXPECT_THAT(stage.out.gaps(), IsEmpty());
}

TEST(Transcoder, rungs_that_were_shed_are_gaps_in_the_next_ladder_too) {
  Stage stage({.broadcast = "test", .rungs = *parse_rungs("480p,240p,audio"), .start = Start::first_viewer});
  stage.transcoder.on_source_track(stage.now, picture_track);
  stage.on_time();
  stage.work();
  EXPECT_THAT(stage.out.gaps(), ElementsAre("480p", "240p"));
  stage.transcoder.on_source_track(stage.now, sound_track);
  stage.on_time();
  EXPECT_EQ(stage.out.ladders, 2);
  EXPECT_THAT(stage.out.gaps(), ElementsAre("480p", "240p", "audio-64k"));
}

TEST(Transcoder, a_pause_brings_out_what_is_in_the_coders) {
  Stage stage;
  stage.begin();
  stage.frames_for(1s);
  stage.transcoder.on_source_paused(stage.now);
  EXPECT_EQ(stage.out.drained, 0);
  stage.work();
  EXPECT_EQ(stage.out.drained, 1);
  stage.pass(20s);
  EXPECT_EQ(stage.port.worker->taken["Drain"], 1);
  EXPECT_THAT(stage.port.ended, IsEmpty());
  EXPECT_EQ(stage.out.drained, 1);
}

TEST(Transcoder, a_pause_does_not_wait_for_a_worker_without_end) {
  Stage slow;
  slow.begin();
  slow.frames_for(1s);
  slow.transcoder.on_source_paused(slow.now);
  slow.pass(Transcoder::pausing_max - 1ms);
  EXPECT_EQ(slow.out.drained, 0);
  slow.pass(1ms);
  EXPECT_EQ(slow.out.drained, 1);

  Stage dead;
  dead.begin();
  dead.frames_for(1s);
  dead.transcoder.on_source_paused(dead.now);
  dead.lose_worker();
  EXPECT_EQ(dead.out.drained, 1);

  Stage none;
  none.port.room = 0;
  none.begin();
  none.transcoder.on_source_paused(none.now);
  EXPECT_EQ(none.out.drained, 1) << "nothing is being made";
}

TEST(Transcoder, at_the_end_the_worker_says_its_last_and_goes) {
  Stage stage;
  stage.begin();
  for (int i = 0; i < 25; ++i) stage.frame(1);
  stage.transcoder.on_source_ended(stage.now);
  EXPECT_THAT(stage.port.ended, IsEmpty());
  stage.work();
  expect_whole(stage);
  EXPECT_THAT(stage.port.ended, ElementsAre(WorkerEnd::let_go));
  EXPECT_EQ(stage.port.granted, 0);
  EXPECT_FALSE(stage.transcoder.wake_at());
}

TEST(Transcoder, at_the_end_a_worker_that_says_nothing_is_waited_for_two_seconds) {
  Stage stage;
  stage.begin();
  stage.frames_for(1s);
  stage.transcoder.on_source_ended(stage.now);
  stage.pass(1999ms);
  EXPECT_THAT(stage.port.ended, IsEmpty());
  stage.pass(1ms);
  EXPECT_THAT(stage.port.ended, ElementsAre(WorkerEnd::let_go));
}

TEST(Transcoder, audio_alone_has_its_rung) {
  Stage stage;
  stage.transcoder.on_source_track(stage.now, sound_track);
  stage.on_time();
  stage.transcoder.on_source_period(stage.now, stage.at);
  for (int i = 0; i < 100; ++i) {
    stage.give(TrackKind::audio, {.decode_time = stage.at, .duration = 20ms, .sync = media::Sync::yes});
    stage.at += 20ms;
    stage.pass(20ms);
    stage.work(i % 2);
    if (i == 70) stage.lose_worker();
  }
  stage.work();
  EXPECT_THAT(names(stage.out.ladder), ElementsAre("audio-64k"));
  EXPECT_EQ(times_of(stage.out.samples[0]), stage.given[1]);
}

TEST(Transcoder, pictures_are_taken_of_a_source_too_small_for_a_ladder) {
  Stage stage({.broadcast = "test", .rungs = *parse_rungs("1080p"), .pictures = {.poster_every = 5s}});
  stage.begin();
  stage.frames_for(1s);
  EXPECT_THAT(stage.out.ladder, IsEmpty());
  EXPECT_GT(stage.port.worker->taken["SourceSample"], 20);
  stage.transcoder.on_message(stage.now, codec::PictureMade{});
  EXPECT_EQ(stage.out.pictures, 1);
}

}  // namespace
}  // namespace klieg::transcoder
