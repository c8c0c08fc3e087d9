#include "broadcaster/frame_pacer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

namespace klieg::broadcaster {
namespace {

constexpr LoopTime start{100s};
constexpr FrameRate ten{10, 1};

TEST(frame_pacer, each_frame_is_taken_once_at_its_instant) {
  FramePacer pacer(ten, 1s, start, 0);
  EXPECT_FALSE(pacer.take(start - 1ns, EncoderState::idle));
  EXPECT_EQ(pacer.take(start, EncoderState::idle), 0u);
  EXPECT_FALSE(pacer.take(start + 99ms, EncoderState::idle));
  EXPECT_EQ(pacer.wake_at(), start + 100ms);
  EXPECT_EQ(pacer.take(start + 100ms, EncoderState::idle), 1u);
  EXPECT_EQ(pacer.dropped(), 0u);
}

TEST(frame_pacer, a_busy_encoder_and_a_late_caller_lose_frames_that_are_never_made_up_for) {
  FramePacer pacer(ten, 1s, start, 1);
  EXPECT_FALSE(pacer.take(start + 100ms, EncoderState::busy));
  EXPECT_FALSE(pacer.take(start + 150ms, EncoderState::idle)) << "frame 1 is gone";
  EXPECT_EQ(pacer.take(start + 430ms, EncoderState::idle), 4u) << "late: the latest only";
  EXPECT_EQ(pacer.dropped(), 3u);
}

TEST(frame_pacer, the_frame_that_begins_a_gop_is_kept_for_a_busy_encoder) {
  FramePacer pacer(ten, 1s, start, 9);
  EXPECT_EQ(pacer.take(start + 900ms, EncoderState::idle), 9u);
  EXPECT_FALSE(pacer.take(start + 1000ms, EncoderState::busy));
  EXPECT_FALSE(pacer.take(start + 1100ms, EncoderState::busy));
  EXPECT_EQ(pacer.take(start + 1150ms, EncoderState::idle), 10u);
  EXPECT_EQ(pacer.take(start + 1200ms, EncoderState::idle), 12u);
  EXPECT_EQ(pacer.take(start + 2170ms, EncoderState::idle), 20u) << "late over a boundary: the boundary, not 21";
}

TEST(frame_pacer, gops_begin_where_their_span_does_for_odd_rates_too) {
  const FramePacer ntsc({30'000, 1001}, 1s, start, 0);
  std::vector<uint64_t> begins;
  for (uint64_t n = 0; n < 95; ++n) {
    if (ntsc.begins_gop(n)) begins.push_back(n);
  }
  EXPECT_THAT(begins, testing::ElementsAre(0, 30, 60, 90));
}

RC_GTEST_PROP(frame_pacer, whatever_happens_frames_are_in_order_and_each_is_taken_or_counted_as_dropped, ()) {
  const FrameRate rate{30, 1};
  FramePacer pacer(rate, 1s, start, 0);
  LoopTime now = start;
  uint64_t taken = 0;
  std::optional<uint64_t> last;
  for (int i = 0; i < 200; ++i) {
    now += std::chrono::milliseconds(*rc::gen::inRange(0, 120));
    const auto frame = pacer.take(now, *rc::gen::arbitrary<bool>() ? EncoderState::idle : EncoderState::busy);
    if (!frame) continue;
    RC_ASSERT(!last || *frame > *last);
    RC_ASSERT(start + rate.instant_of(*frame) <= now);
    last = frame;
    ++taken;
  }
  const auto frame = pacer.take(now + 10s, EncoderState::idle);  // a boundary lies in it: nothing stays kept
  taken += frame ? 1 : 0;
  RC_ASSERT(taken + pacer.dropped() == rate.frame_due(now + 10s - start) + 1);
}

}  // namespace
}  // namespace klieg::broadcaster
