// When the next object of a foreign origin is due: learnt from the births of names that differ in a number alone.
//
//   seg-12.m4s  chunk_00012.ts  part-3.7.m4s  video-180180.m4s      the last number before the extension counts
//
// An origin that does not hold requests at the live edge says 404 until the object is there. Who knows when that will
// be can hold the request itself and ask a few times instead of ten times a second.
//
// A birth is told when it was witnessed: the object was asked for, was not there, and then was. What is merely fetched
// may be old. Numbers may go up by more than one at a time (by durations, as with $Time$ in DASH): the time per number
// is learnt, and what comes next is due in proportion. A number that goes down is a series that began anew.
//
// Pure. Thread, owner: those of the engine.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/random.h"
#include "base/time.h"

namespace klieg::edge {

class Cadence {
 public:
  static constexpr size_t series_max = 4'096;  // x 1 KiB (two copies of the path): 4 MiB; the one born longest ago goes
  static constexpr size_t path_size_max = 400;
  static constexpr size_t steps_min = 2;  // one interval may be anything; two that make a median are a cadence
  static constexpr size_t steps_kept = 5;
  static constexpr Duration hold_max = 3s;
  // A part of LL-HLS lasts 200 ms at least; what comes faster was not born just now. A minute is no live edge.
  static constexpr Duration interval_min = 100ms;
  static constexpr Duration interval_max = 60s;

  void on_born(std::string_view path, LoopTime now);

  struct Expected {
    LoopTime due;
    Duration interval{0};  // from one birth to the next
    LoopTime until;  // then the request has been held for min(2 x interval, 3 s), or the object is as late as that
  };
  // Empty: nothing is known of such names, or this one was due long ago, was born already, or is due too late to be
  // waited for.
  std::optional<Expected> expected(std::string_view path, LoopTime now) const;

  // When to ask the origin whether it is there by now: a little before it is due, because who only ever asks when it is
  // there already never learns that it came earlier; then at growing distances. Spread, because other nodes wait too.
  static LoopTime ask_at(const Expected& expected, LoopTime now, Random& random);

  size_t series() const { return series_.size(); }

 private:
  struct Name {
    std::string series;  // what is around the number
    int64_t number = 0;
  };
  static std::optional<Name> name_of(std::string_view path);

  struct Step {
    Duration elapsed{0};
    int64_t numbers = 0;
  };
  using Order = std::list<std::string>;  // the series born last at the front
  struct Series {
    int64_t number = 0;
    LoopTime born;
    std::array<Step, steps_kept> steps;
    size_t steps_seen = 0;
    Order::iterator order;

    void step_to(int64_t next, LoopTime now);
    double ns_per_number() const;
    int64_t numbers_per_step() const;  // the fewest seen: births in between may have gone unwitnessed
    size_t known() const { return std::min(steps_seen, steps_kept); }
  };

  std::unordered_map<std::string, Series> series_;
  Order order_;
};

}  // namespace klieg::edge
