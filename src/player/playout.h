// What a viewer sees of the pieces that arrive: when playing begins, where it is, when it stands still.
//
// Two policies. FixedBuffer is the player of the Periscope paper (Wang et al., IMC 2016, section 6): wait until P of
// media is in hand, then play at the speed of time. AdaptiveBuffer is Klieg's: play at the lag that Cushion wishes, and
// come there by pace(), by the law of what the pieces are.
//
// A piece that comes when it should be on the screen already is a stall from the one instant to the other; everything
// after it is shown later by as much. (The paper calls such a piece discarded. But with a schedule that never moves, at
// P = 0 half of all polled chunks would be lost, and its figures say 3.4 % of the time.) A hole in the timeline, where
// the camera itself had stopped, is none: what comes after it is in time or not by the same measure.
//
// Pure: pieces and `now` come in, in order. No wake-ups: advance() is called as often as the rate shall be looked at,
// ten times a second for a viewer.
#pragma once

#include <deque>
#include <optional>
#include <variant>

#include "base/time.h"
#include "player/cushion.h"
#include "player/pace.h"

namespace klieg::player {

struct FixedBuffer {
  Duration prebuffer{0};
};
struct AdaptiveBuffer {};
using Policy = std::variant<FixedBuffer, AdaptiveBuffer>;

// Since the beginning.
struct Account {
  Duration played{0};  // of the timeline
  Duration stalled{0};
  uint32_t stalls = 0;
  // The paper's buffering delay: from a piece's arrival until it is played. Summed over `pieces`, which were played.
  Duration buffered{0};
  uint64_t pieces = 0;
  uint64_t dropped = 0;  // pieces before what was in hand already, or after `waiting_max` others

  double stall_ratio() const;
  Duration buffering_delay() const;  // the mean; 0 where nothing was played
};

class Playout {
 public:
  // Pieces in hand: frames of 60 fps for nine minutes, 24 bytes each. A player that far behind has other worries.
  static constexpr size_t waiting_max = 32'768;

  Playout(const Policy& policy, const PaceLaw& pace_law) : policy_(policy), pace_law_(pace_law) {}

  void arrived(const Piece& piece, LoopTime now);
  void advance(LoopTime now);
  // No more will come: what is in hand is played to its end, however long that takes.
  void finish(LoopTime now);

  // Where the picture is, or would be if it were not standing. Empty until playing began.
  std::optional<MediaTime> position() const;
  double rate() const { return rate_; }
  const Account& account() const { return account_; }

 private:
  struct Waiting {
    Piece piece;
    LoopTime arrived;
  };
  void begin_if_ripe(LoopTime now);
  void run(LoopTime now);
  void choose_rate(LoopTime now);
  void show_until(MediaTime position, LoopTime now);
  Duration ahead() const;

  Policy policy_;
  PaceLaw pace_law_;
  Cushion cushion_;
  std::deque<Waiting> waiting_;   // not yet begun to be shown
  std::optional<MediaTime> end_;  // of what arrived
  std::optional<Duration> lag_;   // time less position: set when playing began
  LoopTime looked_;
  double rate_ = 1;
  Account account_;
};

}  // namespace klieg::player
