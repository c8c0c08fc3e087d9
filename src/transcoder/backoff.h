// When a dead worker is replaced: at once, unless they die one after the other.
//
// Pure. A stream that kills each decoder that meets it, a machine without memory, a program that does not start: new
// workers would only take from the broadcast what it needs. After 5 deaths in 30 s there is a rest, longer each time it
// did not help.
#pragma once

#include <algorithm>
#include <deque>

#include "base/time.h"

namespace klieg::transcoder {

class Backoff {
 public:
  static constexpr size_t deaths_max = 5;
  static constexpr Duration deaths_window = 30s;
  static constexpr Duration rest_min = 10s;
  static constexpr Duration rest_max = 300s;
  // Workers that lived this long after a rest have shown that it helped.
  static constexpr Duration recovered_after = 60s;

  // How long to rest before the next worker; zero: take it now.
  Duration on_death(LoopTime now) {
    deaths_.push_back(now);
    while (now - deaths_.front() > deaths_window) deaths_.pop_front();
    if (deaths_.size() < deaths_max) return Duration(0);
    deaths_.clear();
    const bool helped = rest_ == 0ns || now - rested_until_ > recovered_after;
    rest_ = helped ? rest_min : std::min(rest_ * 2, rest_max);
    rested_until_ = now + rest_;
    return rest_;
  }

 private:
  std::deque<LoopTime> deaths_;
  Duration rest_{0};
  LoopTime rested_until_;
};

}  // namespace klieg::transcoder
