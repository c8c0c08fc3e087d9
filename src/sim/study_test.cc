#include "sim/study.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "sim/periscope.h"

namespace klieg::sim {
namespace {

// Not the seed that constants were chosen with.
std::vector<Uplink> broadcasts(int count) {
  Random random(99);
  std::vector<Uplink> uplinks;
  for (int i = 0; i < count; ++i) uplinks.push_back(made_up_uplink(random));
  return uplinks;
}

const BufferResult& of(const std::vector<BufferResult>& results, Road road, const std::string& policy) {
  for (const BufferResult& result : results) {
    if (result.road == road && result.policy == policy) return result;
  }
  throw std::out_of_range(policy);
}

TEST(Study, of_buffers_finds_what_the_paper_found_of_its_own_policies) {
  const auto results = study_buffers(broadcasts(150), Random(99));
  for (const auto& figure : periscope::hls_buffer()) {
    const auto& ours = of(results, Road::polled_segments, "P = " + std::to_string(int(figure.prebuffer_s)) + " s");
    EXPECT_NEAR(*ours.buffering_s.value(0.5), *Curve(figure.buffering_s).value(0.5), 0.6) << ours.policy;
    EXPECT_NEAR(*ours.stall_ratio.value(0.5), *Curve(figure.stall_ratio).value(0.5), 0.03) << ours.policy;
  }
}

TEST(Study, adaptive_is_less_behind_than_6_s_and_stalls_no_more_than_the_paper_with_9_s) {
  const auto results = study_buffers(broadcasts(150), Random(99));
  const auto& adaptive = of(results, Road::polled_segments, "adaptive");
  const auto& six = of(results, Road::polled_segments, "P = 6 s");
  EXPECT_LT(*adaptive.buffering_s.value(0.5), *six.buffering_s.value(0.5));
  EXPECT_LT(*adaptive.buffering_s.value(0.5), 3.1);
  const Curve nine(periscope::hls_buffer()[3].stall_ratio);
  for (const double share : {0.5, 0.75, 0.9}) {
    EXPECT_LE(*adaptive.stall_ratio.value(share), *nine.value(share) + 0.002) << share;
  }
}

TEST(Study, of_polling_finds_half_an_interval_and_its_deviation) {
  const auto results = study_polling(broadcasts(150), Random(99));
  ASSERT_EQ(results.size(), 3u);
  for (const PollingResult& result : results) {
    EXPECT_NEAR(*result.mean_s.value(0.5), result.interval_s / 2, 0.15);
    EXPECT_NEAR(*result.deviation_s.value(0.5), result.interval_s / 3.46, 0.15);
  }
}

TEST(Study, is_the_same_for_the_same_seed) {
  const auto uplinks = broadcasts(10);
  const auto one = study_buffers(uplinks, Random(5)), two = study_buffers(uplinks, Random(5));
  for (size_t i = 0; i < one.size(); ++i) EXPECT_EQ(one[i].buffering_s.mean(), two[i].buffering_s.mean());
}

}  // namespace
}  // namespace klieg::sim
