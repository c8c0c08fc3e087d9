#include "player/hls_viewer.h"

#include <gtest/gtest.h>

#include "wire/cmaf_chunk.h"

namespace klieg::player {
namespace {

constexpr LoopTime start{100s};

Answered answer(std::string_view body, LoopTime asked = start) {
  return {.asked = asked, .first_byte = asked, .last_byte = asked + 1ms, .status = 200, .body = Bytes::copy_of(body)};
}

const std::string multivariant = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nabc.1/video.m3u8\n";

std::string head(int sequence) {
  return "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-PART-INF:PART-TARGET=0.5\n#EXT-X-MEDIA-SEQUENCE:" +
         std::to_string(sequence) + "\n#EXT-X-PROGRAM-DATE-TIME:2024-02-29T12:34:56Z\n";
}
const std::string parts_of_7 = "#EXT-X-PART:DURATION=0.5,URI=\"v-7.0\"\n#EXT-X-PART:DURATION=0.5,URI=\"v-7.1\"\n";
const std::string segment_7 = "#EXTINF:1.0,\nv-7\n";
const std::string part_of_8 = "#EXT-X-PART:DURATION=0.5,URI=\"v-8.0\"\n";

struct AViewer : testing::Test {
  std::string wants(HlsViewer& viewer, LoopTime now = start) {
    const auto wanted = viewer.next(now);
    return wanted ? wanted->target : "nothing";
  }
  HlsViewer parts{"/live/cam/index.m3u8", Tier::ll_hls};
  HlsViewer segments{"/live/cam/index.m3u8", Tier::hls};
};

TEST_F(AViewer, of_parts_begins_with_the_newest_and_then_asks_for_what_comes_next) {
  EXPECT_EQ(wants(parts), "/live/cam/index.m3u8");
  ASSERT_TRUE(parts.take(answer(multivariant)));
  EXPECT_EQ(wants(parts), "/live/cam/abc.1/video.m3u8");
  ASSERT_TRUE(parts.take(answer(head(7) + parts_of_7 + segment_7 + part_of_8)));
  EXPECT_EQ(wants(parts), "/live/cam/abc.1/v-8.0");
  const auto received = parts.take(answer("x"));
  ASSERT_TRUE(received && *received);
  EXPECT_EQ((*received)->begins, WallTime(1'709'210'097s));
  EXPECT_EQ((*received)->duration, 500ms);
  EXPECT_EQ(wants(parts), "/live/cam/abc.1/video.m3u8?_HLS_msn=8&_HLS_part=1");
}

TEST_F(AViewer, of_parts_misses_none_that_were_born_meanwhile) {
  parts.next(start);
  ASSERT_TRUE(parts.take(answer(head(7) + "#EXT-X-PART:DURATION=0.5,URI=\"v-7.0\"\n")));
  ASSERT_EQ(wants(parts), "/live/cam/v-7.0");
  ASSERT_TRUE(parts.take(answer("x")));
  EXPECT_EQ(wants(parts), "/live/cam/index.m3u8?_HLS_msn=7&_HLS_part=1");
  ASSERT_TRUE(parts.take(answer(head(7) + parts_of_7 + segment_7 + part_of_8)));
  EXPECT_EQ(wants(parts), "/live/cam/v-7.1");
  EXPECT_EQ((*parts.take(answer("x")))->told, start);
  EXPECT_EQ(wants(parts), "/live/cam/v-8.0");
  ASSERT_TRUE(parts.take(answer("x")));
  EXPECT_EQ(wants(parts), "/live/cam/index.m3u8?_HLS_msn=8&_HLS_part=1");
}

TEST_F(AViewer, of_segments_polls_once_a_target_duration_and_twice_while_nothing_changes) {
  segments.next(start);
  ASSERT_TRUE(segments.take(answer(head(7) + parts_of_7 + segment_7 + part_of_8)));
  EXPECT_EQ(wants(segments), "/live/cam/v-7");
  ASSERT_TRUE(segments.take(answer("x")));
  auto wanted = segments.next(start);
  EXPECT_EQ(wanted->target, "/live/cam/index.m3u8");
  EXPECT_EQ(wanted->at, start + 1s);
  ASSERT_TRUE(segments.take(answer(head(7) + segment_7, start + 1s)));
  EXPECT_EQ(segments.next(start + 1s)->at, start + 1500ms);
}

TEST_F(AViewer, of_segments_polls_as_often_as_is_wished) {
  HlsViewer slow{"/live/cam/index.m3u8", Tier::hls, 2800ms};
  slow.next(start);
  ASSERT_TRUE(slow.take(answer(head(7) + segment_7)));
  EXPECT_EQ(wants(slow), "/live/cam/v-7");
  ASSERT_TRUE(slow.take(answer("x")));
  EXPECT_EQ(slow.next(start)->at, start + 2800ms);
  ASSERT_TRUE(slow.take(answer(head(7) + segment_7, start + 2800ms)));  // nothing new: no sooner for that
  EXPECT_EQ(slow.next(start)->at, start + 5600ms);
}

TEST_F(AViewer, reads_the_cameras_stamp) {
  wire::Chunk chunk{.samples = {{.duration = 3000, .content = Bytes::copy_of("frame")}}};
  chunk.reference = {wire::ReferenceEvent::captured, WallTime(1'709'210'096s), 0};
  parts.next(start);
  ASSERT_TRUE(parts.take(answer(head(7) + part_of_8)));
  parts.next(start);
  Answered stamped = answer("");
  stamped.body = wire::write_cmaf_chunk(chunk);
  const auto received = parts.take(stamped);
  ASSERT_TRUE(received && *received);
  EXPECT_EQ((*received)->captured, WallTime(1'709'210'096s));
}

TEST_F(AViewer, is_done_when_the_playlist_has_ended_and_all_was_fetched) {
  parts.next(start);
  ASSERT_TRUE(parts.take(answer(head(7) + parts_of_7 + segment_7 + "#EXT-X-ENDLIST\n")));
  EXPECT_EQ(wants(parts), "/live/cam/v-7.1");
  ASSERT_TRUE(parts.take(answer("x")));
  EXPECT_EQ(wants(parts), "nothing");
}

TEST_F(AViewer, asks_again_after_a_failure_and_gives_up_after_ten) {
  Answered failed{.asked = start, .first_byte = start, .last_byte = start, .status = 503, .body = {}};
  for (int i = 1; i < HlsViewer::failures_max; ++i) {
    parts.next(start);
    ASSERT_TRUE(parts.take(failed));
    EXPECT_EQ(parts.next(start)->at, start + HlsViewer::retry_after);
  }
  EXPECT_FALSE(parts.take(failed));
}

TEST_F(AViewer, says_when_what_came_is_no_playlist) {
  parts.next(start);
  EXPECT_FALSE(parts.take(answer("<html>")));
}

}  // namespace
}  // namespace klieg::player
