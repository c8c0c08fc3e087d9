// What viewers of one protocol read: an endless log of rendered messages, with the places where one may begin.
//
// A viewer is a cursor into it (cursor.h). Every piece of the log is whole messages, so a cursor that moves piece by
// piece may leave off at any of them and go on at a mark. A mark has a preamble, what a decoder must know before what
// follows; who reads on from before the mark has it already, because changes stand in the log itself.
//
// Between marks there are places: where one may go on who was sent what is before by another node, and so has the key
// frame. They end where what a decoder must know changes.
//
// Owner: a Reading. Thread: one loop. Limit: ReelLimits.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

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
  // How much of the broadcast may be missing before what a viewer waits for who goes on here. A node that is new to it
  // begins with the newest segment, and what others have of that, 10 s at most, comes in one go.
  Duration awaited_max = 10s;
};

class Reel {
 public:
  explicit Reel(const ReelLimits& limits = {}) : limits_(limits) {}

  // The writer's side. `piece` is whole messages. With a mark, viewers may begin with this piece, after the preamble.
  void append(Bytes piece, Duration decode_time);
  void append_marked(Bytes piece, Duration decode_time, Bytes preamble);
  void append_words(Bytes piece);  // no media: what a decoder must know from here on, that it is over
  void end();                      // nothing follows

  // The readers' side.
  const Log& log() const { return log_; }
  // Where a newcomer begins. Null: nowhere now, wait for the next. Valid until the next append.
  const Mark* latest_mark() const { return marks_.empty() ? nullptr : &marks_.back(); }
  // Where what is after `decode_time` begins, the end of the log where it is still to come; it is read behind the
  // preamble of the latest mark. Nothing: something is missing in between, or it is too far off to be waited for.
  std::optional<uint64_t> place_after(Duration decode_time) const;

 private:
  struct Place {
    uint64_t offset = 0;
    Duration decode_time{0};
  };

  void keep(Bytes piece);

  ReelLimits limits_;
  Log log_;
  std::deque<Mark> marks_;    // that lie in what is kept, and of which the second is less than lag_max before the last
  std::deque<Place> places_;  // of what is kept, since the first mark behind the latest words
};

}  // namespace klieg::push
