// Whom a node asks, in order: the hosts it was given, the healthy ones first.
//
// A host that failed is left alone for a while that doubles with every further failure, then tried again by one
// request; the first answer makes it healthy. When all are down the one that is due soonest is asked: an error from it
// is better than one of our own making. Retries are bounded by a budget, so that parents in trouble are not asked more
// than they would be in health: a fifth of all requests, and ten a second besides.
//
// Owner: the loop's shard. Thread: that loop; no clock of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "edge/upstream.h"

namespace klieg::edge {

class Hosts final : public Routes {
 public:
  explicit Hosts(uint64_t seed) : random_(seed) {}

  void add(std::string name, Upstream& upstream);

  size_t ways() const override { return hosts_.size(); }
  std::optional<Way> choose(std::string_view key, uint32_t attempt, LoopTime now) override;
  void succeeded(const Way& way, LoopTime now) override;
  void failed(const Way& way, LoopTime now) override;
  void released(const Way& way) override;

  bool healthy(size_t index) const { return hosts_[index].failures == 0; }

 private:
  struct Host {
    std::string name;
    Upstream* upstream = nullptr;
    uint32_t failures = 0;  // since its last answer
    LoopTime rests_until = LoopTime::min();
  };
  bool spend_retry(LoopTime now);

  Random random_;
  std::vector<Host> hosts_;
  double retries_ = retries_at_once;  // that may still be made
  LoopTime refilled_ = LoopTime::min();
  static constexpr double retries_at_once = 10;
  static constexpr double retries_per_s = 10;
  static constexpr double retries_per_request = 0.2;
};

}  // namespace klieg::edge
