#include "player/dash_viewer.h"

#include <gtest/gtest.h>

#include <string>

#include "player/made_up_track.h"

namespace klieg::player {
namespace {

// The server's clock is 1,700,000,000 s before ours; a round trip takes 20 ms.
constexpr ClockRelation clocks{.round_trip = 20ms, .loop_to_server_wall = 1'700'000'000s};
constexpr LoopTime zero(100s);  // when the broadcast began: 2023-11-14T22:15:00Z

std::string manifest(std::string_view periods, std::string_view type = "dynamic") {
  return std::string("<MPD type=\"")
             .append(type)
             .append("\" availabilityStartTime=\"2023-11-14T22:15:00Z\" minimumUpdatePeriod=\"PT2S\">") +
         std::string(periods) + "</MPD>";
}
std::string period(std::string_view attributes, std::string_view segments) {
  return std::string("<Period ")
             .append(attributes)
             .append(
                 "><AdaptationSet mimeType=\"audio/mp4\"><SegmentTemplate media=\"a$Number$\" duration=\"1\"/>"
                 "<Representation id=\"a\"/></AdaptationSet><AdaptationSet mimeType=\"video/mp4\">") +
         std::string(segments) + "<Representation id=\"v\"/></AdaptationSet></Period>";
}
const std::string by_number =
    "<SegmentTemplate timescale=\"90000\" duration=\"90000\" startNumber=\"7\" initialization=\"x/h\" "
    "media=\"x/v-$Number$\" availabilityTimeOffset=\"0.900\"/>";

struct ADashViewer : testing::Test {
  std::string wants(DashViewer& viewer, LoopTime now) {
    const auto wanted = viewer.next(now);
    return wanted ? wanted->target : "nothing";
  }
  Result<std::optional<Received>> answer(DashViewer& viewer, std::string_view body, LoopTime asked) {
    return viewer.take({.asked = asked,
                        .first_byte = asked + 1ms,
                        .last_byte = asked + 2ms,
                        .status = 200,
                        .body = Bytes::copy_of(body)});
  }
  Result<std::optional<Received>> refuse(DashViewer& viewer, LoopTime asked) {
    return viewer.take({.asked = asked, .first_byte = asked, .last_byte = asked, .status = 404, .body = {}});
  }
  // As the other two, of the header where one is named.
  void answer_header(DashViewer& viewer, LoopTime asked) {
    ASSERT_EQ(wants(viewer, asked), "/live/cam/x/h");
    ASSERT_TRUE(answer(viewer, video_header().text(), asked));
  }
  DashViewer whole{"/live/cam/manifest.mpd?token=1", Tier::dash, clocks};
  DashViewer growing{"/live/cam/manifest.mpd", Tier::ll_dash, clocks};
};

TEST_F(ADashViewer, of_whole_segments_begins_with_the_newest_and_asks_for_the_next_once_it_is_whole) {
  EXPECT_EQ(wants(whole, zero + 3400ms), "/live/cam/manifest.mpd?token=1");
  ASSERT_TRUE(answer(whole, manifest(period("", by_number)), zero + 3400ms));
  answer_header(whole, zero + 3400ms);
  EXPECT_EQ(wants(whole, zero + 3400ms), "/live/cam/x/v-9");
  EXPECT_EQ(whole.next(zero + 3400ms)->body, Body::whole);
  const auto received = answer(whole, "x", zero + 3400ms);
  ASSERT_TRUE(received && *received);
  EXPECT_EQ((*received)->begins, clocks.server_wall(zero + 2s));
  EXPECT_EQ((*received)->duration, 1s);
  EXPECT_EQ((*received)->told, std::nullopt);
  const auto next = whole.next(zero + 3450ms);
  EXPECT_EQ(next->target, "/live/cam/x/v-10");
  EXPECT_EQ(next->at, zero + 4s);
}

TEST_F(ADashViewer, of_growing_segments_asks_as_soon_as_the_manifest_allows_and_takes_chunks_as_they_come) {
  growing.next(zero + 3050ms);
  ASSERT_TRUE(answer(growing, manifest(period("", by_number)), zero + 3050ms));
  EXPECT_EQ(wants(growing, zero + 3050ms), "/live/cam/x/h");
  ASSERT_TRUE(answer(growing, video_header().text(), zero + 3050ms));
  const LoopTime asked = zero + 3055ms;
  EXPECT_EQ(wants(growing, asked), "/live/cam/x/v-9") << "the next may be asked for at 3.1 s";
  EXPECT_EQ(growing.next(asked)->body, Body::growing);
  Answered so_far{.asked = asked, .first_byte = asked + 5ms, .last_byte = {}, .status = 200, .body = {}};
  // Frame 91 lies from 3.033 to 3.067 s: the first that was not whole when it was asked for.
  EXPECT_TRUE(growing.grew(so_far, video_chunk(60), asked + 5ms).empty()) << "born before we came";
  const auto live = growing.grew(so_far, video_chunk(91, WallTime(5s)), asked + 20ms);
  ASSERT_EQ(live.size(), 1u);
  EXPECT_EQ(live[0].begins, clocks.server_wall(zero) + from_ticks(91, 30));
  EXPECT_EQ(live[0].duration, from_ticks(1, 30));
  EXPECT_EQ(live[0].captured, WallTime(5s));
  EXPECT_EQ(live[0].transfer.asked, asked);
  EXPECT_EQ(live[0].transfer.last_byte, asked + 20ms);
  ASSERT_TRUE(answer(growing, "", asked));
  const auto next = growing.next(asked);
  EXPECT_EQ(next->target, "/live/cam/x/v-10");
  EXPECT_EQ(next->at, zero + 3100ms);
}

TEST_F(ADashViewer, goes_on_in_the_next_period) {
  whole.next(zero + 1500ms);
  ASSERT_TRUE(answer(whole, manifest(period("duration=\"PT2S\"", by_number) + period("start=\"PT2.5S\"", by_number)),
                     zero + 1500ms));
  answer_header(whole, zero + 1500ms);
  EXPECT_EQ(wants(whole, zero + 1500ms), "/live/cam/x/v-7");
  ASSERT_TRUE(answer(whole, "x", zero + 1500ms));
  EXPECT_EQ(wants(whole, zero + 2s), "/live/cam/x/v-8");
  ASSERT_TRUE(answer(whole, "x", zero + 2s));
  const auto next = whole.next(zero + 2s);
  EXPECT_EQ(next->target, "/live/cam/x/v-7") << "the first of the second period";
  EXPECT_EQ(next->at, zero + 3500ms);
}

TEST_F(ADashViewer, of_a_timeline_asks_for_the_manifest_again_when_its_segments_are_used_up) {
  const auto listed = [](std::string_view s) {
    return manifest(period("", std::string("<SegmentTemplate timescale=\"10\" presentationTimeOffset=\"100\" "
                                           "media=\"x/v-$Time$\"><SegmentTimeline>")
                                       .append(s) +
                                   "</SegmentTimeline></SegmentTemplate>"));
  };
  whole.next(zero + 2100ms);
  ASSERT_TRUE(answer(whole, listed("<S t=\"100\" d=\"10\" r=\"1\"/>"), zero + 2100ms));
  EXPECT_EQ(wants(whole, zero + 2100ms), "/live/cam/x/v-110");
  const auto received = answer(whole, "x", zero + 2100ms);
  EXPECT_EQ((*received)->begins, clocks.server_wall(zero + 1s));
  auto wanted = whole.next(zero + 2200ms);
  EXPECT_EQ(wanted->target, "/live/cam/manifest.mpd?token=1");
  EXPECT_EQ(wanted->at, zero + 4100ms) << "minimumUpdatePeriod";
  ASSERT_TRUE(answer(whole, listed("<S t=\"110\" d=\"10\"/><S t=\"120\" d=\"12\"/>"), zero + 4100ms));
  EXPECT_EQ(wants(whole, zero + 4100ms), "/live/cam/x/v-120");
}

TEST_F(ADashViewer, polls_as_often_as_is_wished) {
  DashViewer polling("/m.mpd", Tier::dash, clocks, 2800ms);
  polling.next(zero);
  ASSERT_TRUE(answer(polling, manifest("<Period/>"), zero));
  EXPECT_EQ(polling.next(zero)->at, zero + 2800ms);
}

TEST_F(ADashViewer, is_done_when_the_presentation_is_over_and_all_was_fetched) {
  whole.next(zero + 2500ms);
  ASSERT_TRUE(answer(whole, manifest(period("duration=\"PT3S\"", by_number), "static"), zero + 2500ms));
  answer_header(whole, zero + 2500ms);
  EXPECT_EQ(wants(whole, zero + 2500ms), "/live/cam/x/v-8");
  ASSERT_TRUE(answer(whole, "x", zero + 2500ms));
  EXPECT_EQ(whole.next(zero + 2500ms)->at, zero + 2500ms) << "what is over is there";
  ASSERT_TRUE(answer(whole, "x", zero + 2500ms));
  EXPECT_EQ(wants(whole, zero + 2500ms), "nothing");
}

TEST_F(ADashViewer, asks_the_manifest_when_a_segment_is_not_there_and_passes_over_what_fails_twice) {
  whole.next(zero + 1500ms);
  ASSERT_TRUE(answer(whole, manifest(period("", by_number)), zero + 1500ms));
  answer_header(whole, zero + 1500ms);
  EXPECT_EQ(wants(whole, zero + 1500ms), "/live/cam/x/v-7");
  ASSERT_TRUE(refuse(whole, zero + 1500ms));
  auto wanted = whole.next(zero + 1500ms);
  EXPECT_EQ(wanted->target, "/live/cam/manifest.mpd?token=1");
  EXPECT_EQ(wanted->at, zero + 2s);
  ASSERT_TRUE(answer(whole, manifest(period("", by_number)), zero + 2s));
  EXPECT_EQ(wants(whole, zero + 2s), "/live/cam/x/v-7");
  ASSERT_TRUE(refuse(whole, zero + 2s));
  whole.next(zero + 2s);
  ASSERT_TRUE(answer(whole, manifest(period("", by_number)), zero + 2500ms));
  EXPECT_EQ(wants(whole, zero + 2500ms), "/live/cam/x/v-8");
}

// The broadcast breaks off at 3 s and goes on at 7.5 s of the clock, 5 s of its timeline: with the next number.
TEST_F(ADashViewer, asks_the_manifest_when_a_segment_lies_elsewhere_and_goes_on_behind_it) {
  const std::string segments_again =
      "<SegmentTemplate timescale=\"90000\" duration=\"90000\" startNumber=\"10\" initialization=\"x/h\" "
      "media=\"x/v-$Number$\" presentationTimeOffset=\"450000\" availabilityTimeOffset=\"0.900\"/>";
  for (DashViewer* viewer : {&whole, &growing}) {
    viewer->next(zero + 4s);
    ASSERT_TRUE(answer(*viewer, manifest(period("", by_number)), zero + 4s));
    answer_header(*viewer, zero + 4s);
    ASSERT_EQ(wants(*viewer, zero + 4s), "/live/cam/x/v-10");
    const Bytes chunk = video_chunk(150 + 29);
    const Answered so_far{.asked = zero + 4s, .first_byte = zero + 8s, .last_byte = {}, .status = 200, .body = {}};
    if (viewer == &growing) {
      EXPECT_TRUE(growing.grew(so_far, chunk, zero + 8s).empty()) << "it has no date yet";
    }
    const auto taken = answer(*viewer, viewer == &whole ? chunk.text() : "", zero + 8500ms);
    ASSERT_TRUE(taken);
    EXPECT_FALSE(*taken);
    EXPECT_TRUE(wants(*viewer, zero + 8500ms).starts_with("/live/cam/manifest.mpd"));
    ASSERT_TRUE(answer(*viewer,
                       manifest(period("duration=\"PT3S\"", by_number) + period("start=\"PT7.5S\"", segments_again)),
                       zero + 8500ms));
    EXPECT_EQ(wants(*viewer, zero + 8500ms), "/live/cam/x/v-11");
  }
}

TEST_F(ADashViewer, gives_up_after_ten_failures) {
  for (int i = 1; i < DashViewer::failures_max; ++i) {
    whole.next(zero);
    ASSERT_TRUE(refuse(whole, zero));
  }
  whole.next(zero);
  EXPECT_FALSE(refuse(whole, zero));
}

TEST_F(ADashViewer, says_when_what_came_is_no_manifest_or_not_made_of_chunks) {
  whole.next(zero);
  EXPECT_FALSE(answer(whole, "<html>", zero));
  growing.next(zero + 3050ms);
  ASSERT_TRUE(answer(growing, manifest(period("", by_number)), zero + 3050ms));
  growing.next(zero + 3050ms);
  ASSERT_TRUE(answer(growing, video_header().text(), zero + 3050ms));
  growing.next(zero + 3050ms);
  const Answered so_far{
      .asked = zero + 3050ms, .first_byte = zero + 3051ms, .last_byte = {}, .status = 200, .body = {}};
  EXPECT_TRUE(growing.grew(so_far, as_bytes("<!DOCTYPE html>"), zero + 3060ms).empty());
  EXPECT_FALSE(answer(growing, "", zero + 3050ms));
}

}  // namespace
}  // namespace klieg::player
