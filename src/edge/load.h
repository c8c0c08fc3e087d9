// How loaded a node is: counted by each loop, summed over them, and told to others every 3 s under `load.NODE`.
//
//   loop: LoadMeter, Viewers ──share──┐
//   loop: LoadMeter, Viewers ──share──┴─► LoadReporter ──LoadReport──► as JSON to whoever decides by it
//
// A report says how things are, so one that is lost is made good by the next. Of two of one node the newer counts;
// reports that come late or twice are known by is_newer(). 3 s is the seed's interval: long enough for a mean, short
// enough to see a crowd come.
//
// Pure. Thread: a LoadMeter belongs to its loop; shares are values that may be posted.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "edge/viewers.h"

namespace klieg::edge {

constexpr Duration load_interval = 3s;

// What one loop contributes.
struct LoadShare {
  uint64_t requests_in_flight = 0;
  uint64_t egress_bits_per_s = 0;  // the mean of the last 3 s
  Viewers::Sample viewers;
  uint64_t pushed_to = 0;  // viewers beside those, who ask for nothing
};

class LoadMeter {
 public:
  void request_began() { ++requests_in_flight_; }
  void request_ended();
  void viewer_came() { ++pushed_to_; }
  void viewer_left();
  // Handed over to the network: heads and bodies, without what TLS and TCP add.
  void sent(uint64_t bytes, LoopTime now);

  LoadShare share(Viewers& viewers, LoopTime now);

 private:
  static constexpr Duration slot_duration = 100ms;
  // One more than fills the interval: what was sent in the rest of a slot behind one report is in the next, also
  // where that comes a little late.
  static constexpr size_t slots = load_interval / slot_duration + 1;

  void turn_to(LoopTime now);

  uint64_t requests_in_flight_ = 0;
  uint64_t pushed_to_ = 0;
  std::array<uint64_t, slots> sent_{};  // in each of the last slots, the one of `slot_` still filling
  int64_t slot_ = 0;
};

struct LoadReport {
  std::string node;
  WallTime started;       // when the node's process began: sequences of two processes do not compare
  uint64_t sequence = 0;  // one more with every report, from 1
  WallTime made;
  uint64_t requests_in_flight = 0;
  uint64_t egress_bits_per_s = 0;
  uint64_t egress_capacity_bits_per_s = 0;
  uint64_t viewers = 0;

  // The part of the capacity that is not in use, 0 to 1.
  double headroom() const;
  bool operator==(const LoadReport&) const = default;
};

// Of two reports of one node. Times are to the millisecond.
bool is_newer(const LoadReport& report, const LoadReport& than);

class LoadReporter {
 public:
  // `egress_capacity_bits_per_s`: more than 0; what the operator says the machine's line and plan allow.
  LoadReporter(std::string node, uint64_t egress_capacity_bits_per_s, WallTime started);
  LoadReport report(std::span<const LoadShare> shares, WallTime now);

 private:
  LoadReport next_;
};

constexpr size_t load_report_size_max = 1'024;

std::string json_of(const LoadReport& report);
// What is not there or not as it should be is an error; what nobody knows is passed over, as a newer node may say it.
Result<LoadReport> load_report_of(std::string_view json);

}  // namespace klieg::edge
