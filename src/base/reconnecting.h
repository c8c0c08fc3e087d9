// When to try again to reach a server that cannot be reached.
//
// At once after a connection that was good is lost - a server that restarts is back within a second - and after each
// failure twice as long, up to longest_rest, with a quarter of jitter: a hundred nodes do not come back at one moment.
//
// Pure: no socket, no clock.
#pragma once

#include <algorithm>

#include "base/random.h"
#include "base/time.h"

namespace klieg {

class Reconnecting {
 public:
  // A restart of PostgreSQL takes a second, one of NATS less. Beyond 10 s a person who repaired it would wait for us.
  static constexpr Duration first_rest = 100ms;
  static constexpr Duration longest_rest = 10s;

  explicit Reconnecting(uint64_t seed) : random_(seed) {}

  bool due(LoopTime now) const { return now >= next_at_; }
  LoopTime next_at() const { return next_at_; }

  void reached() { rest_ = first_rest; }
  void lost(LoopTime now) { next_at_ = now; }
  void failed(LoopTime now) {
    const auto jitter = static_cast<int64_t>(random_.below(static_cast<uint64_t>(rest_.count()) / 4 + 1));
    next_at_ = now + rest_ + Duration(jitter);
    rest_ = std::min(longest_rest, rest_ * 2);
  }

 private:
  Random random_;
  Duration rest_ = first_rest;
  LoopTime next_at_ = LoopTime::min();
};

}  // namespace klieg
