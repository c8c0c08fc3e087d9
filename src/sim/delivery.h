// How a broadcast's frames become what a viewer's player is handed: pushed one by one; held and sent as parts; or as
// the paper's HLS does it, in segments that wait to be polled.
#pragma once

#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "player/cushion.h"
#include "sim/uplink.h"

namespace klieg::sim {

struct Delivery {
  player::Piece piece;
  LoopTime arrived;
};

// Each frame as it comes; the last mile is not moving.
std::vector<Delivery> pushed(const Uplink& uplink);

// Pieces of at least `duration` in whole frames: complete with their last frame.
std::vector<Delivery> cut(const Uplink& uplink, Duration duration);

// ... each of which takes a time drawn from Figure 15 to the edge; none overtakes another.
void move_to_edge(std::vector<Delivery>& segments, Random& random);

// From each piece until the next poll of a viewer who polls every `interval`, the first time at `phase`.
std::vector<Duration> polling_delays(const std::vector<Delivery>& segments, Duration interval, Duration phase);

}  // namespace klieg::sim
