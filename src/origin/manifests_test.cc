#include "origin/manifests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "origin/made_up_broadcast.h"

namespace klieg::origin {
namespace {

using media::BroadcastState;
using media::PeriodStart;
using media::TrackKind;
using testing::HasSubstr;
using testing::Not;

struct ManifestsTest : testing::Test {
  void start(MadeUpBroadcast made = {}) {
    broadcast = std::move(made);
    window = std::make_unique<Window>(broadcast.begun(), WindowLimits{.live = 10s}, nullptr);
    broadcast.write = [this](const media::Record& record) { window->on_record(record); };
    broadcast.start();
  }
  std::string mpd() { return wire::dash::render(manifest_of(*window, settings, 10s)); }
  std::string index() { return wire::hls::render(multivariant_of(*window)); }
  wire::hls::MediaPlaylist playlist(std::string_view track = "video") {
    return playlist_of(*window, *window->track(track), settings);
  }
  std::string text(std::string_view track = "video") {
    return wire::hls::render(playlist(track), wire::hls::Skip::nothing);
  }
  ManifestSettings settings;
  MadeUpBroadcast broadcast;
  std::unique_ptr<Window> window;
};

TEST_F(ManifestsTest, video_and_audio_make_a_variant_with_an_audio_group_and_measured_bandwidth) {
  start();
  broadcast.segments(3);  // 5,000 bytes a second each
  EXPECT_EQ(index(), R"(#EXTM3U
#EXT-X-VERSION:9
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="abc.1/audio.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=80000,AVERAGE-BANDWIDTH=80000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=30.000,AUDIO="audio"
abc.1/video.m3u8
)");
}

TEST_F(ManifestsTest, audio_alone_is_a_variant_of_its_own) {
  start({.kinds = {TrackKind::audio}});
  broadcast.segments(3);
  EXPECT_THAT(index(), HasSubstr("BANDWIDTH=40000,AVERAGE-BANDWIDTH=40000,CODECS=\"mp4a.40.2\"\nabc.1/audio.m3u8\n"));
  EXPECT_THAT(index(), Not(HasSubstr("EXT-X-MEDIA")));
}

TEST_F(ManifestsTest, bandwidth_is_the_peak_and_average_the_average) {
  start({.kinds = {TrackKind::video}});
  broadcast.segments(3);
  broadcast.part_bytes = 3000;
  broadcast.segment();
  EXPECT_THAT(index(), HasSubstr("BANDWIDTH=120000,AVERAGE-BANDWIDTH=60000"));
}

TEST_F(ManifestsTest, one_dependent_segment_in_the_window_and_independence_is_not_claimed) {
  start();
  broadcast.segments(2);
  broadcast.open();
  for (size_t track = 0; track < 2; ++track) {
    broadcast.chunk(track, 10);
    broadcast.write(
        media::PartEnded{static_cast<media::TrackId>(track), 2, 0, 0, 10, 200ms, media::Independence::dependent});
  }
  broadcast.close(1s);
  EXPECT_THAT(index(), Not(HasSubstr("INDEPENDENT-SEGMENTS")));
  EXPECT_THAT(mpd(), HasSubstr("contentType=\"video\" mimeType=\"video/mp4\" segmentAlignment=\"true\" par"));
}

TEST_F(ManifestsTest, parts_are_listed_for_the_last_three_target_durations) {
  start();
  broadcast.segments(8);
  broadcast.open();
  broadcast.add_part();
  const wire::hls::MediaPlaylist made = playlist();
  ASSERT_EQ(made.segments.size(), 8u);
  EXPECT_TRUE(made.segments[4].parts.empty());
  EXPECT_EQ(made.segments[5].parts.size(), 5u);
  EXPECT_EQ(made.segments[7].parts.size(), 5u);
  EXPECT_EQ(made.open->parts.size(), 1u);
  EXPECT_EQ(made.hint->uri, "video-8.1.m4s");
}

TEST_F(ManifestsTest, between_segments_the_hint_is_the_first_part_of_the_next) {
  start();
  broadcast.segments(2);
  EXPECT_EQ(playlist().hint->uri, "video-2.0.m4s");
  settings.hls_parts = HlsParts::range;
  EXPECT_EQ(playlist().hint->uri, "video-2.m4s");
  EXPECT_EQ(playlist().hint->offset, 0u);
}

TEST_F(ManifestsTest, a_segment_that_has_reached_its_line_hints_at_the_next_one) {
  start();
  broadcast.segments(2);
  broadcast.open();
  for (int i = 0; i < 4; ++i) broadcast.add_part();
  EXPECT_EQ(playlist().hint->uri, "video-2.4.m4s");
  broadcast.add_part();  // 1 s of it is there; only the next key frame will end it
  EXPECT_EQ(playlist().hint->uri, "video-3.0.m4s");
}

TEST_F(ManifestsTest, parts_as_ranges_lie_in_their_segment) {
  start();
  settings.hls_parts = HlsParts::range;
  broadcast.segments(1);
  broadcast.open();
  broadcast.add_part();
  EXPECT_THAT(text(), HasSubstr("URI=\"video-1.m4s\",BYTERANGE=\"1000@0\",INDEPENDENT=YES\n"
                                "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"video-1.m4s\",BYTERANGE-START=1000\n"));
}

TEST_F(ManifestsTest, a_rendition_report_tells_where_the_other_track_stands) {
  start();
  broadcast.segments(2);
  broadcast.open();
  broadcast.add_part();
  broadcast.add_part();
  EXPECT_THAT(text("audio"), HasSubstr("#EXT-X-RENDITION-REPORT:URI=\"video.m3u8\",LAST-MSN=2,LAST-PART=1\n"));
}

TEST_F(ManifestsTest, a_hold_back_of_less_than_three_parts_is_raised_to_three) {
  start();
  EXPECT_EQ(part_hold_back(*window, settings), 800ms);
  settings.part_hold_back = 100ms;
  EXPECT_EQ(part_hold_back(*window, settings), 600ms);
  settings.part_hold_back = 1500ms;
  EXPECT_EQ(part_hold_back(*window, settings), 1500ms);
}

// The ordinal of a segment's discontinuity is what renditions are aligned by, so it never changes while it is listed.
TEST_F(ManifestsTest, a_discontinuity_is_counted_when_its_segment_leaves) {
  start();
  broadcast.segments(2);
  broadcast.period(PeriodStart::discontinuity, 5s);
  broadcast.header(1);
  auto ordinal_of_last = [&] {
    const wire::hls::MediaPlaylist made = playlist();
    uint64_t ordinal = made.discontinuity_sequence;
    for (const auto& segment : made.segments) ordinal += segment.break_before == wire::hls::Break::discontinuity;
    return ordinal;
  };
  for (int i = 0; i < 14; ++i) {
    broadcast.segment();
    EXPECT_EQ(ordinal_of_last(), 1u) << i;
  }
  EXPECT_EQ(playlist().discontinuity_sequence, 1u);
}

TEST_F(ManifestsTest, a_seamless_period_is_no_discontinuity_in_hls) {
  start();
  broadcast.segments(2);
  broadcast.period(PeriodStart::off_grid);
  broadcast.segments(2);
  EXPECT_THAT(text(), Not(HasSubstr("DISCONTINUITY")));
}

TEST_F(ManifestsTest, program_date_time_follows_the_wall_over_a_pause) {
  start();
  broadcast.segments(1);
  broadcast.period(PeriodStart::discontinuity, 5s);
  broadcast.segments(1);
  const wire::hls::MediaPlaylist made = playlist();
  EXPECT_EQ(made.segments[1].begins - made.segments[0].begins, 6s);
}

TEST_F(ManifestsTest, on_the_grid_a_manifest_finds_segments_by_number) {
  start();
  broadcast.segments(3);
  EXPECT_EQ(mpd(), R"(<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019,http://www.dashif.org/guidelines/low-latency-live-v5" type="dynamic" availabilityStartTime="2023-11-14T22:13:20.000Z" publishTime="2023-11-14T22:13:20.000Z" minimumUpdatePeriod="PT1S" timeShiftBufferDepth="PT2S" suggestedPresentationDelay="PT0.9S" maxSegmentDuration="PT1S" minBufferTime="PT0.4S">
    <ServiceDescription id="0">
      <Latency target="900" min="450" max="1900" referenceId="0"/>
      <PlaybackRate min="0.95" max="1.05"/>
    </ServiceDescription>
    <Period id="0" start="PT0S">
      <AdaptationSet id="0" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1" par="16:9">
        <ProducerReferenceTime id="0" type="encoder" wallClockTime="2023-11-14T22:13:20.000Z" presentationTime="0">
          <UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="../../time"/>
        </ProducerReferenceTime>
        <SegmentTemplate timescale="90000" initialization="abc.1/video-h0.mp4" media="abc.1/video-$Number$.m4s" startNumber="0" availabilityTimeOffset="0.933" availabilityTimeComplete="false" duration="90000"/>
        <Representation id="video" codecs="avc1.64001f" bandwidth="40000" width="640" height="360" sar="1:1" frameRate="30"/>
      </AdaptationSet>
      <AdaptationSet id="1" contentType="audio" mimeType="audio/mp4" segmentAlignment="true" startWithSAP="1">
        <ProducerReferenceTime id="1" type="encoder" wallClockTime="2023-11-14T22:13:20.000Z" presentationTime="0">
          <UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="../../time"/>
        </ProducerReferenceTime>
        <SegmentTemplate timescale="48000" initialization="abc.1/audio-h0.mp4" media="abc.1/audio-$Number$.m4s" startNumber="0" availabilityTimeOffset="0.933" availabilityTimeComplete="false" duration="48000"/>
        <Representation id="audio" codecs="mp4a.40.2" bandwidth="40000" audioSamplingRate="48000">
          <AudioChannelConfiguration schemeIdUri="urn:mpeg:mpegB:cicp:ChannelConfiguration" value="2"/>
        </Representation>
      </AdaptationSet>
    </Period>
    <UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="../../time"/>
</MPD>
)");
}

TEST_F(ManifestsTest, a_grid_that_is_no_whole_number_of_the_tracks_ticks_gets_a_timescale_that_fits) {
  start({.grid = 1001ms});
  broadcast.segments(3);
  EXPECT_THAT(mpd(), HasSubstr("timescale=\"90000\""));
  EXPECT_THAT(mpd(), HasSubstr("duration=\"90090\""));
  EXPECT_THAT(mpd(), HasSubstr("duration=\"48048\""));
  EXPECT_EQ(wire::dash::exact_timescale(1001ms, 44'100), 1'000u);
}

TEST_F(ManifestsTest, after_a_discontinuity_a_period_begins_at_its_wall_time_with_its_own_first_number) {
  start();
  broadcast.segments(3);
  broadcast.period(PeriodStart::discontinuity, 5s);
  broadcast.header(1);
  broadcast.segments(2);
  const std::string text = mpd();
  EXPECT_THAT(text, HasSubstr("<Period id=\"0\" start=\"PT0S\" duration=\"PT3S\">"));
  EXPECT_THAT(text, HasSubstr("<Period id=\"1\" start=\"PT8S\">"));
  EXPECT_THAT(text,
              HasSubstr("initialization=\"abc.1/video-h1.mp4\" media=\"abc.1/video-$Number$.m4s\" startNumber=\"3\" "
                        "presentationTimeOffset=\"270000\""));
}

TEST_F(ManifestsTest, the_clock_of_a_manifest_does_not_move_when_its_first_period_has_left) {
  start();
  broadcast.segments(3);
  broadcast.period(PeriodStart::discontinuity, 5s);
  broadcast.segments(40);
  EXPECT_THAT(mpd(), HasSubstr("availabilityStartTime=\"2023-11-14T22:13:20.000Z\""));
  EXPECT_THAT(mpd(), Not(HasSubstr("<Period id=\"0\"")));
  EXPECT_THAT(mpd(), HasSubstr("<Period id=\"1\" start=\"PT8S\">"));
}

TEST_F(ManifestsTest, a_new_period_appears_with_all_its_tracks_or_not_yet) {
  start();
  broadcast.segments(2);
  broadcast.period(PeriodStart::discontinuity, 5s);
  broadcast.write(media::SegmentBegun{0, 2, 1, 0, broadcast.at, 0});
  EXPECT_THAT(mpd(), Not(HasSubstr("<Period id=\"1\"")));
  broadcast.write(media::SegmentBegun{1, 2, 1, 0, broadcast.at, 0});
  EXPECT_THAT(mpd(), HasSubstr("<Period id=\"1\""));
}

TEST_F(ManifestsTest, off_the_grid_every_finished_segment_is_named_with_its_time) {
  start();
  broadcast.segments(2);
  broadcast.period(PeriodStart::off_grid);
  for (const int parts : {4, 4, 6}) {
    broadcast.open();
    for (int i = 0; i < parts; ++i) broadcast.add_part();
    broadcast.close();
  }
  const std::string text = mpd();
  EXPECT_THAT(text, HasSubstr("<Period id=\"0\" start=\"PT0S\">"));  // seamless: it ends where the next begins
  EXPECT_THAT(text, HasSubstr("<Period id=\"1\" start=\"PT2S\">"));
  EXPECT_THAT(text, HasSubstr("startNumber=\"2\" presentationTimeOffset=\"180000\">\n"
                              "          <SegmentTimeline>\n"
                              "            <S t=\"180000\" d=\"72000\" r=\"1\"/>\n"
                              "            <S t=\"324000\" d=\"108000\"/>\n"
                              "          </SegmentTimeline>\n"));
}

TEST_F(ManifestsTest, segments_more_than_half_a_grid_off_are_named_too) {
  start();
  broadcast.segments(2);
  broadcast.open();
  broadcast.add_part();
  broadcast.close();
  broadcast.segments(2);
  EXPECT_THAT(mpd(), HasSubstr("<S t=\"180000\" d=\"18000\"/>"));
}

TEST_F(ManifestsTest, a_broadcast_that_is_over_is_static_and_begins_with_its_first_segment_that_is_left) {
  start();
  broadcast.segments(30);
  broadcast.state(BroadcastState::ended);
  const std::string text = mpd();
  EXPECT_THAT(text, HasSubstr("type=\"static\""));
  EXPECT_THAT(text, HasSubstr("mediaPresentationDuration=\"PT30S\""));
  EXPECT_THAT(text, HasSubstr("<Period id=\"0\" start=\"PT20S\" duration=\"PT10S\">"));
  EXPECT_THAT(text, HasSubstr("startNumber=\"20\" presentationTimeOffset=\"1800000\" duration=\"90000\"/>"));
  for (const char* live_only : {"minimumUpdatePeriod", "timeShiftBufferDepth", "availabilityTimeOffset", "UTCTiming"}) {
    EXPECT_THAT(text, Not(HasSubstr(live_only)));
  }
}

// Players divide by the grid and round up: a millisecond too much and they ask for a segment that never was.
TEST_F(ManifestsTest, a_period_that_is_over_has_room_for_as_many_segments_as_it_has) {
  start();
  broadcast.segments(2);
  broadcast.open();
  broadcast.add_part();
  broadcast.close(1010ms);
  broadcast.period(PeriodStart::discontinuity, 5s);
  broadcast.segments(1);
  broadcast.open();
  broadcast.add_part();
  broadcast.close(1s + 333us);
  EXPECT_THAT(mpd(), HasSubstr("<Period id=\"0\" start=\"PT0S\" duration=\"PT3S\">"));
  broadcast.state(BroadcastState::ended);
  EXPECT_THAT(mpd(), HasSubstr("<Period id=\"1\" start=\"PT8.01S\" duration=\"PT2S\">"));
}

// An encoder may write a composition time below zero; a machine's clock may be set right in mid-broadcast.
TEST_F(ManifestsTest, nothing_begins_before_the_presentation_does) {
  MadeUpBroadcast early;
  early.at = MediaTime(-5s);
  start(std::move(early));
  broadcast.segments(2);
  EXPECT_THAT(mpd(), HasSubstr("<Period id=\"0\" start=\"PT0S\">"));
  broadcast.period(PeriodStart::off_grid);
  broadcast.segments(1);
  EXPECT_THAT(mpd(), HasSubstr("<S t=\"0\""));
  broadcast.period(PeriodStart::discontinuity, -3600s);
  broadcast.segments(1);
  EXPECT_THAT(mpd(), HasSubstr("<Period id=\"2\" start=\"PT0S\">"));
}

std::filesystem::path shared_data() {
  if (const char* named = std::getenv("KLIEG_SHARED_DATA")) return named;
  return std::filesystem::path(__FILE__).parent_path() / "../../../shared/data";
}

TEST_F(ManifestsTest, every_kind_of_manifest_validates_against_the_schema_of_the_standard) {
  const auto schema = shared_data() / "suites/dash-xsd/DASH-MPD-local.xsd";
  if (!std::filesystem::exists(schema)) GTEST_SKIP() << "no DASH schema at " << schema << ": set KLIEG_SHARED_DATA";
  if (std::system("xmllint --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "xmllint is not installed";
  const auto directory = std::filesystem::temp_directory_path() / ("klieg-mpd-" + std::to_string(::getpid()));
  std::filesystem::create_directory(directory);
  int count = 0;
  auto keep = [&] { std::ofstream(directory / (std::to_string(count++) + ".mpd")) << mpd(); };

  const std::vector<media::Rung> rungs{
      {.name = "480p", .bits_per_second = 1'200'000, .width = 854, .height = 480},
      {.name = "240p", .bits_per_second = 400'000, .width = 426, .height = 240},
      {.name = "audio-64k", .kind = TrackKind::audio, .bits_per_second = 64'000},
  };
  using Kinds = std::vector<TrackKind>;
  for (const Kinds& kinds :
       {Kinds{TrackKind::video, TrackKind::audio}, Kinds{TrackKind::video}, Kinds{TrackKind::audio}}) {
    for (const Duration grid : {Duration(1s), Duration(1001ms), Duration(2s), Duration(1'033'333'333ns)}) {
      start({.grid = grid, .kinds = kinds, .rungs = grid == 2s ? rungs : std::vector<media::Rung>()});
      broadcast.segments(2);
      keep();
      broadcast.period(PeriodStart::discontinuity, 4s);
      broadcast.header(1, 1920, 1080);
      keep();
      broadcast.segments(2);
      broadcast.period(PeriodStart::off_grid);
      keep();
      broadcast.segments(3);
      broadcast.open();
      broadcast.add_part();
      keep();
      broadcast.close();
      if (!broadcast.rungs.empty()) {
        broadcast.lost = {kinds.size()};
        broadcast.segments(2);
        keep();
        broadcast.lost = {};
      }
      broadcast.state(BroadcastState::paused);
      keep();
      broadcast.state(BroadcastState::live);
      broadcast.segments(30);
      keep();
      broadcast.state(BroadcastState::ended);
      keep();
    }
  }
  const std::string command = "xmllint --nonet --noout --schema '" + schema.string() + "' " + directory.string() +
                              "/*.mpd >" + directory.string() + "/out 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0) << std::ifstream(directory / "out").rdbuf();
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace klieg::origin
