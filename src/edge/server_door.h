// Keeps one client from taking a loop for itself: the limits of edge/addresses.h where a protocol comes in.
//
// Connections are refused where they come in, requests of HTTP where it is known who makes them: a node that proves
// itself asks for thousands of viewers. What this machine asks of itself has no limits either.
//
// Owner: the loop's shard. Thread: that loop.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "edge/addresses.h"
#include "net/doorman.h"
#include "net/loop.h"

namespace klieg::edge {

// Of one address on one loop; 0: no limit.
struct DoorLimits {
  uint32_t connections_max = AddressLimits().connections_max;
  uint32_t requests_per_s_max = static_cast<uint32_t>(AddressLimits().requests_per_s);
};

class Door final : public net::Doorman {
 public:
  // `name`: of what comes in, a label of its metrics ("http"). `trusted`: who has no limits besides this machine: load
  // balancers, nodes without a secret.
  Door(net::Loop& loop, std::string_view name, DoorLimits limits, std::vector<AddressRange> trusted, const SipKey& key,
       Metrics& metrics);

  Word arrives(std::string_view peer) override;
  void leaves(std::string_view peer) override { addresses_.connection_closed(peer); }
  Admission asks(std::string_view peer);

 private:
  net::Loop& loop_;
  const DoorLimits limits_;
  Addresses addresses_;
  std::array<prometheus::Counter*, admissions> refused_{};  // null: allowed
};

}  // namespace klieg::edge
