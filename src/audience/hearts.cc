#include "audience/hearts.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

namespace klieg::audience {
namespace {

void add_up_to_the_most(uint32_t& sum, uint32_t more) {
  sum += std::min(more, std::numeric_limits<uint32_t>::max() - sum);
}

}  // namespace

uint32_t HeartMeter::take(uint32_t count, MediaTime at, LoopTime now, const HeartLimits& limits) {
  const auto second = static_cast<uint32_t>(at.time_since_epoch() / 1s);
  if (std::exchange(second_, second) != second) in_second_ = 0;
  const Duration each = Duration(1s) / limits.per_second_max;
  // Each heart taken puts off by `each` when the burst is whole again; it may not lie further ahead than the burst.
  const LoopTime full_at = std::max(full_at_, now);
  const auto left = static_cast<uint32_t>((now + each * limits.burst_max - full_at) / each);
  const uint32_t taken = std::min({count, left, limits.per_media_second_max - in_second_});
  full_at_ = full_at + each * taken;
  in_second_ += taken;
  return taken;
}

void HeartSums::add(media::HeartBucket bucket, uint32_t count) {
  if (count > 0) add_up_to_the_most(sums_[bucket], count);
}

std::vector<media::HeartCount> HeartSums::take(size_t count_max) {
  std::vector<media::HeartCount> all;
  all.reserve(std::min(count_max, sums_.size()));
  auto next = sums_.begin();
  for (; next != sums_.end() && all.size() < count_max; ++next) all.push_back({next->first, next->second});
  sums_.erase(sums_.begin(), next);
  return all;
}

void HeartHistogram::add(std::span<const media::HeartCount> hearts) {
  for (const media::HeartCount& heart : hearts) {
    total_ += heart.count;
    if (buckets_.empty()) first_ = heart.bucket;
    if (heart.bucket < first_) {
      const size_t before = first_ - heart.bucket;
      if (before + buckets_.size() > buckets_max) continue;
      buckets_.insert(buckets_.begin(), before, 0);
      first_ = heart.bucket;
    }
    const size_t index = heart.bucket - first_;
    if (index >= buckets_.size() + buckets_max) {
      // Further ahead than all that is kept.
      buckets_.assign(1, 0);
      first_ = heart.bucket;
    } else if (index >= buckets_.size()) {
      buckets_.resize(index + 1);
    }
    if (buckets_.size() > buckets_max) {
      const size_t old = buckets_.size() - buckets_max;
      buckets_.erase(buckets_.begin(), buckets_.begin() + static_cast<ptrdiff_t>(old));
      first_ += static_cast<media::HeartBucket>(old);
    }
    add_up_to_the_most(buckets_[heart.bucket - first_], heart.count);
  }
}

uint64_t HeartHistogram::count(MediaTime from, MediaTime to) const {
  const auto inside = [&](size_t index) {
    const MediaTime middle = media::middle_of(first_ + static_cast<media::HeartBucket>(index));
    return middle >= from && middle < to;
  };
  // From the bucket that `from` lies in: its middle may be before it.
  const media::HeartBucket begins = from <= media::middle_of(first_) ? first_ : media::heart_bucket_of(from);
  uint64_t sum = 0;
  for (size_t i = begins - first_; i < buckets_.size() && (inside(i) || i == begins - first_); ++i) {
    if (inside(i)) sum += buckets_[i];
  }
  return sum;
}

}  // namespace klieg::audience
