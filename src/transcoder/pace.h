// Whether a worker keeps up, and what to do about it: give up a rung, give up all, or take one back.
//
// Pure. What counts for giving up is the lag, how far what has come out is behind what was fed, because that is what
// viewers would feel; what counts for taking back is the load, how long coding a second of media takes.
//
//              lag > lag_high for `patience`                 load low enough for `wait`
//   keeping --------------------------------> one rung less ----------------------------> one rung more
//              lag > lag_max: all rungs                      gone again soon: `wait` doubles
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace klieg::transcoder {

class Pace {
 public:
  // A part of 200 ms or two of delay can be hidden by a player's buffer; half a second begins to be seen. A rung that
  // is given up is still made until the next key frame and the lag may grow further: where it reaches lag_max the
  // worker goes, with all that it has not made. So nothing ever comes later than this, a frame more or less.
  static constexpr Duration lag_high = 500ms;
  static constexpr Duration lag_max = 2s;
  static constexpr Duration patience = 500ms;  // a hiccup of the machine is not a machine too slow
  // After a change, what was fed before it has to come out first: a group of pictures of 2 s, at a pace just too slow.
  static constexpr Duration settling = 3s;
  // After a start there is a backlog, which is worked off faster than it came.
  static constexpr Duration starting_max = 5s;

  static constexpr double load_of_return = 0.75;  // expected with the rung: leaves a quarter for harder scenes
  static constexpr Duration wait_min = 10s;
  static constexpr Duration wait_max = 300s;
  static constexpr Duration soon = 60s;  // a rung that goes within this after it came should not have come

  enum class Verdict : uint8_t { keep, shed_one, shed_all, take_one };

  // What was coded goes on, or begins anew with a backlog.
  void restart(LoopTime now);
  // Nothing is coded any more: there is no lag, and no load.
  void stop();
  // A worker's Progress: how far it lags now, and how long it was busy with how much.
  void on_progress(LoopTime now, Duration lag, Duration busy, Duration span);
  // `growth`: by how much the work would grow with the next rung taken back, as a factor; none: all are there.
  Verdict judge(LoopTime now, std::optional<double> growth);

  // When judge() would say take_one, if all stays as it was at the last judge().
  std::optional<LoopTime> wake_at() const;

  double load() const { return load_; }
  Duration lag() const { return lag_; }

 private:
  void note_shed(LoopTime now);

  Duration lag_{0};
  double load_ = 0;  // smoothed over some 2 s of media
  std::optional<LoopTime> starting_until_;
  std::optional<LoopTime> lagging_since_;
  std::optional<LoopTime> spare_since_;
  std::optional<LoopTime> changed_at_;
  std::optional<LoopTime> taken_at_;
  Duration wait_ = wait_min;
};

}  // namespace klieg::transcoder
