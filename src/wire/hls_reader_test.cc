#include "wire/hls_reader.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace klieg::wire::hls {
namespace {

std::string name(const char* stem) {
  return *rc::gen::arbitrary<bool>() ? std::string(stem) : std::string(stem) + "-1";
}

Segment made_up_segment() {
  Segment segment;
  segment.uri = name("video") + ".m4s";
  segment.duration = std::chrono::milliseconds(*rc::gen::inRange(0, 4000));
  segment.map_uri = name("video-h0");
  segment.gap = *rc::gen::element(Gap::no, Gap::yes);
  segment.break_before = *rc::gen::element(Break::none, Break::discontinuity);
  for (int parts = *rc::gen::inRange(0, 3); parts > 0; --parts) {
    segment.parts.push_back({.uri = name("part"), .duration = 200ms, .independent = Independent::no, .range = {}});
  }
  return segment;
}

RC_GTEST_PROP(HlsReader, reads_of_a_media_playlist_what_was_written, ()) {
  MediaPlaylist playlist;
  playlist.media_sequence = *rc::gen::arbitrary<uint64_t>();
  for (int segments = *rc::gen::inRange(0, 5); segments > 0; --segments) playlist.segments.push_back(made_up_segment());
  if (*rc::gen::arbitrary<bool>()) playlist.open = made_up_segment();
  playlist.ended = *rc::gen::element(Ended::no, Ended::yes);

  const std::string text = render(playlist, Skip::nothing);
  const auto read = read_media_playlist(text);
  RC_ASSERT(read);
  RC_ASSERT(read->media_sequence == playlist.media_sequence);
  RC_ASSERT(read->segments.size() == playlist.segments.size());
  for (size_t i = 0; i < playlist.segments.size(); ++i) {
    RC_ASSERT(read->segments[i].uri == playlist.segments[i].uri);
    RC_ASSERT(read->segments[i].gap == playlist.segments[i].gap);
  }
  RC_ASSERT(read->open_parts == (playlist.open ? playlist.open->parts.size() : 0));
  RC_ASSERT(read->ended == playlist.ended);
}

TEST(HlsReader, reads_of_a_multivariant_playlist_what_was_written) {
  MultivariantPlaylist playlist;
  playlist.audio.push_back({"audio", "x.1/audio.m3u8", 2});
  playlist.variants.push_back({.uri = "x.1/720p.m3u8", .codecs = "avc1.64001f,mp4a.40.2", .bandwidth = 2'100'000});
  playlist.variants.push_back({.uri = "x.1/audio-64k.m3u8",
                               .codecs = "mp4a.40.2",
                               .bandwidth = 64'000,
                               .average_bandwidth = 64'000,
                               .audio = Audio::own});
  const std::string text = render(playlist);
  const auto read = read_multivariant_playlist(text);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ(read->at(0).uri, "x.1/720p.m3u8");
  EXPECT_EQ(read->at(0).codecs, "avc1.64001f,mp4a.40.2");
  EXPECT_EQ(read->at(0).bandwidth, 2'100'000u);
  EXPECT_EQ(read->at(0).audio_uri, "x.1/audio.m3u8");
  EXPECT_EQ(read->at(1).audio_uri, "");
}

TEST(HlsReader, takes_the_rendition_that_plays_by_default) {
  const auto read = read_multivariant_playlist(
      "#EXTM3U\r\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x, y\",URI=\"other.m3u8\"\r\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"z\",DEFAULT=YES,URI=\"main.m3u8\"\r\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\r\n\r\nv.m3u8\r\n");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 1u);
  EXPECT_EQ(read->front().audio_uri, "main.m3u8");
}

TEST(HlsReader, says_in_which_line_a_text_is_no_playlist) {
  EXPECT_EQ(read_media_playlist("").error().message, "line 0: a playlist begins with #EXTM3U");
  EXPECT_EQ(read_media_playlist("#EXTM3U\n\nvideo-0.m4s\n").error().message, "line 3: a URI without EXTINF");
  EXPECT_EQ(read_media_playlist("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:-1\n").error().message,
            "line 2: EXT-X-MEDIA-SEQUENCE is a decimal number");
  EXPECT_FALSE(read_media_playlist("#EXTM3U\n#EXT-X-SKIP:SKIPPED-SEGMENTS=4\n"));
  EXPECT_FALSE(read_multivariant_playlist("#EXTM3U\nvideo.m3u8\n"));
}

}  // namespace
}  // namespace klieg::wire::hls
