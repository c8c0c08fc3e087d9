#include "origin/window.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "origin/made_up_broadcast.h"
#include "origin/manifests.h"

namespace klieg::origin {
namespace {

using media::BroadcastState;
using media::PeriodStart;

struct Departures final : media::DepartedSink {
  void on_departed(media::TrackId track, media::Msn msn, std::shared_ptr<const Log> segment) override {
    seen.emplace_back(track, msn);
    EXPECT_EQ(segment->state(), LogEnd::complete);
  }
  std::vector<std::pair<media::TrackId, media::Msn>> seen;
};

struct WindowTest : testing::Test {
  explicit WindowTest(WindowLimits window_limits = {.live = 10s}) : limits(window_limits) {
    broadcast.write = [this](const media::Record& record) { window.on_record(record); };
    broadcast.start();
  }
  MadeUpBroadcast broadcast;
  WindowLimits limits;
  Departures departed;
  Window window{broadcast.begun(), limits, &departed};
  const TrackWindow& video() { return window.tracks().at(0); }
};

TEST_F(WindowTest, the_last_ten_seconds_are_listed_and_six_target_durations_more_are_kept) {
  broadcast.segments(15);
  EXPECT_EQ(window.first_listed(), 5u);
  EXPECT_EQ(video().segments.front().begun.msn, 0u);
  broadcast.segments(5);
  EXPECT_EQ(window.first_listed(), 10u);
  EXPECT_EQ(video().segments.front().begun.msn, 4u);
  EXPECT_EQ(departed.seen.size(), 8u);  // four segments of two tracks
}

TEST_F(WindowTest, a_segment_that_leaves_passes_the_departed_sink_once_and_in_order) {
  broadcast.segments(40);
  std::vector<media::Msn> seen;
  for (const auto& [track, msn] : departed.seen) {
    if (track == 0) seen.push_back(msn);
  }
  ASSERT_EQ(seen.size(), 24u);
  for (size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], i);
}

TEST_F(WindowTest, a_part_is_a_slice_of_its_segment) {
  broadcast.open();
  broadcast.add_part();
  broadcast.add_part();
  const auto part = window.part(video(), 0, 1);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->offset, 1000u);
  EXPECT_EQ(part->end, 2000u);
  EXPECT_EQ(part->log, window.segment(video(), 0)->log);
  EXPECT_EQ(part->etag, "\"abc.1/video-0.1.m4s\"");
  EXPECT_FALSE(window.part(video(), 0, 2));
}

TEST_F(WindowTest, a_name_has_the_same_object_and_tag_for_every_viewer) {
  broadcast.segment();
  EXPECT_EQ(window.segment(video(), 0), window.segment(video(), 0));
  EXPECT_EQ(window.segment(video(), 0)->etag, "\"abc.1/video-0.m4s\"");
  EXPECT_EQ(window.header(video(), 0)->etag, "\"abc.1/video-h0.mp4\"");
}

struct SmallWindowTest : WindowTest {
  SmallWindowTest() : WindowTest({.live = 10s, .bytes_max = 50'000}) {}
};

TEST_F(SmallWindowTest, beyond_the_byte_limit_the_oldest_leave_early) {
  broadcast.segments(10);  // 10,000 bytes each, both tracks together
  EXPECT_LE(window.bytes(), 50'000u);
  EXPECT_EQ(window.first_listed(), 5u);
}

TEST_F(SmallWindowTest, one_finished_segment_stays_however_large_it_is) {
  broadcast.part_bytes = 100'000;
  broadcast.segments(3);
  EXPECT_TRUE(window.segment(video(), 2));
  EXPECT_TRUE(window.playable());
  EXPECT_LE(video().segments.size(), 2u);
}

TEST_F(WindowTest, what_was_open_when_the_broadcast_ends_is_aborted_and_forgotten) {
  broadcast.segment();
  broadcast.open();
  broadcast.add_part();
  const auto open = window.segment(video(), 1)->log;
  broadcast.state(BroadcastState::ended);
  EXPECT_EQ(open->state(), LogEnd::aborted);
  EXPECT_FALSE(window.segment(video(), 1));
  EXPECT_EQ(window.bytes(), 10'000u);
}

TEST_F(WindowTest, a_window_that_dies_cuts_its_readers_off) {
  auto mirror = std::make_unique<Window>(broadcast.begun(), limits, nullptr);
  broadcast.write = [&](const media::Record& record) { mirror->on_record(record); };
  broadcast.period_index = 0;
  broadcast.start();
  broadcast.open();
  const auto log = mirror->segment(*mirror->track("video"), 0)->log;
  mirror.reset();
  EXPECT_EQ(log->state(), LogEnd::aborted);
}

TEST_F(WindowTest, headers_and_periods_stay_as_long_as_a_segment_uses_them) {
  broadcast.segments(3);
  broadcast.period(PeriodStart::discontinuity, 4s);
  broadcast.header(1);
  broadcast.segments(3);
  EXPECT_TRUE(window.header(video(), 0));
  broadcast.period(PeriodStart::discontinuity, 4s);
  broadcast.header(2);
  broadcast.segments(14);
  EXPECT_FALSE(window.header(video(), 0));
  EXPECT_TRUE(window.header(video(), 1));
  broadcast.segments(10);
  EXPECT_FALSE(window.header(video(), 1));
  ASSERT_EQ(window.periods().size(), 2u);
  EXPECT_EQ(window.periods()[0].index, 0u);  // availabilityStartTime is reckoned from it
  EXPECT_EQ(window.periods()[1].index, 2u);
  EXPECT_EQ(window.periods()[1].discontinuities, 2u);
}

TEST_F(WindowTest, a_track_that_was_absent_starts_its_playlist_afresh) {
  broadcast.segments(2);
  broadcast.kinds = {media::TrackKind::video};
  broadcast.segments(3);
  broadcast.kinds = {media::TrackKind::video, media::TrackKind::audio};
  broadcast.segments(1);
  EXPECT_EQ(window.tracks().at(1).segments.front().begun.msn, 5u);
}

// A short random broadcast: parts, segments of uneven length, discontinuities, pauses, an open end.
void play(MadeUpBroadcast& broadcast) {
  const int steps = *rc::gen::inRange(1, 60);
  broadcast.part_bytes = *rc::gen::inRange<size_t>(2, 50);
  broadcast.start();
  for (int i = 0; i < steps; ++i) {
    switch (*rc::gen::inRange(0, 8)) {
      case 0:
        broadcast.period(PeriodStart::discontinuity, 3s);
        broadcast.header(broadcast.header_version + 1);
        break;
      case 1:
        broadcast.period(PeriodStart::off_grid);
        break;
      case 2:
        broadcast.state(BroadcastState::paused);
        broadcast.state(BroadcastState::live);
        break;
      case 3:
        broadcast.open();
        broadcast.add_part();
        broadcast.close();
        break;
      default:
        broadcast.segment();
    }
  }
  if (*rc::gen::arbitrary<bool>()) {
    broadcast.open();
    broadcast.add_part();
    if (*rc::gen::arbitrary<bool>()) broadcast.chunk(0, 7);
  }
  switch (*rc::gen::inRange(0, 3)) {
    case 0:
      broadcast.state(BroadcastState::paused);
      break;
    case 1:
      broadcast.state(BroadcastState::ended);
      break;
    default:
      break;
  }
}

std::string everything(const Window& window) {
  std::string text;
  const ManifestSettings settings;
  if (window.playable()) {
    text += wire::hls::render(multivariant_of(window));
    text += wire::dash::render(manifest_of(window, settings, 10s));
  }
  for (const auto& [id, track] : window.tracks()) {
    text += wire::hls::render(playlist_of(window, track, settings), wire::hls::Skip::nothing);
    for (const Segment& segment : track.segments) {
      text += segment.log->read(0, segment.log->size()).text();
      text += segment.open() ? "(open)" : "(complete)";
    }
  }
  return text + std::to_string(window.first_listed()) + ' ' + std::to_string(window.bytes());
}

RC_GTEST_PROP(Window, replaying_a_window_makes_an_equal_one, ()) {
  MadeUpBroadcast broadcast;
  const WindowLimits limits{.live = 5s, .straggler_target_durations = 2, .bytes_max = 3'000};
  Window original(broadcast.begun(), limits, nullptr);
  broadcast.write = [&](const media::Record& record) { original.on_record(record); };
  play(broadcast);

  struct Mirror final : media::RecordSink {
    void on_record(const media::Record& record) override {
      if (const auto* begun = std::get_if<media::BroadcastBegun>(&record)) {
        window = std::make_unique<Window>(*begun, limits, nullptr);
      } else {
        window->on_record(record);
      }
    }
    WindowLimits limits;
    std::unique_ptr<Window> window;
  } mirror;
  mirror.limits = limits;
  original.replay(mirror);
  RC_ASSERT(everything(*mirror.window) == everything(original));

  // And they stay equal: what follows is applied to both.
  if (original.state() == BroadcastState::ended || original.tracks().at(0).open()) return;
  broadcast.write = [&](const media::Record& record) {
    original.on_record(record);
    mirror.window->on_record(record);
  };
  broadcast.segments(4);
  RC_ASSERT(everything(*mirror.window) == everything(original));
}

}  // namespace
}  // namespace klieg::origin
