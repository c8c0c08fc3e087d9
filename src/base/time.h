// The three kinds of time. They do not convert into each other by accident.
//
//   LoopTime   when something happens to us: monotonic, read once per turn of a loop, handed to deciders as `now`.
//   WallTime   what a clock on the wall says (UTC): playlists, certificates, capture stamps.
//   MediaTime  where a sample lies on its broadcast's timeline; zero is the broadcast's first sample.
//
// All three count nanoseconds, so that a tick of any media timescale survives the round trip (see to_ticks).
#pragma once

#include <chrono>
#include <cstdint>

namespace klieg {

using Duration = std::chrono::nanoseconds;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""us;
using std::chrono_literals::operator""ns;

template <class Tag>
struct Clock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = false;
};

struct LoopTag;
struct WallTag;
struct MediaTag;
using LoopTime = Clock<LoopTag>::time_point;
using WallTime = Clock<WallTag>::time_point;    // since 1970-01-01T00:00:00Z, leap seconds not counted
using MediaTime = Clock<MediaTag>::time_point;  // since the broadcast began

// Reads the machine's clocks. Only net/ (once per loop turn) and programs' main functions call these.
LoopTime read_loop_clock();
WallTime read_wall_clock();

// Nanoseconds <-> ticks of a timescale, rounded to nearest. Exact in both directions for timescales below 1e9.
constexpr int64_t to_ticks(Duration duration, uint32_t timescale) {
  const __int128 scaled = static_cast<__int128>(duration.count()) * timescale;
  const __int128 half = scaled >= 0 ? 500'000'000 : -500'000'000;
  return static_cast<int64_t>((scaled + half) / 1'000'000'000);
}
constexpr Duration from_ticks(int64_t ticks, uint32_t timescale) {
  const __int128 scaled = static_cast<__int128>(ticks) * 1'000'000'000;
  const __int128 half = scaled >= 0 ? timescale / 2 : -static_cast<__int128>(timescale / 2);
  return Duration(static_cast<int64_t>((scaled + half) / timescale));
}

constexpr double to_seconds(Duration duration) { return static_cast<double>(duration.count()) / 1e9; }
constexpr int64_t to_ms(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

}  // namespace klieg
