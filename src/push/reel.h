// What viewers of one protocol read: an endless log of rendered messages, with the places where one may begin.
//
// A viewer is a cursor into it (cursor.h). Every piece of the log is whole messages, so a cursor that moves piece by
// piece may leave off at any of them and go on at a mark. A mark has a preamble, what a decoder must know before what
// follows; who reads on from before the mark has it already, because changes stand in the log itself.
//
// Owner: a Reading. Thread: one loop. Limit: ReelLimits.
#pragma once

#include <cstdint>
#include <deque>

#include "base/bytes.h"
#include "base/log.h"
#include "base/time.h"

namespace klieg::push {

struct Mark {
  uint64_t offset = 0;
  Duration decode_time{0};
  Bytes preamble;
};

struct ReelLimits {
  // How far a viewer may be behind before it is skipped to the latest mark: as much of the broadcast as this lies
  // behind that mark, on top of what lies after it. A stall of a mobile network seldom lasts longer and is worth
  // catching up.
  Duration lag_max = 3s;
  // 3 s and a GOP of 2 s at 50 Mbit/s. A GOP that alone is more is forgotten from its front: nobody begins in it.
  uint64_t bytes_max = uint64_t{32} << 20;
};

class Reel {
 public:
  explicit Reel(const ReelLimits& limits = {}) : limits_(limits) {}

  // The writer's side. `piece` is whole messages. With `mark`, viewers may begin with this piece, after the preamble.
  void append(Bytes piece);
  void append_marked(Bytes piece, Duration decode_time, Bytes preamble);
  void end();  // nothing follows

  // The readers' side.
  const Log& log() const { return log_; }
  // Where a newcomer begins. Null: nowhere now, wait for the next. Valid until the next append.
  const Mark* latest_mark() const { return marks_.empty() ? nullptr : &marks_.back(); }

 private:
  void forget();

  ReelLimits limits_;
  Log log_;
  std::deque<Mark> marks_;  // that lie in what is kept, and of which the second is less than lag_max before the last
};

}  // namespace klieg::push
