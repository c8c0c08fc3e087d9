// Where one viewer is in a reel: what it is sent next, what it misses when it is too slow.
//
//   waiting ──a mark──► reading ──behind what the reel keeps──► skipped to the latest mark, or waiting for one
//
// A newcomer begins at the latest mark, with everything since: a GOP that it catches up. Who had the broadcast from
// another node until now goes on where that left him, if nothing is missing in between. A slow one gets what has
// gathered in one go (merged), as long as the reel keeps it; then it goes on at the latest mark. So a viewer's memory
// is a number here, and at most `pieces_max` references to shared pieces on their way.
//
// A plain value. Thread: the reel's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "push/reel.h"

namespace klieg::push {

// What leaves in one write. Passed from one viewer to the next, within a turn: who stands where the one before stood,
// as nearly all do, takes the same without looking it up and without another reference to each piece. Not to be kept
// over an end of its reel.
class Batch {
 public:
  std::span<const Bytes> pieces() const { return pieces_; }
  size_t size() const { return size_; }  // in bytes
  void clear();

 private:
  friend class Cursor;
  bool begins_at(const Log& log, uint64_t offset) const {
    return log_ == &log && from_ == offset && log_size_ == log.size();
  }

  std::vector<Bytes> pieces_;
  size_t size_ = 0;
  const Log* log_ = nullptr;  // null: may not be taken by another
  uint64_t from_ = 0, to_ = 0, log_size_ = 0;
};

class Cursor {
 public:
  // As many pieces, each a frame or two, as leave in one writev. Eight tenths of a second of 30 fps with sound: at
  // 50 Mbit/s 5 MB, shared with every viewer who is not much faster or slower.
  static constexpr size_t pieces_max = 64;

  // `after`: the decode time of the last that the viewer has; nothing: he is a newcomer.
  explicit Cursor(std::optional<Duration> after = std::nullopt) : after_(after) {}

  // Whether next() would give something.
  bool due(const Reel& reel) const;
  // Makes of `out` what is to be sent next, at most pieces_max pieces and a preamble, and moves behind it.
  void next(const Reel& reel, Batch& out);

  uint64_t skips() const { return skips_; }

 private:
  uint64_t begin(const Reel& reel) const;

  std::optional<uint64_t> offset_;  // nothing: waits for its first mark, or for what is after
  std::optional<Duration> after_;   // until it has begun
  uint64_t skips_ = 0;
};

}  // namespace klieg::push
