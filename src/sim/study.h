// The studies of the Periscope paper's sections 5.2 and 6, run over given uplinks: what polling costs, and what a
// player's buffer costs and saves.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "player/playout.h"
#include "sim/delivery.h"
#include "sim/distribution.h"
#include "sim/uplink.h"

namespace klieg::sim {

// How media reaches the player whose buffer is studied.
enum class Road : uint8_t {
  pushed_frames,    // the paper's RTMP tier
  polled_segments,  // the paper's HLS tier: 3 s, to the edge, polled every 2.8 s
  held_parts,       // Klieg's low-latency HTTP: 200 ms, sent when complete to whoever waits
};

// Of one policy on one road, each over all broadcasts.
struct BufferResult {
  Road road{};
  std::string policy;  // "P = 9 s", "adaptive"
  Curve stall_ratio{{}};
  Curve buffering_s{{}};
};

// Every policy sees the same arrivals: the polls' phases and the way to the edge are drawn once per broadcast.
std::vector<BufferResult> study_buffers(const std::vector<Uplink>& uplinks, Random random);

player::Account play(const std::vector<Delivery>& deliveries, const player::Policy& policy,
                     const player::PaceLaw& pace_law);

struct PollingResult {
  double interval_s = 0;
  Curve mean_s{{}};       // per broadcast
  Curve deviation_s{{}};  // per broadcast
};

// Of 3 s segments on their way to the edge, at the paper's intervals. Broadcasts of less than a minute have no
// mean worth the name.
inline constexpr size_t segments_min = 20;
std::vector<PollingResult> study_polling(const std::vector<Uplink>& uplinks, Random random);

}  // namespace klieg::sim
