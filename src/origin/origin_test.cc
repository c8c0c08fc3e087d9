#include "origin/origin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "origin/made_up_broadcast.h"

namespace klieg::origin {
namespace {

using media::BroadcastState;
using testing::HasSubstr;
using testing::Not;

struct SeenPeers final : Peers {
  void on_status(const std::string&, const Status& status) override { statuses.push_back(status); }
  void mirror_wanted(const std::string& channel) override { wanted.push_back(channel); }
  void rung_wanted(const std::string&) override {}
  std::vector<Status> statuses;
  std::vector<std::string> wanted;
};

struct OriginTest : testing::Test {
  OriginTest() {
    origin.add_channel("cam");
    broadcast.write = [this](const media::Record& record) { origin.apply("cam", record, now); };
  }
  void go_live(const std::string& id = "abc") {
    origin.begin("cam", broadcast.begun(id), broadcast.wall_zero, now);
    broadcast.start();
  }
  Answer ask(std::string path, std::string_view query = "", Patience patience = Patience::may_wait) {
    return origin.find("/live/cam/" + path, query, now, wall, patience);
  }
  // What a held request is told in the end; empty while it waits.
  std::shared_ptr<std::optional<HoldEnd>> hold(const Answer& answer) {
    auto told = std::make_shared<std::optional<HoldEnd>>();
    const Hold* held = std::get_if<Hold>(&answer);
    EXPECT_TRUE(held);
    if (held) EXPECT_EQ(origin.hold(*held, [told](HoldEnd end) { *told = end; }), Held::yes);
    return told;
  }
  std::string text(const Answer& answer) {
    if (const Found* found = std::get_if<Found>(&answer)) {
      return std::string(found->document->content(Coding::identity).text());
    }
    if (const Refusal* refusal = std::get_if<Refusal>(&answer)) {
      return std::to_string(refusal->status) + ' ' + refusal->words;
    }
    return std::holds_alternative<Hold>(answer) ? "held" : "an object";
  }
  int status(const Answer& answer) {
    if (const Refusal* refusal = std::get_if<Refusal>(&answer)) return refusal->status;
    return std::holds_alternative<Hold>(answer) ? 0 : 200;
  }

  LoopTime now{};
  WallTime wall{1'700'000'000s};
  SeenPeers peers;
  Settings settings;
  Origin origin{settings, &peers, nullptr};
  MadeUpBroadcast broadcast;
};

TEST_F(OriginTest, an_unknown_channel_and_one_that_is_not_live_are_told_apart_in_words) {
  EXPECT_THAT(text(origin.find("/live/nobody/index.m3u8", "", now, wall)), HasSubstr("no such channel"));
  const Answer offline = ask("index.m3u8");
  EXPECT_EQ(text(offline), "404 cam is not live\n");
  EXPECT_TRUE(std::get<Refusal>(offline).retry_after);
}

TEST_F(OriginTest, the_stable_playlist_is_held_until_the_first_segment_can_be_played) {
  go_live();
  const Answer early = ask("index.m3u8");
  const auto told = hold(early);
  broadcast.open();
  broadcast.add_part();
  EXPECT_FALSE(*told);
  broadcast.close();
  EXPECT_EQ(*told, HoldEnd::ripe);
  EXPECT_THAT(text(ask("index.m3u8")), HasSubstr("abc.1/video.m3u8"));
  EXPECT_THAT(text(ask("manifest.mpd")), HasSubstr("abc.1/video-$Number$.m4s"));
}

TEST_F(OriginTest, the_stable_documents_wait_until_every_track_that_is_sent_has_a_segment) {
  go_live();
  const auto told = hold(ask("index.m3u8"));
  broadcast.open();
  broadcast.add_part();
  broadcast.write(media::SegmentEnded{0, 0, 1s});  // video; audio needs a frame more to know
  EXPECT_FALSE(*told);
  EXPECT_EQ(text(ask("manifest.mpd")), "held");
  broadcast.write(media::SegmentEnded{1, 0, 1s});
  EXPECT_EQ(*told, HoldEnd::ripe);
  EXPECT_THAT(text(ask("index.m3u8")), HasSubstr("abc.1/audio.m3u8"));
  EXPECT_THAT(text(ask("manifest.mpd")), HasSubstr("abc.1/audio-$Number$.m4s"));
}

TEST_F(OriginTest, a_track_that_was_said_to_come_and_does_not_is_waited_for_no_longer_than_two_segments) {
  go_live();
  const auto told = hold(ask("index.m3u8"));
  for (media::Msn msn = 0; msn < 3; ++msn) {
    EXPECT_FALSE(*told) << msn;
    broadcast.write(media::SegmentBegun{0, msn, 0, 0, MediaTime(msn * 1s), 0});
    broadcast.chunk(0, 1000);
    broadcast.write(media::PartEnded{0, msn, 0, 0, 1000, 200ms, media::Independence::independent});
    broadcast.write(media::SegmentEnded{0, msn, 1s});
  }
  EXPECT_EQ(*told, HoldEnd::ripe);
  EXPECT_THAT(text(ask("index.m3u8")), HasSubstr("abc.1/video.m3u8"));
}

TEST_F(OriginTest, a_blocking_reload_is_held_until_its_part_is_listed) {
  go_live();
  broadcast.segments(2);
  const auto whole = hold(ask("abc.1/video.m3u8", "_HLS_msn=2"));
  const auto second_part = hold(ask("abc.1/video.m3u8", "_HLS_msn=2&_HLS_part=1"));
  broadcast.open();
  broadcast.add_part();
  EXPECT_FALSE(*second_part);
  broadcast.add_part();
  EXPECT_EQ(*second_part, HoldEnd::ripe);
  EXPECT_THAT(text(ask("abc.1/video.m3u8", "_HLS_msn=2&_HLS_part=1")), HasSubstr("video-2.1.m4s"));
  EXPECT_FALSE(*whole);
  broadcast.close();
  EXPECT_EQ(*whole, HoldEnd::ripe);
  EXPECT_EQ(std::get<Found>(ask("abc.1/video.m3u8", "_HLS_msn=2")).freshness, Freshness::blocking);
  EXPECT_EQ(std::get<Found>(ask("abc.1/video.m3u8")).freshness, Freshness::playlist);
}

TEST_F(OriginTest, a_reload_too_far_ahead_is_refused_at_once) {
  go_live();
  broadcast.segments(3);  // 0, 1, 2
  EXPECT_EQ(status(ask("abc.1/video.m3u8", "_HLS_msn=4")), 0);
  EXPECT_EQ(status(ask("abc.1/video.m3u8", "_HLS_msn=5")), 400);
  EXPECT_EQ(status(ask("abc.1/video.m3u8", "_HLS_msn=4&_HLS_part=14")), 0);
  EXPECT_EQ(status(ask("abc.1/video.m3u8", "_HLS_msn=4&_HLS_part=15")), 400);
  EXPECT_EQ(status(ask("abc.1/video.m3u8", "_HLS_msn=3&_HLS_part=14")), 0);
  EXPECT_EQ(status(ask("abc.1/video.m3u8", "_HLS_msn=3&_HLS_part=15")), 400);
  EXPECT_EQ(status(ask("abc.1/video.m3u8", "_HLS_msn=18446744073709551615")), 400);
  EXPECT_EQ(text(ask("abc.1/video.m3u8", "_HLS_part=1")), "400 _HLS_part needs _HLS_msn\n");
}

TEST_F(OriginTest, a_part_past_the_end_of_a_finished_segment_is_the_first_of_the_next) {
  go_live();
  broadcast.segments(2);  // of five parts
  const auto told = hold(ask("abc.1/video.m3u8", "_HLS_msn=1&_HLS_part=5"));
  broadcast.open();
  EXPECT_FALSE(*told);
  broadcast.add_part();
  EXPECT_EQ(*told, HoldEnd::ripe);
}

TEST_F(OriginTest, a_reload_that_waited_three_target_durations_gets_503) {
  go_live();
  broadcast.segments(2);
  const auto told = hold(ask("abc.1/video.m3u8", "_HLS_msn=2"));
  EXPECT_EQ(origin.next_deadline(), now + 3s);
  origin.expire(now + 2999ms);
  EXPECT_FALSE(*told);
  origin.expire(now + 3s);
  EXPECT_EQ(*told, HoldEnd::overdue);
  EXPECT_EQ(status(ask("abc.1/video.m3u8", "_HLS_msn=2", Patience::exhausted)), 503);
  EXPECT_EQ(origin.held(), 0u);
}

TEST_F(OriginTest, a_reload_held_while_the_publisher_is_away_gets_the_playlist_as_it_is) {
  go_live();
  broadcast.segments(2);
  const auto told = hold(ask("abc.1/video.m3u8", "_HLS_msn=2"));
  broadcast.state(BroadcastState::paused);
  EXPECT_FALSE(*told);
  origin.expire(now + 3s);
  EXPECT_EQ(*told, HoldEnd::overdue);
  const Answer answer = ask("abc.1/video.m3u8", "_HLS_msn=2", Patience::exhausted);
  EXPECT_EQ(std::get<Found>(answer).freshness, Freshness::stable);
  EXPECT_THAT(text(answer), Not(HasSubstr("PRELOAD-HINT")));
}

TEST_F(OriginTest, a_reload_held_when_the_broadcast_ends_gets_the_end) {
  go_live();
  broadcast.segments(2);
  const auto told = hold(ask("abc.1/video.m3u8", "_HLS_msn=2"));
  broadcast.state(BroadcastState::ended);
  EXPECT_EQ(*told, HoldEnd::ripe);
  EXPECT_THAT(text(ask("abc.1/video.m3u8", "_HLS_msn=2")), HasSubstr("#EXT-X-ENDLIST"));
  // Any directive is answered now, however far ahead.
  EXPECT_THAT(text(ask("abc.1/video.m3u8", "_HLS_msn=99")), HasSubstr("#EXT-X-ENDLIST"));
}

TEST_F(OriginTest, the_next_part_and_the_next_segment_are_held_until_they_are_born) {
  go_live();
  broadcast.segments(1);
  const auto part = hold(ask("abc.1/video-1.0.m4s"));
  const auto segment = hold(ask("abc.1/video-1.m4s"));
  broadcast.open();
  EXPECT_EQ(*segment, HoldEnd::ripe);  // it is sent as it grows
  EXPECT_FALSE(*part);                 // it has a length, so it is sent whole
  broadcast.add_part();
  EXPECT_EQ(*part, HoldEnd::ripe);
  const auto object = std::get<std::shared_ptr<const Object>>(ask("abc.1/video-1.m4s"));
  EXPECT_TRUE(object->log->growing());
  EXPECT_FALSE(object->end);
  EXPECT_EQ(std::get<std::shared_ptr<const Object>>(ask("abc.1/video-1.0.m4s"))->end, 1000u);
}

TEST_F(OriginTest, a_part_that_its_segment_turned_out_not_to_have_is_not_found) {
  go_live();
  broadcast.segments(1);
  broadcast.open();
  broadcast.add_part();
  const auto told = hold(ask("abc.1/video-1.3.m4s"));
  broadcast.close();
  EXPECT_EQ(*told, HoldEnd::ripe);
  EXPECT_EQ(status(ask("abc.1/video-1.3.m4s")), 404);
}

TEST_F(OriginTest, what_lies_too_far_ahead_is_404_and_what_has_left_is_410) {
  go_live();
  broadcast.segments(90);
  EXPECT_EQ(status(ask("abc.1/video-91.m4s")), 0);
  EXPECT_EQ(status(ask("abc.1/video-92.m4s")), 404);
  EXPECT_EQ(status(ask("abc.1/video-18446744073709551615.m4s")), 404);
  EXPECT_EQ(status(ask("abc.1/video-3.m4s")), 410);
  EXPECT_EQ(status(ask("abc.1/video-3.2.m4s")), 410);
  EXPECT_EQ(status(ask("abc.1/video-90.15.m4s")), 404);
  EXPECT_EQ(status(ask("abc.1/video-h7.mp4")), 404);
  EXPECT_EQ(status(ask("abc.1/subtitles-1.m4s")), 404);
  EXPECT_EQ(status(ask("other.1/video-3.m4s")), 404);
}

TEST_F(OriginTest, a_segment_never_born_is_503_while_live_and_404_once_ended) {
  go_live();
  broadcast.segments(1);
  const auto told = hold(ask("abc.1/video-1.m4s"));
  origin.expire(now + 3s);
  EXPECT_EQ(*told, HoldEnd::overdue);
  EXPECT_EQ(status(ask("abc.1/video-1.m4s", "", Patience::exhausted)), 503);
  broadcast.state(BroadcastState::ended);
  EXPECT_EQ(status(ask("abc.1/video-1.m4s")), 404);
}

TEST_F(OriginTest, a_broadcast_that_ended_is_kept_for_late_players_and_then_forgotten) {
  go_live();
  broadcast.segments(3);
  broadcast.state(BroadcastState::ended);
  EXPECT_THAT(text(ask("manifest.mpd")), HasSubstr("type=\"static\""));
  EXPECT_EQ(origin.next_deadline(), now + settings.ended_kept);
  now += settings.ended_kept;
  origin.expire(now);
  EXPECT_EQ(text(ask("index.m3u8")), "404 cam is not live\n");
  EXPECT_EQ(status(ask("abc.1/video.m3u8")), 404);
  EXPECT_EQ(origin.status("cam").state, ChannelState::ended);
  EXPECT_EQ(origin.status("cam").broadcast, "");
}

TEST_F(OriginTest, a_new_broadcast_ends_the_one_before_and_both_answer_for_a_while) {
  go_live("one");
  broadcast.segments(2);
  const auto told = hold(ask("one.1/video.m3u8", "_HLS_msn=2"));
  broadcast = {.write = broadcast.write};
  go_live("two");
  EXPECT_EQ(*told, HoldEnd::ripe);
  broadcast.segments(1);
  EXPECT_THAT(text(ask("one.1/video.m3u8", "_HLS_msn=2")), HasSubstr("#EXT-X-ENDLIST"));
  EXPECT_THAT(text(ask("index.m3u8")), HasSubstr("two.1/video.m3u8"));
  EXPECT_EQ(origin.status("cam").state, ChannelState::live);
}

TEST_F(OriginTest, only_so_many_broadcasts_of_a_channel_are_kept) {
  for (const char* id : {"one", "two", "three", "four"}) {
    broadcast = {.write = broadcast.write};
    go_live(id);
    broadcast.segments(1);
  }
  EXPECT_EQ(status(ask("one.1/video.m3u8")), 404);
  EXPECT_EQ(status(ask("two.1/video.m3u8")), 200);
}

TEST_F(OriginTest, beyond_the_limit_of_holds_nobody_is_held) {
  settings.holds_max = 2;
  Origin small(settings, nullptr, nullptr);
  small.add_channel("cam");
  small.begin("cam", broadcast.begun(), wall, now);
  const Answer answer = small.find("/live/cam/index.m3u8", "", now, wall);
  EXPECT_EQ(small.hold(std::get<Hold>(answer), [](HoldEnd) {}), Held::yes);
  EXPECT_EQ(small.hold(std::get<Hold>(answer), [](HoldEnd) {}), Held::yes);
  EXPECT_EQ(small.hold(std::get<Hold>(answer), [](HoldEnd) {}), Held::too_many);
}

TEST_F(OriginTest, the_same_version_of_a_playlist_is_one_document_for_all) {
  go_live();
  broadcast.segments(2);
  const auto first = std::get<Found>(ask("abc.1/video.m3u8", "_HLS_msn=1")).document;
  EXPECT_EQ(first, std::get<Found>(ask("abc.1/video.m3u8")).document);
  EXPECT_EQ(first->content(Coding::gzip).data(), first->content(Coding::gzip).data());
  EXPECT_NE(first->etag(Coding::gzip), first->etag(Coding::identity));
  broadcast.open();
  broadcast.add_part();
  EXPECT_NE(first, std::get<Found>(ask("abc.1/video.m3u8")).document);
}

TEST_F(OriginTest, a_manifest_on_its_grid_stays_the_same_document_from_segment_to_segment) {
  go_live();
  broadcast.segments(4);  // timeShiftBufferDepth doubles at the eighth
  const auto first = std::get<Found>(ask("manifest.mpd")).document;
  broadcast.segments(3);
  wall += 3s;
  EXPECT_EQ(first, std::get<Found>(ask("manifest.mpd")).document);
  broadcast.period(media::PeriodStart::discontinuity, 5s);
  broadcast.header(1);
  broadcast.segment();
  const auto second = std::get<Found>(ask("manifest.mpd")).document;
  EXPECT_NE(first, second);
  EXPECT_THAT(std::string(second->content(Coding::identity).text()),
              HasSubstr("publishTime=\"2023-11-14T22:13:32.000Z\""));
}

TEST_F(OriginTest, status_tells_every_change_to_whoever_waits_for_it) {
  EXPECT_THAT(text(ask("status.json")),
              HasSubstr("\"state\":\"offline\",\"version\":0,\"broadcast\":null,\"started_at\":null"));
  const auto told = hold(ask("status.json", "after=0"));
  go_live();
  EXPECT_EQ(*told, HoldEnd::ripe);
  EXPECT_EQ(text(ask("status.json", "after=0")),
            "{\"channel\":\"cam\",\"state\":\"live\",\"version\":1,\"broadcast\":\"abc.1\","
            "\"started_at\":\"2023-11-14T22:13:20.000Z\",\"target_latency_ms\":900,"
            "\"server_time\":\"2023-11-14T22:13:20.000Z\"}\n");
  broadcast.state(BroadcastState::live);  // a packager says so too: nothing new
  const auto paused = hold(ask("status.json", "after=1"));
  broadcast.state(BroadcastState::paused);
  EXPECT_EQ(*paused, HoldEnd::ripe);
  EXPECT_THAT(text(ask("status.json")), HasSubstr("\"state\":\"paused\""));
}

TEST_F(OriginTest, status_answers_after_25_seconds_even_when_nothing_changed) {
  const auto told = hold(ask("status.json", "after=0"));
  origin.expire(now + 25s);
  EXPECT_EQ(*told, HoldEnd::overdue);
  EXPECT_THAT(text(ask("status.json", "after=0", Patience::exhausted)), HasSubstr("\"version\":0"));
  // A version we never had comes from before a restart.
  EXPECT_THAT(text(ask("status.json", "after=17")), HasSubstr("\"version\":0"));
}

TEST_F(OriginTest, a_viewer_of_a_broadcast_that_lives_elsewhere_makes_its_mirror_wanted_and_waits_for_it) {
  origin.announce("cam", {.version = 4, .state = ChannelState::live, .broadcast = "abc.1", .started = wall});
  const auto told = hold(ask("index.m3u8"));
  EXPECT_THAT(peers.wanted, testing::ElementsAre("cam"));
  std::vector<media::Record> replayed{broadcast.begun()};
  broadcast.write = [&](const media::Record& record) { replayed.push_back(record); };
  broadcast.start();
  broadcast.segments(1);
  origin.begin_mirror("cam", replayed, now);
  EXPECT_EQ(*told, HoldEnd::ripe);
  EXPECT_THAT(text(ask("index.m3u8")), HasSubstr("abc.1/video.m3u8"));
  EXPECT_TRUE(peers.statuses.empty());  // its home decides
  EXPECT_EQ(origin.last_asked("cam"), now);

  const auto held = hold(ask("abc.1/video-1.m4s"));
  origin.drop_mirror("cam");
  EXPECT_EQ(*held, HoldEnd::ripe);
  EXPECT_EQ(status(ask("abc.1/video-1.m4s")), 0);  // wanted again
  EXPECT_EQ(peers.wanted.size(), 2u);
}

TEST_F(OriginTest, a_viewer_who_waited_for_a_mirror_is_answered_from_all_of_it) {
  origin.announce("cam", {.version = 4, .state = ChannelState::live, .broadcast = "abc.1", .started = wall});
  std::vector<media::Record> replayed{broadcast.begun()};
  broadcast.write = [&](const media::Record& record) { replayed.push_back(record); };
  broadcast.start();
  broadcast.segments(20);
  Answer later = Refusal{};
  const Answer early = ask("abc.1/video-19.m4s");
  std::ignore = origin.hold(std::get<Hold>(early), [&](HoldEnd) { later = ask("abc.1/video-19.m4s"); });
  origin.begin_mirror("cam", replayed, now);
  EXPECT_TRUE(std::holds_alternative<std::shared_ptr<const Object>>(later));
}

TEST_F(OriginTest, a_mirror_writes_the_manifest_that_the_home_writes) {
  go_live();
  broadcast.segments(3);
  const std::string at_home = text(ask("manifest.mpd"));
  Origin other(settings, nullptr, nullptr);
  other.add_channel("cam");
  other.announce("cam", origin.status("cam"));
  struct Records final : media::RecordSink {
    void on_record(const media::Record& record) override { all.push_back(record); }
    std::vector<media::Record> all;
  } records;
  origin.window("cam")->replay(records);
  other.begin_mirror("cam", records.all, now);
  EXPECT_EQ(text(other.find("/live/cam/manifest.mpd", "", now, wall + 7s)), at_home);
}

TEST_F(OriginTest, a_broadcast_that_ended_elsewhere_is_mirrored_for_late_players_too) {
  origin.announce("cam", {.version = 5, .state = ChannelState::ended, .broadcast = "abc.1", .started = wall});
  std::vector<media::Record> replayed{broadcast.begun()};
  broadcast.write = [&](const media::Record& record) { replayed.push_back(record); };
  broadcast.start();
  broadcast.segments(3);
  broadcast.state(BroadcastState::ended);
  const auto told = hold(ask("abc.1/video.m3u8"));
  origin.begin_mirror("cam", replayed, now);
  EXPECT_EQ(*told, HoldEnd::ripe);
  EXPECT_THAT(text(ask("abc.1/video.m3u8")), HasSubstr("#EXT-X-ENDLIST"));
  origin.expire(now + settings.ended_kept);
  EXPECT_EQ(origin.window("cam"), nullptr);
}

TEST_F(OriginTest, a_held_request_may_wait_again_from_within_its_call) {
  go_live();
  broadcast.segments(1);
  int calls = 0;
  const Answer answer = ask("abc.1/video-1.0.m4s");
  std::ignore = origin.hold(std::get<Hold>(answer), [&](HoldEnd) {
    ++calls;
    const Answer next = ask("abc.1/video-1.1.m4s");
    std::ignore = origin.hold(std::get<Hold>(next), [&](HoldEnd) { ++calls; });
  });
  broadcast.open();
  broadcast.add_part();
  EXPECT_EQ(calls, 1);
  broadcast.add_part();
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace klieg::origin
