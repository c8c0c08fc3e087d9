// Counts what the servers of a node do, loop by loop, and says the sum every 3 s: to other nodes on the bus, under
// `load.NODE`, and to the operator as metrics. What is in it: edge/load.h.
//
//   LoopLoad    one per loop: attends its HTTP server, hears of each viewer's request
//   NodeLoad    on the first loop: asks all loops for their shares, adds them up
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "bus/bus.h"
#include "edge/load.h"
#include "edge/viewers.h"
#include "http/server.h"
#include "net/loop.h"

namespace klieg::edge {

// Thread: its loop.
class LoopLoad final : public http::Meter {
 public:
  // `key`: the same for all loops of a process, so that who is seen by several counts once.
  LoopLoad(net::Loop& loop, const SipKey& key) : loop_(loop), viewers_(key) {}

  void request_began() override { meter_.request_began(); }
  void request_ended() override { meter_.request_ended(); }
  void sent(uint64_t bytes) override { meter_.sent(bytes, loop_.now()); }
  // Who is pushed to, and what that takes.
  void viewer_came() { meter_.viewer_came(); }
  void viewer_left() { meter_.viewer_left(); }
  // Not a node's, which asks for others: they are counted where they ask.
  void saw(const http::Request& request, std::string_view client_address);

  LoadShare share() { return meter_.share(viewers_, loop_.now()); }
  net::Loop& loop() { return loop_; }

 private:
  net::Loop& loop_;
  LoadMeter meter_;
  Viewers viewers_;
};

class NodeLoad {
 public:
  // Before the loops run; lives on the first, until all have ended. `node`: its name. `loops` are not empty.
  NodeLoad(std::vector<LoopLoad*> loops, std::string node, uint64_t egress_capacity_bits_per_s, bus::Bus& bus,
           Metrics& metrics);

  // Asks for shares now and says the sum when the last is there. A loop that has not answered by the next time counts
  // with what it said before.
  void gather();

 private:
  void take(size_t index, LoadShare share);
  void say();

  const std::vector<LoopLoad*> loops_;
  std::vector<LoadShare> shares_;  // by loop
  size_t awaited_ = 0;
  LoadReporter reporter_;
  bus::Bus& bus_;
  const std::string subject_;
  prometheus::Gauge& viewers_;
  prometheus::Gauge& egress_bytes_per_s_;
  prometheus::Gauge& requests_in_flight_;
  prometheus::Gauge& headroom_;
  net::Timer timer_;
};

}  // namespace klieg::edge
