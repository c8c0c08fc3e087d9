// Where a segment ends: decided sample by sample on the leading track (video if there is any), without looking ahead.
//
// The cut is at the key frame nearest the grid line. A key frame that is late by half a grid, or that would make the
// segment longer than the grid allows, is not waited for: the cut falls on an ordinary frame and the segment that
// begins there is dependent. Segments stay `on_grid` while cuts lie within a quarter of the grid from their line; a cut
// further off is `slipped`, and from there on a segment simply ends about one grid after it began.
#pragma once

#include <algorithm>
#include <optional>

#include "media/sample.h"
#include "packager/grid.h"

namespace klieg::packager {

enum class Phase : uint8_t { on_grid, slipped, off_grid };

struct Cut {
  Phase phase = Phase::on_grid;  // slipped exactly once, at the cut that leaves the grid
  bool operator==(const Cut&) const = default;
};

class Cutter {
 public:
  explicit Cutter(const Grid& grid) : grid_(grid) {}

  // A period begins on the grid; its first segment starts here.
  void begin(MediaTime start);

  // Does the segment end before this sample, presented at `at`? `length` is how long the segment, as it is decoded,
  // would be with the sample in it. Call for each sample but the one given to begin(), in decode order.
  std::optional<Cut> decide(MediaTime at, Duration length, media::Sync sync);

  // No later cut lies before this time.
  MediaTime earliest() const { return line() - tolerance(); }

 private:
  MediaTime line() const;
  Duration tolerance() const;
  Duration key_interval() const { return std::max(intervals_[0], intervals_[1]); }
  bool ends_here(MediaTime at, Duration length, media::Sync sync) const;

  Grid grid_;
  MediaTime origin_;
  int64_t lines_passed_ = 0;
  MediaTime segment_start_;
  Phase phase_ = Phase::on_grid;
  // The longer of the last two distances between key frames: one extra key frame at a change of scene is no new rule.
  Duration intervals_[2] = {};
  MediaTime last_key_;
};

}  // namespace klieg::packager
