#include "origin/names.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klieg::origin {
namespace {

TEST(Names, every_kind_of_name_reads_back) {
  EXPECT_EQ(parse_name("/live/cam/index.m3u8")->kind, NameKind::multivariant);
  EXPECT_EQ(parse_name("/live/cam/manifest.mpd")->kind, NameKind::manifest);
  EXPECT_EQ(parse_name("/live/cam/status.json")->kind, NameKind::status);
  EXPECT_EQ(parse_name("/live/cam/poster.jpg")->kind, NameKind::poster);
  EXPECT_EQ(parse_name("/live/cam/x.1/storyboard.vtt")->kind, NameKind::storyboard);
  EXPECT_EQ(parse_name("/live/cam/x.1/thumb-34567.jpg")->kind, NameKind::thumbnail);
  EXPECT_EQ(parse_name("/live/cam/x.1/thumb-34567.jpg")->number, 34567u);
  const auto playlist = parse_name("/live/cam/x.1/video.m3u8");
  ASSERT_TRUE(playlist);
  EXPECT_EQ(playlist->kind, NameKind::playlist);
  EXPECT_EQ(playlist->channel, "cam");
  EXPECT_EQ(playlist->broadcast, "x.1");
  EXPECT_EQ(playlist->track, "video");
  const auto header = parse_name("/live/cam/x.1/video-h3.mp4");
  ASSERT_TRUE(header);
  EXPECT_EQ(header->kind, NameKind::header);
  EXPECT_EQ(header->number, 3u);
  const auto part = parse_name("/live/cam/x.1/720p-hi-12.3.m4s");
  ASSERT_TRUE(part);
  EXPECT_EQ(part->kind, NameKind::part);
  EXPECT_EQ(part->track, "720p-hi");
  EXPECT_EQ(part->number, 12u);
  EXPECT_EQ(part->part, 3u);
}

TEST(Names, what_belongs_to_a_track_begins_with_its_topic) {
  for (const char* object : {".m3u8", "-h0.mp4", "-12.m4s", "-12.3.m4s"}) {
    EXPECT_EQ(topic_of(std::string("/live/cam/x.1/720p-hi") + object), "/live/cam/x.1/720p-hi") << object;
  }
  for (const char* path : {"/live/cam/index.m3u8", "/live/cam/manifest.mpd", "/live/cam/x.1/storyboard.vtt",
                           "/live/cam/x.1/thumb-34567.jpg", "/time", "/live/cam/x.1/-12.m4s"}) {
    EXPECT_EQ(topic_of(path), "") << path;
  }
}

TEST(Names, an_object_has_one_spelling_and_nothing_else_is_a_name) {
  for (const char* path : {"",
                           "/",
                           "/live",
                           "/live/",
                           "/live/cam",
                           "/live/cam/",
                           "/live//index.m3u8",
                           "/live/cam/x.1/video-012.m4s",
                           "/live/cam/x.1/video-+1.m4s",
                           "/live/cam/x.1/video-1.m4s/",
                           "/live/cam/x.1/video-1.2.3.m4s",
                           "/live/cam/x.1/-1.m4s",
                           "/live/cam/x.1/video-.m4s",
                           "/live/cam/x.1/video-18446744073709551616.m4s",
                           "/live/cam/x.1/video-0.mp4",
                           "/live/cam/x.1/video-h.mp4",
                           "/live/cam/x.1/poster.jpg",
                           "/live/cam/x.1/thumb-.jpg",
                           "/live/cam/x.1/thumb-01.jpg",
                           "/live/cam/storyboard.vtt",
                           "/live/cam/x.1/.m3u8",
                           "/live/cam/x.1/y/video-1.m4s",
                           "/live/cam/index.m3u8/",
                           "/other/cam/index.m3u8"}) {
    EXPECT_FALSE(parse_name(path)) << path;
  }
}

RC_GTEST_PROP(Names, what_is_written_reads_back, (uint64_t msn, uint32_t part)) {
  const std::string path = "/live/cam/id.7/" + part_name("audio", msn, part);
  const auto name = parse_name(path);
  RC_ASSERT(name.has_value());
  RC_ASSERT(name->kind == NameKind::part);
  RC_ASSERT(name->number == msn);
  RC_ASSERT(name->part == part);
}

}  // namespace
}  // namespace klieg::origin
