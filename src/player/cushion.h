// How far behind a player has to be so that what comes next comes in time: learnt from what came, and no further than
// that needs.
//
// A piece of media has a *lag*: when it arrived less where it lies on the timeline. Lags share one unknown constant
// (the clocks are not set by each other), so only their differences mean something, and a player that plays at a lag of
// L shows every piece in time whose own lag is at most L. The law:
//
//   target = the worst lag of the last two minutes + reserve
//   reserve = 6 x spread / (n + 1), at most a spread, at least a third of a piece; once more for each stall remembered
//   spread = worst less best lag, or a piece's duration where that is more
//
// n pieces are known: by the rule of succession the next is worse than all of them with probability 1 / (n + 1), and
// then by some spread / (n + 1). So who has seen little keeps a piece's duration in reserve, as one who buffers a
// segment more; who has seen fifty pieces an eighth of what they differ by. Not less than a third of a piece: large
// pieces come by polling, whose beat against theirs takes longer to show than fifty pieces. A stall shows that the
// network has worse in store than it showed: it is in the worst lag by itself, and the reserve grows.
//
// Upwards the target moves at once, downwards no faster than pace() can follow: what was learnt in two minutes is not
// forgotten in a moment.
//
// The constants were chosen on made-up uplinks (sim/uplink.h) and are judged on real ones.
//
// web/src/playback/cushion.ts is the same law with the same constants: a change of one is a change of both.
#pragma once

#include <deque>
#include <optional>

#include "base/time.h"

namespace klieg::player {

// A stretch of the timeline that can be played once it is whole: a frame, a part, a segment.
struct Piece {
  MediaTime from;
  MediaTime to;
};

class Cushion {
 public:
  static constexpr Duration memory = 120s;
  static constexpr Duration reserve_min = 60ms;  // two frames
  static constexpr double reserve_spacings = 6;  // e^-6: one in four hundred of those worse than all is worse by more
  static constexpr int reserve_pieces = 3;
  static constexpr double falls_per_s = 0.05;  // as fast as pace() plays faster when not far off
  static constexpr uint32_t stalls_max = 4;    // remembered: the reserve is at most fivefold
  // Frames of 120 fps for two minutes are 14,400 at 24 bytes each way; older ones are forgotten sooner.
  static constexpr size_t pieces_max = 16'384;

  void arrived(const Piece& piece, LoopTime now);
  void stalled(LoopTime now);

  // The lag to play at. Empty until a piece has come.
  std::optional<Duration> target(LoopTime now);

 private:
  struct Lag {
    LoopTime at;
    Duration lag{0};
  };
  void forget(LoopTime now);
  Duration wished() const;

  std::deque<LoopTime> pieces_;
  std::deque<Lag> worst_;  // falling: the front is the worst of the memory, the rest what may become it
  std::deque<Lag> best_;   // rising
  std::deque<LoopTime> stalls_;
  Duration piece_duration_{0};  // of the last one
  std::optional<Lag> target_;
};

}  // namespace klieg::player
