#include "wire/dash_reader.h"

#include <gtest/gtest.h>

namespace klieg::wire::dash {
namespace {

constexpr WallTime start{1'800'000'000s};

Manifest read(std::string_view text) {
  auto manifest = read_manifest(text);
  EXPECT_TRUE(manifest) << manifest.error().message;
  return manifest.value_or(Manifest{});
}

std::string live(std::string_view content) {
  return std::string("<MPD type=\"dynamic\" availabilityStartTime=\"2027-01-15T08:00:00Z\">").append(content) +
         "</MPD>";
}
std::string video(std::string_view segments) {
  return live(std::string("<Period><AdaptationSet contentType=\"video\">").append(segments) +
              "<Representation id=\"v\"/></AdaptationSet></Period>");
}
Template segments_of(const std::string& text) { return read(text).periods.at(0).representations.at(0).segments; }

TEST(DashReader, reads_what_is_rendered) {
  Manifest written{.availability_start = start,
                   .published = start + 1500ms,
                   .update_period = 2s,
                   .time_shift = 16s,
                   .presentation_delay = 900ms,
                   .buffer_min = 400ms,
                   .segment_duration_max = 1s,
                   .latency = {900ms, 450ms, 1900ms},
                   .clock_url = "/time?a=1&b"};
  Template by_number{.timescale = 90'000,
                     .initialization = "a.1/video-h0.mp4",
                     .media = "a.1/video-$Number$.m4s",
                     .start_number = 7,
                     .presentation_time_offset = 630'000,
                     .duration = 90'000,
                     .availability_offset = 966ms};
  Template by_time{.timescale = 48'000,
                   .media = "a.1/audio-$Number$.m4s",
                   .start_number = 3,
                   .timeline = {{480, 48'000, 4}, {192'480, 47'000, 1}}};
  written.periods.push_back({.index = 0, .start = 0s, .duration = 12s, .start_wall = start + 3ms});
  written.periods.push_back({.index = 1, .start = 15s, .start_wall = start + 15s});
  for (Period& period : written.periods) {
    period.representations.push_back({.name = "video", .codecs = "avc1.64001f", .bandwidth = 2'000'000});
    period.representations.back().segments = by_number;
    period.representations.push_back({.kind = Kind::audio, .set = 1, .name = "audio", .codecs = "mp4a.40.2"});
    period.representations.back().segments = by_time;
  }
  const Manifest got = read(render(written));
  EXPECT_EQ(got.presentation, Presentation::live);
  EXPECT_EQ(got.availability_start, start);
  EXPECT_EQ(got.published, written.published);
  EXPECT_EQ(got.update_period, 2s);
  EXPECT_EQ(got.latency.target, 900ms);
  EXPECT_EQ(got.latency.most, 1900ms);
  EXPECT_EQ(got.clock_url, "/time?a=1&b");
  ASSERT_EQ(got.periods.size(), 2u);
  EXPECT_EQ(got.periods[0].duration, 12s);
  EXPECT_EQ(got.periods[0].start_wall, start + 3ms);
  EXPECT_EQ(got.periods[1].start, 15s);
  EXPECT_EQ(got.periods[1].duration, std::nullopt);
  const Representation& of_video = got.periods[1].representations.at(0);
  EXPECT_EQ(of_video.name, "video");
  EXPECT_EQ(of_video.codecs, "avc1.64001f");
  EXPECT_EQ(of_video.bandwidth, 2'000'000u);
  EXPECT_EQ(of_video.segments.media, by_number.media);
  EXPECT_EQ(of_video.segments.initialization, by_number.initialization);
  EXPECT_EQ(of_video.segments.start_number, 7u);
  EXPECT_EQ(of_video.segments.presentation_time_offset, 630'000u);
  EXPECT_EQ(of_video.segments.duration, 90'000u);
  EXPECT_EQ(of_video.segments.availability_offset, 966ms);
  const Representation& of_audio = got.periods[1].representations.at(1);
  EXPECT_EQ(of_audio.kind, Kind::audio);
  EXPECT_EQ(of_audio.segments.timescale, 48'000u);
  EXPECT_EQ(of_audio.segments.timeline, by_time.timeline);
  EXPECT_EQ(of_audio.segments.duration, std::nullopt);
}

TEST(DashReader, of_a_presentation_that_is_over_knows_the_end) {
  Manifest written{.presentation = Presentation::over, .availability_start = start};
  written.periods.push_back({.start = 2s, .duration = 5s});
  written.periods.back().representations.push_back({.name = "v"});
  written.periods.back().representations.back().segments = {.media = "$Number$", .duration = 1};
  const Manifest got = read(render(written));
  EXPECT_EQ(got.presentation, Presentation::over);
  EXPECT_EQ(got.periods.at(0).duration, 5s);
  const Manifest by_whole = read("<MPD mediaPresentationDuration=\"PT1M2.5S\"><Period/></MPD>");
  EXPECT_EQ(by_whole.periods.at(0).duration, 62'500ms);
}

TEST(DashReader, lets_the_outer_say_what_the_inner_does_not) {
  const Manifest got = read(live(
      "<BaseURL>http://cdn.example/live/</BaseURL><Period duration=\"PT4S\">"
      "<SegmentTemplate timescale=\"10\" duration=\"20\" startNumber=\"5\" initialization=\"$RepresentationID$.mp4\"/>"
      "<AdaptationSet mimeType=\"audio/mp4\"><BaseURL>x/</BaseURL><SegmentTemplate startNumber=\"9\" "
      "media=\"$RepresentationID$-$Bandwidth$-$Number$\"/><Representation id=\"a\" bandwidth=\"64\"/></AdaptationSet>"
      "</Period><Period/>"));
  const Representation& r = got.periods.at(0).representations.at(0);
  EXPECT_EQ(r.kind, Kind::audio);
  EXPECT_EQ(r.segments.media, "http://cdn.example/live/x/a-64-$Number$");
  EXPECT_EQ(r.segments.initialization, "http://cdn.example/live/x/a.mp4");
  EXPECT_EQ(r.segments.duration, 20u);
  EXPECT_EQ(r.segments.start_number, 9u);
  EXPECT_EQ(got.periods.at(1).start, 4s) << "a Period begins where the one before ends";
}

TEST(DashReader, numbers_begin_with_one_unless_it_is_said) {
  EXPECT_EQ(segments_of(video("<SegmentTemplate media=\"$Number$\" duration=\"1\"/>")).start_number, 1u);
  EXPECT_EQ(segments_of(video("<SegmentTemplate media=\"$Number$\" duration=\"1\" startNumber=\"0\"/>")).start_number,
            0u);
}

TEST(DashReader, a_run_without_end_reaches_to_the_next) {
  const Template segments = segments_of(
      video("<SegmentTemplate media=\"$Time$\"><SegmentTimeline><S t=\"10\" d=\"2\" r=\"-1\"/><S t=\"20\" d=\"3\"/>"
            "<S d=\"4\" r=\"-1\"/></SegmentTimeline></SegmentTemplate>"));
  EXPECT_EQ(segments.timeline, (std::vector<dash::Run>{{10, 2, 5}, {20, 3, 1}, {23, 4, endless}}));
}

TEST(DashReader, an_offset_may_be_infinite) {
  EXPECT_GT(segments_of(video("<SegmentTemplate media=\"$Number$\" duration=\"1\" availabilityTimeOffset=\"INF\"/>"))
                .availability_offset,
            3600s);
}

TEST(DashReader, names_segments_by_number_and_time) {
  EXPECT_EQ(segment_address("v-$Number%05d$-$Time$.m4s", 42, 7), "v-00042-7.m4s");
  EXPECT_EQ(segment_address("$$$Number$", 3, 0), "$3");
  EXPECT_EQ(segment_address("a$Number", 3, 0), "a$Number");
  EXPECT_EQ(segment_address("$Number%0999d$", 3, 0), std::string(19, '0') + "3");
}

TEST(DashReader, says_what_is_wrong) {
  const auto why = [](std::string_view text) {
    const auto manifest = read_manifest(text);
    return manifest ? "nothing" : manifest.error().message;
  };
  EXPECT_TRUE(why("").starts_with("no XML")) << why("");
  EXPECT_TRUE(why("<MPD>").starts_with("no XML")) << why("<MPD>");
  EXPECT_EQ(why("<html/>"), "it has no MPD");
  EXPECT_EQ(why("<MPD type=\"dynamic\"/>"), "a dynamic MPD has no availabilityStartTime");
  EXPECT_EQ(why("<MPD minimumUpdatePeriod=\"P1Y\"/>"), "MPD@minimumUpdatePeriod cannot be understood: P1Y");
  EXPECT_EQ(why(video("<SegmentTemplate timescale=\"0\"/>")), "SegmentTemplate@timescale is 0");
  EXPECT_EQ(why(video("<SegmentTemplate><SegmentTimeline><S t=\"1\"/></SegmentTimeline></SegmentTemplate>")),
            "an S has no duration");
  EXPECT_EQ(why(video("<SegmentTemplate media=\"$Time$\"><SegmentTimeline><S t=\"9\" d=\"18446744073709551615\"/>"
                      "</SegmentTimeline></SegmentTemplate>")),
            "a SegmentTimeline reaches beyond all times");
  EXPECT_EQ(why(video("<SegmentTemplate media=\"$Number$\" duration=\"18446744073709551615\"/>")),
            "a Representation reaches beyond all times");
  EXPECT_EQ(why("<MPD availabilityStartTime=\"2199-01-01T00:00:00Z\"><Period start=\"PT4000000000S\"/></MPD>"),
            "a Period begins beyond all times");
}

}  // namespace
}  // namespace klieg::wire::dash
