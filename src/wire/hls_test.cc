#include "wire/hls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace klieg::wire::hls {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> lines(const std::string& text, std::string_view beginning = "") {
  std::vector<std::string> found;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(beginning)) found.push_back(line);
  }
  return found;
}

Segment segment(int number, std::string map = "video-h0.mp4") {
  Segment made;
  made.uri = "video-" + std::to_string(number) + ".m4s";
  made.duration = 1s;
  made.begins = WallTime(1'700'000'000s) + std::chrono::seconds(number);
  made.map_uri = std::move(map);
  return made;
}

MediaPlaylist playlist(int count, int first = 0) {
  MediaPlaylist made;
  made.target_duration_s = 1;
  made.part_target = 200ms;
  made.part_hold_back = 800ms;
  made.media_sequence = static_cast<uint64_t>(first);
  for (int i = 0; i < count; ++i) made.segments.push_back(segment(first + i));
  return made;
}

TEST(Hls, a_playlist_reads_as_the_draft_says) {
  MediaPlaylist made = playlist(2, 7);
  made.segments[1].parts = {{"video-8.0.m4s", 200ms, Independent::yes, std::nullopt},
                            {"video-8.1.m4s", 150ms, Independent::no, std::nullopt}};
  made.open = segment(9);
  made.open->parts = {{"video-9.0.m4s", 200ms, Independent::yes, std::nullopt}};
  made.hint = PreloadHint{"video-9.1.m4s", std::nullopt};
  made.reports = {{"audio.m3u8", 9, 1}};
  EXPECT_EQ(render(made, Skip::nothing),
            R"(#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:1
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=6.0,HOLD-BACK=3.0,PART-HOLD-BACK=0.800
#EXT-X-PART-INF:PART-TARGET=0.20000
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-MAP:URI="video-h0.mp4"
#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:27.000Z
#EXTINF:1.00000,
video-7.m4s
#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:28.000Z
#EXT-X-PART:DURATION=0.20000,URI="video-8.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.15000,URI="video-8.1.m4s"
#EXTINF:1.00000,
video-8.m4s
#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:29.000Z
#EXT-X-PART:DURATION=0.20000,URI="video-9.0.m4s",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="video-9.1.m4s"
#EXT-X-RENDITION-REPORT:URI="audio.m3u8",LAST-MSN=9,LAST-PART=1
)");
}

TEST(Hls, a_part_may_be_a_range_of_its_segment_and_the_hint_an_open_one) {
  MediaPlaylist made = playlist(0);
  made.open = segment(0);
  made.open->parts = {{"video-0.m4s", 200ms, Independent::yes, ByteRange{0, 500}},
                      {"video-0.m4s", 200ms, Independent::no, ByteRange{500, 300}}};
  made.hint = PreloadHint{"video-0.m4s", 800};
  const std::string text = render(made, Skip::nothing);
  EXPECT_THAT(lines(text, "#EXT-X-PART:"),
              ElementsAre("#EXT-X-PART:DURATION=0.20000,URI=\"video-0.m4s\",BYTERANGE=\"500@0\",INDEPENDENT=YES",
                          "#EXT-X-PART:DURATION=0.20000,URI=\"video-0.m4s\",BYTERANGE=\"300@500\""));
  EXPECT_THAT(text, HasSubstr("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"video-0.m4s\",BYTERANGE-START=800\n"));
}

TEST(Hls, a_delta_update_keeps_the_last_six_target_durations) {
  const std::string text = render(playlist(20, 100), Skip::old_segments);
  EXPECT_THAT(text, HasSubstr("#EXT-X-MEDIA-SEQUENCE:100\n#EXT-X-SKIP:SKIPPED-SEGMENTS=13\n"));
  EXPECT_THAT(lines(text, "video-"), testing::SizeIs(7));
  EXPECT_THAT(text, HasSubstr("video-113.m4s"));
  EXPECT_THAT(text, Not(HasSubstr("video-112.m4s")));
  // The header in force lies among what was skipped and did not change.
  EXPECT_THAT(text, Not(HasSubstr("EXT-X-MAP")));
}

TEST(Hls, a_delta_update_says_again_what_changes_after_the_skipped_segments) {
  MediaPlaylist made = playlist(20);
  for (int i = 13; i < 20; ++i) made.segments[i].map_uri = "video-h1.mp4";
  made.segments[13].break_before = Break::discontinuity;
  const std::string text = render(made, Skip::old_segments);
  EXPECT_THAT(text, HasSubstr("SKIPPED-SEGMENTS=13\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"video-h1.mp4\"\n"));
}

TEST(Hls, when_nothing_can_be_skipped_the_whole_playlist_is_the_answer) {
  EXPECT_EQ(render(playlist(6), Skip::old_segments), render(playlist(6), Skip::nothing));
}

TEST(Hls, a_new_header_is_named_where_it_begins) {
  MediaPlaylist made = playlist(3);
  made.segments[2].map_uri = "video-h1.mp4";
  made.segments[2].break_before = Break::discontinuity;
  made.discontinuity_sequence = 4;
  const std::string text = render(made, Skip::nothing);
  EXPECT_THAT(text, HasSubstr("#EXT-X-DISCONTINUITY-SEQUENCE:4\n"));
  EXPECT_THAT(text, HasSubstr("video-1.m4s\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"video-h1.mp4\"\n"));
}

TEST(Hls, an_ended_playlist_says_so_and_promises_nothing) {
  MediaPlaylist made = playlist(3);
  made.ended = Ended::yes;
  made.hint = PreloadHint{"video-3.0.m4s", std::nullopt};
  const std::string text = render(made, Skip::nothing);
  EXPECT_TRUE(text.ends_with("video-2.m4s\n#EXT-X-ENDLIST\n"));
  EXPECT_THAT(text, Not(HasSubstr("PRELOAD-HINT")));
}

TEST(Hls, video_plays_with_its_audio_group) {
  MultivariantPlaylist made;
  made.all_segments = Independent::yes;
  made.variants = {{"x.1/video.m3u8", "avc1.64001f,mp4a.40.2", 1'200'000, 900'000, 640, 360, 30}};
  made.audio = {{"audio", "x.1/audio.m3u8", 2}};
  EXPECT_EQ(render(made), R"(#EXTM3U
#EXT-X-VERSION:9
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="x.1/audio.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1200000,AVERAGE-BANDWIDTH=900000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=30.000,AUDIO="audio"
x.1/video.m3u8
)");
}

TEST(Hls, directives_are_read_and_strangers_tolerated) {
  EXPECT_EQ(parse_directives(""), Directives{});
  EXPECT_EQ(parse_directives("_HLS_msn=12&_HLS_part=3&_HLS_skip=YES"), (Directives{12, 3, Skip::old_segments}));
  EXPECT_EQ(parse_directives("token=a%26b&_HLS_msn=12&_HLS_push=1&x&=&&"),
            (Directives{12, std::nullopt, Skip::nothing}));
  EXPECT_EQ(parse_directives("_HLS_skip=v2"), (Directives{std::nullopt, std::nullopt, Skip::old_segments}));
}

TEST(Hls, a_directive_that_cannot_be_meant_is_refused_with_words) {
  for (const char* query :
       {"_HLS_msn=", "_HLS_msn=-1", "_HLS_msn=1.5", "_HLS_msn=0x10", "_HLS_msn=18446744073709551616", "_HLS_part=1",
        "_HLS_msn=1&_HLS_part=x", "_HLS_msn=1&_HLS_msn=2", "_HLS_skip=NO", "_HLS_skip"}) {
    EXPECT_FALSE(parse_directives(query)) << query;
  }
}

TEST(Hls, the_advance_part_limit_is_three_seconds_of_parts_or_three) {
  EXPECT_EQ(advance_part_limit(200ms), 15u);
  EXPECT_EQ(advance_part_limit(350ms), 9u);
  EXPECT_EQ(advance_part_limit(1s), 3u);
  EXPECT_EQ(advance_part_limit(2s), 3u);
}

}  // namespace
}  // namespace klieg::wire::hls
