// When viewers are sent what is due to them: at once while that is cheap, else in turn, spread over a window.
//
// The cost model. A push costs a system call, about 5 us of a core whether one frame is in it or three
// (bench/fanout.py), and a stream with sound has 50 to 75 chunks a second. Pushing each to each of n viewers costs n x
// 75 x 5 us: with 500 viewers a fifth of a core, with 3,000 all of it. Gathered over a window W it costs n x 5 us / W:
// what is sent less often costs less. So the window is chosen by what it costs to serve everybody once:
//
//   window = viewers x delay of one push / share, at most window_max
//
// The delay of one push is not assumed but measured as what it does to the loop: how much later than asked for the turn
// after some pushes came, whatever the reason - dearer sends, TLS, requests, other broadcasts, a busy machine. So the
// window grows with the loop's delay, and pushing leaves the rest of the loop to others.
//
// Below window_least everybody is served at once: a window as short as that would not gather two chunks. Otherwise
// viewers are visited in turn, as many at a time as the time that went by allows, so that their windows lie evenly over
// the interval and no burst is larger than turn_max. All this is about a loop, not about a broadcast: viewers of all
// broadcasts take turns.
//
// Plain values; `now` is passed in. Thread: one loop.
#pragma once

#include <cstddef>
#include <optional>

#include "base/time.h"

namespace klieg::net {

struct PaceSettings {
  double share = 0.33;            // of the loop
  Duration window_least = 5ms;    // reached at 330 viewers x 5 us
  Duration window_max = 100ms;    // reached at 6,600; what a viewer sees is this and a network's jitter
  size_t turn_max = 100;          // x 5 us: others wait half a millisecond
  Duration delay_at_first = 5us;  // of one push, until some are measured
};

class Pace {
 public:
  explicit Pace(const PaceSettings& settings = {}) : settings_(settings), delay_(settings.delay_at_first) {}

  // After so many pushes the next turn came so much later than asked for.
  void served(size_t pushes, Duration delay);

  // Zero: at once.
  Duration window(size_t viewers) const;
  Duration window_max() const { return settings_.window_max; }
  size_t turn_max() const { return settings_.turn_max; }

 private:
  PaceSettings settings_;
  Duration delay_;  // of one push, over the last few hundred
};

// Whose turn it is, when and for how many.
class Round {
 public:
  // There is something new for somebody: everybody is to be visited once more.
  void renew(size_t viewers, LoopTime now);
  // Somebody who was visited has taken the place of one who left, and may be visited instead of one who was not: one
  // visit more, if there are any to come.
  void one_more();
  // So many viewers may be visited now; each is visited then.
  size_t take(size_t viewers, const Pace& pace, LoopTime now);
  // When to ask again; nothing: everybody was visited since the last renew().
  std::optional<LoopTime> next(size_t viewers, const Pace& pace, LoopTime now) const;

 private:
  size_t left_ = 0;   // to be visited since the last renew()
  double owed_ = 0;   // visits, by the time that went by
  LoopTime counted_;  // until when it was counted
};

}  // namespace klieg::net
