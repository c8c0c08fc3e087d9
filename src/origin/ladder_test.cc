// What viewers are told of a ladder: from records to playlists, manifests, answers and pictures.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "origin/made_up_broadcast.h"
#include "origin/origin.h"
#include "origin/storyboard.h"

namespace klieg::origin {
namespace {

using media::PictureUse;
using media::Presence;
using media::TrackKind;
using testing::HasSubstr;
using testing::Not;

const std::vector<media::Rung> usual_rungs{
    {.name = "720p", .bits_per_second = 3'000'000, .width = 1280, .height = 720},
    {.name = "480p", .bits_per_second = 1'200'000, .width = 854, .height = 480},
    {.name = "240p", .bits_per_second = 400'000, .width = 426, .height = 240},
    {.name = "audio-64k", .kind = TrackKind::audio, .bits_per_second = 64'000},
};
constexpr size_t track_720p = 2;

struct CountingPeers final : Peers {
  void on_status(const std::string&, const Status&) override {}
  void mirror_wanted(const std::string&) override {}
  void rung_wanted(const std::string&) override { ++rungs_wanted; }
  int rungs_wanted = 0;
};

struct LadderTest : testing::Test {
  LadderTest() {
    origin.add_channel("cam");
    broadcast.rungs = usual_rungs;
    broadcast.write = [this](const media::Record& record) { origin.apply("cam", record, now); };
  }
  void go_live() { origin.begin("cam", broadcast.begun(), broadcast.wall_zero, now); }
  Answer ask(std::string path, std::string_view query = "", Patience patience = Patience::may_wait) {
    return origin.find("/live/cam/" + path, query, now, wall, patience);
  }
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
  std::string index() { return text(ask("index.m3u8")); }
  std::string mpd() { return text(ask("manifest.mpd")); }

  LoopTime now{};
  WallTime wall{1'700'000'000s};
  CountingPeers peers;
  Origin origin{Settings{}, &peers, nullptr};
  MadeUpBroadcast broadcast;
};

TEST_F(LadderTest, each_rung_is_a_variant_and_a_middle_one_comes_first) {
  go_live();
  broadcast.start();
  broadcast.segments(1);
  EXPECT_EQ(index(), R"(#EXTM3U
#EXT-X-VERSION:9
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="abc.1/audio.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1240000,AVERAGE-BANDWIDTH=80000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=854x480,FRAME-RATE=30.000,AUDIO="audio"
abc.1/480p.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=80000,AVERAGE-BANDWIDTH=80000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=30.000,AUDIO="audio"
abc.1/video.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=3040000,AVERAGE-BANDWIDTH=80000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=30.000,AUDIO="audio"
abc.1/720p.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=440000,AVERAGE-BANDWIDTH=80000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=426x240,FRAME-RATE=30.000,AUDIO="audio"
abc.1/240p.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=64000,AVERAGE-BANDWIDTH=40000,CODECS="mp4a.40.2"
abc.1/audio-64k.m3u8
)");
}

TEST_F(LadderTest, sound_that_not_every_player_decodes_is_replaced_by_the_ladders) {
  go_live();
  const auto write = broadcast.write;
  broadcast.write = [&](media::Record record) {
    if (auto* header = std::get_if<media::HeaderBorn>(&record); header && header->name == "audio") {
      header->info.codec = media::Codec::opus;
      header->info.codecs = "opus";
    }
    write(record);
  };
  broadcast.start();
  broadcast.segments(1);
  EXPECT_THAT(index(), HasSubstr("URI=\"abc.1/audio-64k.m3u8\"\n"));
  EXPECT_THAT(index(), Not(HasSubstr("opus")));
  EXPECT_THAT(mpd(), HasSubstr("codecs=\"opus\""));
}

TEST_F(LadderTest, nobody_is_shown_a_ladder_before_all_its_headers_are_there) {
  go_live();
  const auto write = broadcast.write;
  media::Record held_back;
  broadcast.write = [&](const media::Record& record) {
    const auto* header = std::get_if<media::HeaderBorn>(&record);
    if (header && header->name == "audio-64k") {
      held_back = record;
    } else {
      write(record);
    }
  };
  broadcast.start();
  broadcast.rungs.pop_back();  // no segment without a header
  broadcast.segments(4);
  const auto told = hold(ask("index.m3u8"));
  EXPECT_EQ(mpd(), "held");
  write(held_back);
  EXPECT_EQ(*told, HoldEnd::ripe);
  EXPECT_THAT(index(), HasSubstr("abc.1/audio-64k.m3u8"));
  EXPECT_THAT(mpd(),
              HasSubstr("abc.1/audio-64k-h0.mp4"));  // it may be asked for: its first segment is about to be born
}

TEST_F(LadderTest, an_announcement_that_is_replaced_frees_who_waits_for_it) {
  go_live();
  broadcast.announce();
  broadcast.rungs.clear();
  broadcast.period(media::PeriodStart::first);
  broadcast.header(0);
  broadcast.segments(3);
  const auto told = hold(ask("index.m3u8"));
  broadcast.announce();
  EXPECT_EQ(*told, HoldEnd::ripe);
  EXPECT_THAT(index(), Not(HasSubstr("720p")));
}

TEST_F(LadderTest, a_rung_whose_first_segment_is_late_is_listed_and_its_playlist_is_held) {
  go_live();
  broadcast.start();
  MadeUpBroadcast source = broadcast;
  source.rungs.clear();
  source.segments(1);
  EXPECT_THAT(index(), HasSubstr("abc.1/720p.m3u8"));
  const auto playlist = hold(ask("abc.1/720p.m3u8"));
  const auto segment = hold(ask("abc.1/720p-0.m4s"));
  const auto reload = hold(ask("abc.1/720p.m3u8", "_HLS_msn=1&_HLS_part=0"));  // where the source is
  broadcast.begin(track_720p);
  EXPECT_FALSE(*segment);  // it may still turn out to be a gap
  broadcast.chunk(track_720p, 1000);
  EXPECT_EQ(*segment, HoldEnd::ripe);
  EXPECT_FALSE(*playlist);
  broadcast.write(media::PartEnded{track_720p, 0, 0, 0, 1000, 200ms, media::Independence::independent});
  EXPECT_EQ(*playlist, HoldEnd::ripe);
  EXPECT_FALSE(*reload);
  origin.expire(now + 3s);
  EXPECT_EQ(*reload, HoldEnd::overdue);
}

TEST_F(LadderTest, a_gap_is_listed_as_one_and_cannot_be_fetched) {
  go_live();
  broadcast.start();
  broadcast.segments(2);
  broadcast.lost = {track_720p};
  const auto told = hold(ask("abc.1/720p-2.m4s"));
  broadcast.segment();
  EXPECT_EQ(*told, HoldEnd::ripe);
  EXPECT_THAT(text(ask("abc.1/720p-2.m4s")), HasSubstr("404 the segment is a gap"));
  EXPECT_THAT(text(ask("abc.1/720p-2.0.m4s")), HasSubstr("404"));
  EXPECT_THAT(text(ask("abc.1/720p.m3u8")), HasSubstr("#EXT-X-GAP\n#EXTINF:1.00000,\n720p-2.m4s\n"));
  EXPECT_THAT(text(ask("abc.1/480p.m3u8")), Not(HasSubstr("GAP")));
  EXPECT_THAT(text(ask("abc.1/480p.m3u8")), HasSubstr("#EXT-X-RENDITION-REPORT:URI=\"720p.m3u8\",LAST-MSN=2\n"));
  EXPECT_THAT(index(), HasSubstr("abc.1/720p.m3u8"));  // the ladder is listed as a whole
}

TEST_F(LadderTest, a_segment_lost_in_the_middle_keeps_its_parts_and_says_which_will_not_come) {
  go_live();
  broadcast.start();
  broadcast.segments(1);
  broadcast.open();
  broadcast.add_part();
  broadcast.add_part();
  const auto object = std::get<std::shared_ptr<const Object>>(ask("abc.1/720p-1.m4s"));
  const auto told = hold(ask("abc.1/720p-1.2.m4s"));
  broadcast.lose(track_720p);
  broadcast.close(1s);
  EXPECT_EQ(*told, HoldEnd::ripe);
  EXPECT_EQ(object->log->state(), LogEnd::aborted);
  EXPECT_EQ(text(ask("abc.1/720p-1.1.m4s")), "an object");
  EXPECT_THAT(text(ask("abc.1/720p-1.2.m4s")), HasSubstr("404"));
  EXPECT_THAT(text(ask("abc.1/720p.m3u8")), HasSubstr("#EXT-X-PART:DURATION=0.20000,URI=\"720p-1.1.m4s\"\n"
                                                      "#EXT-X-PART:DURATION=0.20000,URI=\"720p-1.2.m4s\",GAP=YES\n"
                                                      "#EXT-X-PART:DURATION=0.20000,URI=\"720p-1.3.m4s\",GAP=YES\n"
                                                      "#EXT-X-PART:DURATION=0.20000,URI=\"720p-1.4.m4s\",GAP=YES\n"
                                                      "#EXT-X-GAP\n#EXTINF:1.00000,\n720p-1.m4s\n"));
}

TEST_F(LadderTest, a_manifest_leaves_a_rung_out_while_it_is_a_gap) {
  go_live();
  broadcast.start();
  broadcast.segments(2);
  const std::string whole = mpd();
  EXPECT_THAT(whole, HasSubstr("<Representation id=\"720p\""));
  broadcast.lost = {track_720p};
  broadcast.segments(1);
  EXPECT_THAT(mpd(), Not(HasSubstr("<Representation id=\"720p\"")));
  EXPECT_THAT(mpd(), HasSubstr("<Representation id=\"480p\""));
  broadcast.lost = {};
  broadcast.segments(1);
  EXPECT_THAT(mpd(), HasSubstr("<Representation id=\"720p\""));
}

TEST_F(LadderTest, a_rung_that_is_a_gap_is_wanted_by_whoever_asks_for_it_or_for_a_manifest) {
  go_live();
  broadcast.start();
  broadcast.segments(1);
  broadcast.lost = {track_720p};
  broadcast.segments(1);
  for (const char* other : {"index.m3u8", "abc.1/480p.m3u8", "abc.1/video-1.m4s", "status.json"}) ask(other);
  EXPECT_EQ(peers.rungs_wanted, 0);
  for (const char* wants : {"manifest.mpd", "abc.1/720p.m3u8", "abc.1/720p-1.m4s"}) ask(wants);
  EXPECT_EQ(peers.rungs_wanted, 3);
}

TEST_F(LadderTest, representations_of_one_codec_share_a_set_and_have_templates_of_their_own) {
  go_live();
  broadcast.rungs = {usual_rungs[1], usual_rungs[3]};
  broadcast.start();
  broadcast.segments(2);
  const std::string text = mpd();
  EXPECT_THAT(
      text,
      HasSubstr(
          R"(<Representation id="480p" codecs="avc1.64001f" bandwidth="1200000" width="854" height="480" sar="1:1" frameRate="30">
          <SegmentTemplate timescale="90000" initialization="abc.1/480p-h0.mp4" media="abc.1/480p-$Number$.m4s" startNumber="0" availabilityTimeOffset="0.933" availabilityTimeComplete="false" duration="90000"/>
        </Representation>)"));
  size_t sets = 0;
  for (size_t at = 0; (at = text.find("<AdaptationSet ", at)) != text.npos; ++at) ++sets;
  EXPECT_EQ(sets, 2u);
}

TEST_F(LadderTest, a_source_of_another_codec_has_a_set_of_its_own) {
  go_live();
  const auto write = broadcast.write;
  broadcast.write = [&](media::Record record) {
    if (auto* header = std::get_if<media::HeaderBorn>(&record); header && header->name == "video") {
      header->info.codec = media::Codec::hevc;
      header->info.codecs = "hvc1.1.6.L93.B0";
    }
    write(record);
  };
  broadcast.start();
  broadcast.segments(2);
  const std::string text = mpd();
  EXPECT_THAT(text, HasSubstr("<AdaptationSet id=\"0\" contentType=\"video\""));
  EXPECT_THAT(text, HasSubstr("<AdaptationSet id=\"2\" contentType=\"video\""));
  EXPECT_THAT(index(), HasSubstr("CODECS=\"hvc1.1.6.L93.B0,mp4a.40.2\""));
}

TEST_F(LadderTest, the_window_is_measured_by_the_source_whatever_came_first) {
  go_live();
  broadcast.rungs = {usual_rungs[0]};
  broadcast.start();
  broadcast.segments(3);
  EXPECT_EQ(origin.window("cam")->main_track()->name(), "video");
}

TEST_F(LadderTest, the_poster_is_the_newest_and_its_tag_says_which) {
  go_live();
  broadcast.start();
  EXPECT_THAT(text(ask("poster.jpg")), HasSubstr("404 there is no picture"));
  broadcast.picture(PictureUse::poster, 1s, "one");
  const auto first = std::get<std::shared_ptr<const Object>>(ask("poster.jpg"));
  EXPECT_EQ(first->log->read(0, *first->end).text(), "one");
  EXPECT_EQ(first->content_type, "image/jpeg");
  EXPECT_EQ(first->lasting, Lasting::a_moment);
  broadcast.picture(PictureUse::poster, 6s, "two");
  const auto second = std::get<std::shared_ptr<const Object>>(ask("poster.jpg"));
  EXPECT_NE(first->etag, second->etag);
  EXPECT_EQ(second->log->read(0, *second->end).text(), "two");
}

TEST_F(LadderTest, the_storyboard_names_the_thumbnails_by_wall_clock_over_a_break) {
  go_live();
  broadcast.start();
  broadcast.segments(4);
  broadcast.picture(PictureUse::thumbnail, 0s, "a");
  broadcast.picture(PictureUse::thumbnail, 2s, "b");
  broadcast.period(media::PeriodStart::discontinuity, 10s);
  broadcast.segments(1);
  broadcast.picture(PictureUse::thumbnail, 4s, "c");
  EXPECT_EQ(text(ask("abc.1/storyboard.vtt")), R"(WEBVTT

NOTE PROGRAM-DATE-TIME=2023-11-14T22:13:20.000Z is 00:00:00.000

00:00:00.000 --> 00:00:02.000
thumb-0.jpg

00:00:02.000 --> 00:00:14.000
thumb-2000.jpg

00:00:14.000 --> 00:00:19.000
thumb-4000.jpg
)");
  EXPECT_EQ(std::get<std::shared_ptr<const Object>>(ask("abc.1/thumb-2000.jpg"))->lasting, Lasting::for_ever);
  EXPECT_THAT(text(ask("abc.1/thumb-2001.jpg")), HasSubstr("404"));
}

TEST_F(LadderTest, thumbnails_leave_with_what_they_show) {
  go_live();
  broadcast.start();
  for (int second = 0; second < 90; ++second) {
    broadcast.picture(PictureUse::thumbnail, second * 1s, "x");
    broadcast.segment();
  }
  EXPECT_EQ(origin.window("cam")->thumbnails().size(), 60u);
  EXPECT_THAT(text(ask("abc.1/storyboard.vtt")), HasSubstr("WEBVTT\n\nNOTE"));
  EXPECT_THAT(text(ask("abc.1/storyboard.vtt")), Not(HasSubstr("thumb-29000.jpg")));
  EXPECT_THAT(text(ask("abc.1/storyboard.vtt")), HasSubstr("thumb-30000.jpg"));
}

std::string everything(const Window& window) {
  std::string text = storyboard_of(window);
  if (window.playable()) {
    text += wire::hls::render(multivariant_of(window));
    text += wire::dash::render(manifest_of(window, {}, 10s));
  }
  for (const auto& [id, track] : window.tracks()) {
    text += wire::hls::render(playlist_of(window, track, {}), wire::hls::Skip::nothing);
    for (const Segment& segment : track.segments) {
      text += std::to_string(segment.log->size()) + (segment.open() ? "open" : segment.gap() ? "gap" : "whole");
    }
  }
  if (window.poster()) text += window.poster()->etag;
  return text + std::to_string(window.bytes());
}

RC_GTEST_PROP(Ladder, a_window_with_rungs_and_pictures_replays_as_an_equal_one, ()) {
  MadeUpBroadcast broadcast;
  broadcast.rungs = usual_rungs;
  broadcast.part_bytes = 10;
  const WindowLimits limits{.live = 5s, .straggler_target_durations = 2, .bytes_max = 3'000};
  Window original(broadcast.begun(), limits, nullptr);
  broadcast.write = [&](const media::Record& record) { original.on_record(record); };
  broadcast.start();
  const int steps = *rc::gen::inRange(1, 30);
  for (int i = 0; i < steps; ++i) {
    const auto track = *rc::gen::inRange<size_t>(2, 6);
    switch (*rc::gen::inRange(0, 6)) {
      case 0:
        broadcast.lost.insert(track);
        break;
      case 1:
        broadcast.lost.erase(track);
        break;
      case 2:
        broadcast.picture(PictureUse::thumbnail, broadcast.at.time_since_epoch(), "x");
        broadcast.picture(PictureUse::poster, broadcast.at.time_since_epoch(), "y");
        break;
      case 3:
        broadcast.open();
        broadcast.add_part();
        if (!broadcast.lost.contains(track)) broadcast.lose(track);
        broadcast.close(1s);
        break;
      default:
        broadcast.segment();
    }
  }
  struct Mirror final : media::RecordSink {
    void on_record(const media::Record& record) override {
      if (const auto* begun = std::get_if<media::BroadcastBegun>(&record)) {
        window = std::make_unique<Window>(*begun, limits, nullptr);
      } else {
        window->on_record(record);
      }
    }
    WindowLimits limits;
    std::unique_ptr<Window> window;
  } mirror;
  mirror.limits = limits;
  original.replay(mirror);
  RC_ASSERT(everything(*mirror.window) == everything(original));
}

}  // namespace
}  // namespace klieg::origin
