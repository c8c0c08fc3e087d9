// What the Periscope paper plots (Wang, Zhang, Wang, Zheng, Zhao: "Anatomy of a Personalized Livestreaming System", IMC
// 2016), read off the curves of its figures to a fifth of a percent of their axes. A curve ends where the axis does.
#pragma once

#include <span>

#include "sim/distribution.h"

namespace klieg::sim::periscope {

// Figure 3: how long a broadcast lasts, in seconds.
std::span<const Point> broadcast_length_s();
// Figure 15, co-located: from a segment's completion until it is at the edge, in seconds.
std::span<const Point> origin_to_edge_s();

// Figures 12 and 13: per broadcast, mean and standard deviation (the axis says variance, the text and the values say
// otherwise) of the polling delay in seconds.
struct PollingFigure {
  double interval_s = 0;
  std::span<const Point> mean_s;
  std::span<const Point> deviation_s;
};
std::span<const PollingFigure> polling();

// Figures 16 and 17: per broadcast, stalled time by duration, and mean buffering delay in seconds.
struct BufferFigure {
  double prebuffer_s = 0;
  std::span<const Point> stall_ratio;
  std::span<const Point> buffering_s;
};
std::span<const BufferFigure> rtmp_buffer();
std::span<const BufferFigure> hls_buffer();

inline constexpr double hls_poll_interval_s = 2.8;  // section 6
inline constexpr double segment_s = 3;              // section 5.2: 86 % of the broadcasts

}  // namespace klieg::sim::periscope
