// Randomness with a seed that can be printed, so that a failing run can be run again.
//
// For choices that need to be spread, not secret: back-off jitter, tests, simulations. Keys, ids and tokens come from
// libsodium in cli/ and studio/.
#pragma once

#include <cstdint>

namespace klieg {

// SplitMix64 (Steele, Lea, Flood 2014): one 64-bit word of state, passes BigCrush.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  uint64_t below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  uint64_t state_;
};

}  // namespace klieg
