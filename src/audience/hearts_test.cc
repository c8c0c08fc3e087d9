#include "audience/hearts.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>

#include "audience/screen_clock.h"
#include "base/random.h"

namespace klieg::audience {
namespace {

constexpr LoopTime start = LoopTime(1000s);

TEST(HeartMeter, a_viewer_has_so_many_hearts_a_second_and_a_burst) {
  HeartMeter meter;
  const HeartLimits limits;
  EXPECT_EQ(meter.take(3, MediaTime(10s), start), 3u);
  EXPECT_EQ(meter.take(1000, MediaTime(11s), start), limits.burst_max - 3);
  EXPECT_EQ(meter.take(1, MediaTime(11s), start), 0u);
  EXPECT_EQ(meter.take(1000, MediaTime(12s), start + 1s), limits.per_second_max);
}

TEST(HeartMeter, one_second_of_media_takes_no_more_however_long_it_is_looked_at) {
  HeartMeter meter;
  uint32_t taken = 0;
  for (int i = 0; i < 600; ++i) taken += meter.take(5, MediaTime(10s) + i * 1ms, start + i * 100ms);
  EXPECT_EQ(taken, HeartLimits().per_media_second_max);
}

RC_GTEST_PROP(HeartMeter, nobody_is_counted_beyond_his_cap, ()) {
  HeartMeter meter;
  const HeartLimits limits;
  LoopTime now = start;
  uint64_t taken = 0;
  for (const uint32_t count : *rc::gen::container<std::vector<uint32_t>>(rc::gen::arbitrary<uint32_t>())) {
    now += std::chrono::milliseconds(count % 500);
    taken += meter.take(count, MediaTime(std::chrono::milliseconds(count % 10'000'000)), now);
  }
  RC_ASSERT(static_cast<double>(taken) <= limits.burst_max + limits.per_second_max * to_seconds(now - start));
}

TEST(HeartSums, hearts_of_one_bucket_are_one_number) {
  HeartSums sums;
  sums.add(7, 2);
  sums.add(5, 1);
  sums.add(7, 3);
  sums.add(9, 0);
  EXPECT_EQ(sums.take(1), (std::vector<media::HeartCount>{{5, 1}}));
  EXPECT_EQ(sums.take(9), (std::vector<media::HeartCount>{{7, 5}}));
  EXPECT_TRUE(sums.empty());
  sums.add(1, UINT32_MAX);
  sums.add(1, 5);
  EXPECT_EQ(sums.take(9), (std::vector<media::HeartCount>{{1, UINT32_MAX}}));
}

TEST(HeartHistogram, keeps_a_day_and_the_total_of_all) {
  HeartHistogram histogram;
  const auto far = static_cast<media::HeartBucket>(3 * HeartHistogram::buckets_max);
  histogram.add(std::vector<media::HeartCount>{{100, 2}, {50, 1}, {200, 4}});
  EXPECT_EQ(histogram.count(MediaTime(5s), MediaTime(20s)), 3u);
  EXPECT_EQ(histogram.count(MediaTime(), MediaTime(100s)), 7u);
  histogram.add(std::vector<media::HeartCount>{{far, 8}, {100, 1}});
  EXPECT_EQ(histogram.total(), 16u);
  EXPECT_EQ(histogram.count(MediaTime(), media::middle_of(far + 1)), 8u);
}

RC_GTEST_PROP(HeartHistogram, counts_what_was_added_whatever_the_order, ()) {
  HeartHistogram histogram;
  std::vector<media::HeartCount> all;
  for (const uint32_t bucket : *rc::gen::container<std::vector<uint32_t>>(rc::gen::inRange<uint32_t>(0, 5000))) {
    all.push_back({bucket, bucket % 5});
    histogram.add({&all.back(), 1});
  }
  const MediaTime from(std::chrono::milliseconds(*rc::gen::inRange(0, 500'000)));
  const MediaTime to(std::chrono::milliseconds(*rc::gen::inRange(0, 500'000)));
  uint64_t expected = 0;
  for (const media::HeartCount& heart : all) {
    const MediaTime middle = media::middle_of(heart.bucket);
    if (middle >= from && middle < to) expected += heart.count;
  }
  RC_ASSERT(histogram.count(from, to) == expected);
}

// --- the same flash, seen with different delays ---

// What a crowd's hearts for one flash become. Each viewer taps a few times while it is on his screen; his page gathers
// taps for 250 ms and says how many and the mean of what was shown; his node believes him as ScreenClock does.
struct Crowd {
  Random random;
  MediaTime flash;
  HeartHistogram histogram{};
  uint64_t by_arrival_near = 0;  // hearts that would be near the flash if their arrival were taken for their moment
  uint64_t sent = 0;

  double spread(double width) { return (random.unit() - 0.5) * width; }

  void watch(Duration delay) {
    constexpr Duration flash_duration = 100ms;
    ScreenClock clock;
    HeartMeter meter;
    HeartSums node;
    LiveEdge edge;
    // The media of time 0 is captured at loop time `start`; stamps reach the node 0.2 s late.
    const LoopTime shown_at = start + flash.time_since_epoch() + delay;
    edge.stamp(MediaTime(shown_at - start - 900ms), shown_at - 700ms);
    const uint32_t taps = 1 + static_cast<uint32_t>(random.below(3));
    Duration sum{0};
    for (uint32_t i = 0; i < taps; ++i) {
      const Duration tap = Duration(static_cast<int64_t>(random.unit() * static_cast<double>(flash_duration.count())));
      // What a page reads off its player is a frame or so off.
      sum += tap + Duration(static_cast<int64_t>(spread(80e6)));
    }
    const MediaTime claimed = flash + sum / taps;
    const LoopTime arrives = shown_at + 250ms + Duration(static_cast<int64_t>(random.unit() * 150e6));
    const MediaTime seen = clock.believe(claimed, *edge.at(arrives), arrives);
    node.add(media::heart_bucket_of(seen), meter.take(taps, seen, arrives));
    const auto hearts = node.take(9);
    histogram.add(hearts);
    sent += taps;
    if (std::chrono::abs(MediaTime(arrives - start) - flash) <= 200ms) by_arrival_near += taps;
  }
};

RC_GTEST_PROP(Hearts, of_one_flash_lie_at_the_flash_whatever_each_viewers_delay, (uint64_t seed)) {
  Crowd crowd{Random(seed), MediaTime(60s) + std::chrono::milliseconds(*rc::gen::inRange(0, 10'000))};
  for (int viewer = 0; viewer < 300; ++viewer) crowd.watch(std::array<Duration, 3>{300ms, 1300ms, 11s}[viewer % 3]);
  RC_ASSERT(crowd.histogram.total() == crowd.sent);
  const uint64_t near = crowd.histogram.count(crowd.flash - 200ms, crowd.flash + 200ms);
  RC_ASSERT(near * 100 >= crowd.sent * 95);
  RC_ASSERT(crowd.by_arrival_near == 0u);  // it is the media time that does it
}

RC_GTEST_PROP(Hearts, of_a_liar_on_one_moment_are_bounded, ()) {
  ScreenClock clock;
  HeartMeter meter;
  HeartHistogram histogram;
  const MediaTime target(100s);
  // For as long as the moment can be seen he says nothing but that he sees it, or goes elsewhere and comes back.
  for (Duration passed{0}; passed < ScreenLimits().lag_max; passed += 100ms) {
    const MediaTime claimed = *rc::gen::arbitrary<bool>() ? target : target + 10s;
    const MediaTime seen = clock.believe(claimed, target + passed, start + passed);
    const std::vector<media::HeartCount> hearts{{media::heart_bucket_of(seen), meter.take(50, seen, start + passed)}};
    histogram.add(hearts);
  }
  const auto passes = static_cast<uint64_t>(ScreenLimits().lag_max / ScreenLimits().back_every) + 1;
  RC_ASSERT(histogram.count(target, target + 1s) <= passes * HeartLimits().per_media_second_max);
}

}  // namespace
}  // namespace klieg::audience
