#include "transcoder/ladder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace klieg::transcoder {
namespace {

using media::TrackKind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

media::Track video_of(uint32_t width, uint32_t height, double frame_rate = 30) {
  return {.kind = TrackKind::video, .video = {.width = width, .height = height, .frame_rate = frame_rate}};
}
const media::Track sound{.kind = TrackKind::audio, .codec = media::Codec::aac};

std::vector<RungWish> wishes(std::string_view text = default_rungs) { return *parse_rungs(text); }

// "1280x720/2" of each rung; of audio its name.
std::vector<std::string> shapes(const std::vector<media::Rung>& rungs) {
  std::vector<std::string> out;
  for (const media::Rung& rung : rungs) {
    std::string shape = std::to_string(rung.width) + "x" + std::to_string(rung.height);
    if (rung.frame_divisor > 1) shape += "/" + std::to_string(rung.frame_divisor);
    out.push_back(rung.kind == TrackKind::audio ? rung.name : shape);
  }
  return out;
}

TEST(Ladder, a_passed_source_gets_the_rungs_below_its_own_size) {
  const auto video = video_of(1920, 1080);
  EXPECT_THAT(shapes(choose_ladder(wishes(), {&video, &sound})),
              ElementsAre("1280x720", "854x480", "640x360", "426x240", "audio-64k"));
}

TEST(Ladder, a_source_that_not_every_player_can_decode_gets_its_own_size_too) {
  const auto video = video_of(1920, 1080);
  EXPECT_THAT(shapes(choose_ladder(wishes(), {&video, nullptr, TopRung::none})),
              ElementsAre("1920x1080", "1280x720", "854x480", "640x360", "426x240"));
}

TEST(Ladder, a_source_smaller_than_every_rung_keeps_its_size_or_has_none) {
  const auto video = video_of(176, 144);
  EXPECT_THAT(shapes(choose_ladder(wishes(), {&video, nullptr, TopRung::none})), ElementsAre("176x144"));
  EXPECT_THAT(choose_ladder(wishes(), {&video, nullptr, TopRung::source}), IsEmpty());
}

TEST(Ladder, of_a_portrait_source_the_short_side_is_meant) {
  const auto video = video_of(1080, 1920);
  EXPECT_THAT(shapes(choose_ladder(wishes("720p,480p"), {&video, nullptr})), ElementsAre("720x1280", "480x854"));
}

TEST(Ladder, oblong_pixels_come_out_square) {
  auto video = video_of(720, 576);  // PAL, 16:9
  video.video.sar_width = 64;
  video.video.sar_height = 45;
  EXPECT_THAT(shapes(choose_ladder(wishes("480p"), {&video, nullptr})), ElementsAre("854x480"));
}

TEST(Ladder, an_odd_source_gives_even_rungs) {
  const auto video = video_of(853, 481);
  EXPECT_THAT(shapes(choose_ladder(wishes("360p,240p"), {&video, nullptr})), ElementsAre("638x360", "426x240"));
}

TEST(Ladder, the_frame_rate_is_divided_until_it_is_what_the_rung_allows) {
  const auto rungs_at = [](double frame_rate) {
    const auto video = video_of(1280, 720, frame_rate);
    return shapes(choose_ladder(wishes("480p,240p15"), {&video, nullptr}));
  };
  EXPECT_THAT(rungs_at(30), ElementsAre("854x480", "426x240/2"));
  EXPECT_THAT(rungs_at(59.94), ElementsAre("854x480/2", "426x240/4"));
  EXPECT_THAT(rungs_at(60.2), ElementsAre("854x480/2", "426x240/4"));
  EXPECT_THAT(rungs_at(50), ElementsAre("854x480/2", "426x240/4"));
  EXPECT_THAT(rungs_at(0), ElementsAre("854x480", "426x240/2"));
}

TEST(Ladder, audio_alone_gets_the_audio_rung) {
  EXPECT_THAT(shapes(choose_ladder(wishes(), {nullptr, &sound})), ElementsAre("audio-64k"));
}

RC_GTEST_PROP(LadderProperty, no_rung_is_larger_than_the_source_or_odd_or_bent, ()) {
  auto video = video_of(*rc::gen::inRange(16u, 8000u), *rc::gen::inRange(16u, 8000u));
  video.video.sar_width = *rc::gen::inRange(1u, 5u);
  video.video.sar_height = *rc::gen::inRange(1u, 5u);
  const auto top = *rc::gen::element(TopRung::source, TopRung::none);
  const PictureSize shown = shown_size(video.video);
  const double shape = static_cast<double>(shown.width) / shown.height;
  for (const media::Rung& rung : choose_ladder(wishes(), {&video, nullptr, top})) {
    RC_ASSERT(rung.width % 2 == 0 && rung.height % 2 == 0);
    RC_ASSERT(rung.width <= shown.width + 1 && rung.height <= shown.height + 1);  // an odd side is rounded
    if (std::min(rung.width, rung.height) < 64) continue;                         // two pixels are much of so few
    RC_ASSERT(std::abs(static_cast<double>(rung.width) / rung.height / shape - 1) < 0.03);
  }
}

TEST(Ladder, more_pixels_cost_more) {
  const auto video = video_of(1280, 720);
  const Source source{&video, &sound};
  const double all = cost_in_cores(choose_ladder(wishes(), source), source);
  const double few = cost_in_cores(choose_ladder(wishes("240p"), source), source);
  EXPECT_GT(all, few);
  EXPECT_GT(few, 0);
  EXPECT_LT(all, 1) << "a 720p30 broadcast and its ladder are less than a core";
}

TEST(Rungs, the_usual_ones_need_only_their_names) {
  const auto rungs = wishes();
  ASSERT_EQ(rungs.size(), 6u);
  EXPECT_EQ(name_of(rungs[0]), "1080p");
  EXPECT_EQ(name_of(rungs[4]), "240p");
  EXPECT_EQ(rungs[4].frame_rate_max, 30);
  EXPECT_EQ(name_of(rungs[5]), "audio-64k");
}

TEST(Rungs, what_is_said_of_one_counts_and_they_are_sorted) {
  const auto rungs = wishes(" audio:96k, 240p25 ,540p60:1800k");
  ASSERT_EQ(rungs.size(), 3u);
  EXPECT_EQ(rungs[0], (RungWish{.short_side = 540, .bits_per_second = 1'800'000, .frame_rate_max = 60}));
  EXPECT_EQ(rungs[1], (RungWish{.short_side = 240, .bits_per_second = 350'000, .frame_rate_max = 25}));
  EXPECT_EQ(rungs[2], (RungWish{.kind = TrackKind::audio, .bits_per_second = 96'000}));
}

TEST(Rungs, nothing_is_no_ladder) {
  EXPECT_THAT(wishes(""), IsEmpty());
  EXPECT_THAT(wishes(" none "), IsEmpty());
}

TEST(Rungs, what_is_wrong_is_said_in_words) {
  const auto words = [](std::string_view text) {
    const auto parsed = parse_rungs(text);
    return parsed ? std::string("no error") : parsed.error().message;
  };
  EXPECT_THAT(words("hd"), HasSubstr("a rung is a height or audio"));
  EXPECT_THAT(words("720"), HasSubstr("\"720\""));
  EXPECT_THAT(words("720p,"), HasSubstr("\"\""));
  EXPECT_THAT(words("721p"), HasSubstr("even number"));
  EXPECT_THAT(words("99999999999p"), HasSubstr("a rung is a height"));
  EXPECT_THAT(words("540p"), HasSubstr("give it one"));
  EXPECT_THAT(words("720p:9999999k"), HasSubstr("a bitrate is from"));
  EXPECT_THAT(words("720p:4294968k"), HasSubstr("a bitrate is from"));  // x 1000 would wrap
  EXPECT_THAT(words("720p:2500"), HasSubstr("a bitrate is from"));
  EXPECT_THAT(words("720p0"), HasSubstr("frame rate"));
  EXPECT_THAT(words("720p:2500k!"), HasSubstr("what follows"));
  EXPECT_THAT(words("720p,720p30"), HasSubstr("twice"));
}

}  // namespace
}  // namespace klieg::transcoder
