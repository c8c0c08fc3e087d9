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
  const size_t open_parts = playlist.open ? playlist.open->parts.size() : 0;
  RC_ASSERT((read->open ? read->open->parts.size() : 0) == open_parts);
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
  ASSERT_EQ(read->variants.size(), 2u);
  EXPECT_EQ(read->variants[0].uri, "x.1/720p.m3u8");
  EXPECT_EQ(read->variants[0].codecs, "avc1.64001f,mp4a.40.2");
  EXPECT_EQ(read->variants[0].bandwidth, 2'100'000u);
  EXPECT_EQ(read->variants[0].audio, Audio::of_group);
  EXPECT_EQ(read->variants[1].audio, Audio::own);
  ASSERT_EQ(read->audio.size(), 1u);
  EXPECT_EQ(read->audio[0].uri, "x.1/audio.m3u8");
  EXPECT_EQ(read->audio[0].channels, 2u);
}

TEST(HlsReader, puts_the_rendition_that_plays_by_default_first_and_leaves_other_groups_out) {
  const auto read = read_multivariant_playlist(
      "#EXTM3U\r\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x, y\",URI=\"other.m3u8\"\r\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"z\",DEFAULT=YES,URI=\"main.m3u8\"\r\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"b\",NAME=\"z\",DEFAULT=YES,URI=\"low.m3u8\"\r\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\r\n\r\nv.m3u8\r\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"b\"\r\nw.m3u8\r\n");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->variants.size(), 2u);
  EXPECT_EQ(read->variants[0].audio, Audio::of_group);
  EXPECT_EQ(read->variants[1].audio, Audio::own);
  ASSERT_EQ(read->audio.size(), 2u);
  EXPECT_EQ(read->audio[0].uri, "main.m3u8");
  EXPECT_EQ(read->audio[1].name, "x, y");
}

MediaPlaylist read_media(std::string_view text) {
  auto playlist = read_playlist(text);
  EXPECT_TRUE(playlist) << playlist.error().message;
  return std::get<MediaPlaylist>(*playlist);
}

TEST(HlsReader, reads_dates_parts_and_hints_as_they_were_written) {
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

TEST(HlsReader, a_segment_without_a_date_follows_the_one_before) {
  const MediaPlaylist read = read_media(
      "#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n#EXT-X-PROGRAM-DATE-TIME:2024-02-29T12:34:56Z\r\n#EXTINF:4.0,\r\na.ts\r\n"
      "#EXTINF:3.5,title\r\nb.ts\r\n#EXT-X-ENDLIST\r\n");
  EXPECT_EQ(read.segments[1].begins, WallTime(1'709'210'100s));
  EXPECT_EQ(read.segments[1].duration, 3500ms);
  EXPECT_EQ(read.ended, Ended::yes);
}

TEST(HlsReader, skipped_segments_count) {
  EXPECT_EQ(read_media("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:10\n#EXT-X-SKIP:SKIPPED-SEGMENTS=5\n"
                       "#EXTINF:1,\na\n")
                .media_sequence,
            15u);
}

TEST(HlsReader, says_in_which_line_a_text_is_no_playlist) {
  const std::string begins = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n";
  const auto why = [](const std::string& text) {
    const auto playlist = read_playlist(text);
    return playlist ? "nothing" : playlist.error().message;
  };
  EXPECT_EQ(why(""), "line 1: a playlist begins with #EXTM3U");
  EXPECT_EQ(why("<html>"), "line 1: a playlist begins with #EXTM3U");
  EXPECT_EQ(why("#EXTM3U8\n"), "line 1: a playlist begins with #EXTM3U");
  EXPECT_EQ(why("#EXTM3U\n"), "it has neither EXT-X-TARGETDURATION nor EXT-X-STREAM-INF");
  EXPECT_EQ(why(begins + "\nvideo-0.m4s\n"), "line 4: a URI without EXTINF or EXT-X-STREAM-INF");
  EXPECT_EQ(why(begins + "#EXT-X-MEDIA-SEQUENCE:-1\n"), "line 3: cannot be understood: #EXT-X-MEDIA-SEQUENCE:-1");
  EXPECT_EQ(why(begins + "#EXTINF:-4,\na\n"), "line 3: cannot be understood: #EXTINF:-4,");
  EXPECT_EQ(why(begins + "#EXT-X-PART:DURATION=0.2,URI=\"a\",BYTERANGE=\"20\"\n"),
            "line 3: a part's BYTERANGE has no offset");
  for (const char* line :
       {"#EXT-X-TARGETDURATION:1x", "#EXT-X-MEDIA-SEQUENCE: 1", "#EXTINF:1s,", "#EXTINF:nan,", "#EXTINF:1e99,",
        "#EXT-X-PART:URI=\"a\"", "#EXT-X-PART:DURATION=\"0.2", "#EXT-X-SKIP:SKIPPED-SEGMENTS=-1",
        "#EXT-X-PROGRAM-DATE-TIME:today", "#EXT-X-PART-INF:PART-TARGET=0.2.2"}) {
    EXPECT_TRUE(why(begins + line + "\n").starts_with("line 3: cannot be understood: ")) << line << why(begins + line);
  }
}

TEST(HlsReader, passes_over_what_it_does_not_know) {
  const MediaPlaylist read = read_media(
      "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-FUTURE:A=\"b\n# a comment\n#EXT-X-PRELOAD-HINT:TYPE=MAP,URI=\"m\"\n"
      "#EXTINF:1\na\n");
  EXPECT_EQ(read.segments.size(), 1u);
  EXPECT_FALSE(read.hint);
}

TEST(HlsReader, tells_the_playlist_that_was_asked_for_from_the_other) {
  const char* media = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n";
  const char* multivariant = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n";
  EXPECT_TRUE(read_media_playlist(media));
  EXPECT_EQ(read_media_playlist(multivariant).error().message, "it is a multivariant playlist");
  EXPECT_TRUE(read_multivariant_playlist(multivariant));
  EXPECT_EQ(read_multivariant_playlist(media).error().message, "it is a media playlist");
}

}  // namespace
}  // namespace klieg::wire::hls
