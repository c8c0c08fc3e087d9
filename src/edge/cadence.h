// When the next object of a foreign origin is due: learnt from the births of names that differ in a number alone.
//
//   seg-12.m4s  chunk_00012.ts  part-3.7.m4s  video-180180.m4s      the last number before the extension counts
//
// An origin that does not hold requests at the live edge says 404 until the object is there; whoever holds them in its
// stead can only ask. How often, and how late it is told:
//
//   nothing is known   at 0, 0.15, 0.45, 1.05 s and then every 0.6 s (poll_at): four questions for what is born within
//                      a second, seven within 2.9 s; no later than 0.6 s, nor than 0.15 s and as long as it has waited
//   a rhythm is        not at once, but a distance d = min(interval / 16, 150 ms) before the birth is due, and as much
//                      after: two questions, no later than 2 d, d on average; a third where it is later than that. With
//                      one question a birth that came earlier would never be noticed, and the rhythm drift away from it
//   it deceives        what is there already at the first of the two is late by what it was early, and moves what is
//                      due by 2 d; twice in a row, and nothing is known until a birth is seen again
//
// A birth is seen when the object was asked for, was not there, and then was; it is taken to have come when it was due,
// as far as these two allow. What is merely fetched may be old. Numbers may go up by more than one at a time (by
// durations, as with $Time$ in DASH): the time per number is learnt, and what comes next is due in proportion. A number
// that goes down is a series that began anew.
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
  static constexpr uint32_t deceptions_max = 2;
  static constexpr Duration hold_max = 3s;
  // A part of LL-HLS lasts 200 ms at least; what comes faster was not born just now. A minute is no live edge.
  static constexpr Duration interval_min = 100ms;
  static constexpr Duration interval_max = 60s;

  // Seen: it was asked for in vain at `missing_at`, and then was there.
  void on_born(std::string_view path, LoopTime missing_at, LoopTime now);
  // It was there when it was first asked for, as first_question() said; so it may have come long before.
  void on_found(std::string_view path, LoopTime now);

  struct Expected {
    LoopTime due;
    Duration interval{0};  // from one birth to the next
    LoopTime until;  // then the request has been held for min(2 x interval, 3 s), or the object is as late as that
    // firm: one of the next two after a birth that was seen.
    enum class Word : uint8_t { loose, firm } word = Word::loose;
  };
  // Empty: nothing is known of such names, or this one was due long ago, was born already, or is due too late to be
  // waited for.
  std::optional<Expected> expected(std::string_view path, LoopTime now) const;

  // When to ask the origin at all. Now, unless it is surely not there yet.
  static LoopTime first_question(const Expected& expected, LoopTime now, Random& random);
  // It was not there now: when to ask again. Spread, because other nodes wait too.
  static LoopTime ask_at(const Expected& expected, LoopTime now, Random& random);
  // The same where nothing is known, `since` it was wanted.
  static LoopTime poll_at(LoopTime since, LoopTime now);

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
    int64_t number = 0;  // from which the next are reckoned
    LoopTime born;
    std::array<Step, steps_kept> steps;
    size_t steps_seen = 0;
    int64_t seen_number = 0;
    LoopTime seen;
    uint32_t deceptions = 0;  // since then
    Order::iterator order;

    void step_to(int64_t next, LoopTime birth);
    double ns_per_number() const;
    bool has_rhythm() const { return known() >= steps_min && deceptions < deceptions_max; }
    LoopTime due(int64_t next) const;
    Duration interval() const;
    int64_t numbers_per_step() const;  // the fewest seen: births in between may have gone unwitnessed
    size_t known() const { return std::min(steps_seen, steps_kept); }
  };

  std::unordered_map<std::string, Series> series_;
  Order order_;
};

}  // namespace klieg::edge
