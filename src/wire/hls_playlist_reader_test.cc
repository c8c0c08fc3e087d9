#include "wire/hls_playlist_reader.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klieg::wire::hls {
namespace {

MediaPlaylist read_media(std::string_view text) {
  auto playlist = read_playlist(text);
  EXPECT_TRUE(playlist) << playlist.error().message;
  return std::get<MediaPlaylist>(*playlist);
}

TEST(HlsPlaylistReader, reads_what_is_rendered) {
  MediaPlaylist written{.target_duration_s = 1, .part_target = 200ms, .part_hold_back = 600ms, .media_sequence = 41};
  for (int i = 0; i < 3; ++i) {
    written.segments.push_back({.uri = "video-" + std::to_string(41 + i) + ".m4s",
                                .duration = 1s,
                                .begins = WallTime(1'800'000'000s + i * 1s),
                                .map_uri = "init.mp4"});
  }
  written.segments[2].parts = {{.uri = "video-43.0.m4s", .duration = 200ms, .independent = Independent::yes},
                               {.uri = "video-43.1.m4s", .duration = 200ms, .range = ByteRange{10, 20}}};
  written.open = Segment{.begins = WallTime(1'800'000'003s),
                         .map_uri = "init.mp4",
                         .parts = {{.uri = "video-44.0.m4s", .duration = 166'670us}}};
  written.hint = PreloadHint{"video-44.1.m4s", {}};
  const MediaPlaylist read = read_media(render(written, Skip::nothing));
  EXPECT_EQ(read.media_sequence, 41u);
  EXPECT_EQ(read.part_target, 200ms);
  ASSERT_EQ(read.segments.size(), 3u);
  EXPECT_EQ(read.segments[1].begins, written.segments[1].begins);
  EXPECT_EQ(read.segments[1].map_uri, "init.mp4");
  ASSERT_EQ(read.segments[2].parts.size(), 2u);
  EXPECT_EQ(read.segments[2].parts[0].independent, Independent::yes);
  EXPECT_EQ(read.segments[2].parts[1].range->offset, 10u);
  ASSERT_TRUE(read.open);
  EXPECT_EQ(read.open->parts[0].duration, 166'670us);
  EXPECT_EQ(read.open->begins, WallTime(1'800'000'003s));
  EXPECT_EQ(read.hint->uri, "video-44.1.m4s");
  EXPECT_EQ(read.ended, Ended::no);
}

TEST(HlsPlaylistReader, reads_variants) {
  const auto playlist = read_playlist(
      "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=2000000,CODECS=\"avc1.64001f,mp4a.40.2\"\nhigh/index.m3u8\n"
      "#EXT-X-STREAM-INF:CODECS=\"avc1\",BANDWIDTH=500000\nlow.m3u8\n");
  ASSERT_TRUE(playlist);
  const auto& variants = std::get<MultivariantPlaylist>(*playlist).variants;
  ASSERT_EQ(variants.size(), 2u);
  EXPECT_EQ(variants[0].codecs, "avc1.64001f,mp4a.40.2");
  EXPECT_EQ(variants[1].bandwidth, 500'000u);
}

TEST(HlsPlaylistReader, a_segment_without_a_date_follows_the_one_before) {
  const MediaPlaylist read = read_media(
      "#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n#EXT-X-PROGRAM-DATE-TIME:2024-02-29T12:34:56Z\r\n#EXTINF:4.0,\r\na.ts\r\n"
      "#EXTINF:3.5,title\r\nb.ts\r\n#EXT-X-ENDLIST\r\n");
  EXPECT_EQ(read.segments[1].begins, WallTime(1'709'210'100s));
  EXPECT_EQ(read.segments[1].duration, 3500ms);
  EXPECT_EQ(read.ended, Ended::yes);
}

TEST(HlsPlaylistReader, skipped_segments_count) {
  EXPECT_EQ(read_media("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:10\n#EXT-X-SKIP:SKIPPED-SEGMENTS=5\n"
                       "#EXTINF:1,\na\n")
                .media_sequence,
            15u);
}

TEST(HlsPlaylistReader, says_what_is_wrong) {
  EXPECT_FALSE(read_playlist(""));
  EXPECT_FALSE(read_playlist("<html>"));
  EXPECT_FALSE(read_playlist("#EXTM3U\n"));
  EXPECT_FALSE(read_playlist("#EXTM3U\n#EXT-X-TARGETDURATION:x\n"));
  EXPECT_FALSE(read_playlist("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:-4,\na\n"));
}

}  // namespace
}  // namespace klieg::wire::hls
