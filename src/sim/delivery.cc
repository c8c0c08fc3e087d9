#include "sim/delivery.h"

#include <algorithm>

#include "base/assert.h"
#include "sim/distribution.h"
#include "sim/periscope.h"

namespace klieg::sim {

std::vector<Delivery> pushed(const Uplink& uplink) { return cut(uplink, uplink.frame_interval); }

std::vector<Delivery> cut(const Uplink& uplink, Duration duration) {
  std::vector<Delivery> pieces;
  const std::vector<Frame>& frames = uplink.frames;
  size_t first = 0;
  for (size_t i = 0; i < frames.size(); ++i) {
    const MediaTime to = frames[i].captured + uplink.frame_interval;
    if (to - frames[first].captured < duration && i + 1 < frames.size()) continue;
    pieces.push_back({{frames[first].captured, to}, frames[i].arrived});
    first = i + 1;
  }
  return pieces;
}

void move_to_edge(std::vector<Delivery>& segments, Random& random) {
  const Curve took(periscope::origin_to_edge_s());
  const double share_known = took.points().back().share;
  LoopTime before{};
  for (Delivery& segment : segments) {
    const double took_s = *took.value(random.unit() * share_known);
    segment.arrived = std::max(before, segment.arrived + Duration(static_cast<int64_t>(took_s * 1e9)));
    before = segment.arrived;
  }
}

std::vector<Duration> polling_delays(const std::vector<Delivery>& segments, Duration interval, Duration phase) {
  KLIEG_ASSERT(interval > 0s && phase >= 0s && phase < interval, "a poll of every period begins within one");
  std::vector<Duration> delays;
  delays.reserve(segments.size());
  for (const Delivery& segment : segments) {
    const Duration since_poll = (segment.arrived.time_since_epoch() - phase) % interval;
    // % rounds towards zero: what comes before the first poll waits for that one.
    delays.push_back(since_poll <= 0s ? -since_poll : interval - since_poll);
  }
  return delays;
}

}  // namespace klieg::sim
