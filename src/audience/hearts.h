// Hearts: taps of many viewers become a histogram over the broadcast's media time.
//
//   page         gathers taps for 250 ms and says how many, and the mean of what its screen showed when they fell
//   HeartMeter   how many of them count: one per viewer, on his node
//   HeartSums    what a node tells its home in one batch: numbers by tenths of a second of media
//   HeartHistogram   all of them, at home
//
// Why a histogram is right to 200 ms in spite of each viewer's delay: a page's mean is at most 125 ms from any of its
// taps, the middle of a bucket 50 ms from what is in it; the rest is the player's clock.
//
// Plain values. Thread: their owner's.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <vector>

#include "base/time.h"
#include "media/room.h"

namespace klieg::audience {

struct HeartLimits {
  // A thumb taps seven times a second, two of them ten or so.
  uint32_t per_second_max = 12;
  // What a page may have gathered when its network comes back: 2 s. The rest of it does not count.
  uint32_t burst_max = 24;
  // On one second of media while the viewer is there; coming by it again takes going back (screen_clock.h).
  uint32_t per_media_second_max = 24;
};

// 24 bytes a viewer.
class HeartMeter {
 public:
  // How many of `count` hearts at `at`, a moment that was believed, are counted.
  uint32_t take(uint32_t count, MediaTime at, LoopTime now, const HeartLimits& limits = {});

 private:
  LoopTime full_at_ = LoopTime::min();  // when the whole burst may be taken again
  uint32_t second_ = UINT32_MAX;        // of media, of the last heart
  uint32_t in_second_ = 0;
};

// Limit: as many buckets as what is believed until it is taken can lie in: lag_max and ahead_max, 756; ten more for
// each second in which nothing can be sent.
class HeartSums {
 public:
  void add(media::HeartBucket bucket, uint32_t count);
  bool empty() const { return sums_.empty(); }
  // By bucket, each once; of the earliest at most so many.
  std::vector<media::HeartCount> take(size_t count_max);

 private:
  std::map<media::HeartBucket, uint32_t> sums_;
};

class HeartHistogram {
 public:
  // A day of tenths of a second, 3.3 MiB when somebody's heart is in it. What is older is forgotten here; the room's
  // log has it.
  static constexpr size_t buckets_max = 864'000;

  // What lies before the kept buckets counts in the total alone.
  void add(std::span<const media::HeartCount> hearts);
  uint64_t total() const { return total_; }
  // Of the buckets whose middle lies in [from, to).
  uint64_t count(MediaTime from, MediaTime to) const;

 private:
  std::deque<uint32_t> buckets_;
  media::HeartBucket first_ = 0;
  uint64_t total_ = 0;
};

}  // namespace klieg::audience
