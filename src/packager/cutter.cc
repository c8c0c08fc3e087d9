#include "packager/cutter.h"

namespace klieg::packager {

using media::Sync;

void Cutter::begin(MediaTime start) {
  origin_ = start;
  lines_passed_ = 0;
  segment_start_ = start;
  phase_ = Phase::on_grid;
  last_key_ = start;
}

MediaTime Cutter::line() const {
  if (phase_ == Phase::on_grid) return origin_ + grid_.segment * (lines_passed_ + 1);
  return segment_start_ + grid_.segment;
}

Duration Cutter::tolerance() const {
  if (grid_.fit == GridFit::sparse) return Duration(0);
  const Duration interval = key_interval() > 0ns ? key_interval() : grid_.segment;
  return std::min(interval, grid_.segment) / 2;
}

bool Cutter::ends_here(MediaTime at, Duration length, Sync sync) const {
  if (at <= segment_start_) return false;
  if (length > grid_.segment_max || at >= line() + grid_.segment / 2) return true;
  if (grid_.fit == GridFit::sparse) return at >= line();
  if (sync == Sync::no) return false;
  if (at >= line() - tolerance()) return true;
  // A key frame before the line is better than the one after it if that would come too late to be waited for.
  return at - segment_start_ >= grid_.segment / 2 && at + key_interval() - segment_start_ > grid_.segment_max;
}

std::optional<Cut> Cutter::decide(MediaTime at, Duration length, Sync sync) {
  if (sync == Sync::yes) {
    intervals_[1] = intervals_[0];
    intervals_[0] = at - last_key_;
    last_key_ = at;
  }
  if (!ends_here(at, length, sync)) return std::nullopt;
  const Duration offset = at > line() ? at - line() : line() - at;
  ++lines_passed_;
  segment_start_ = at;
  if (phase_ != Phase::on_grid) return Cut{phase_ = Phase::off_grid};
  if (offset <= grid_.segment / 4) return Cut{Phase::on_grid};
  phase_ = Phase::off_grid;
  return Cut{Phase::slipped};
}

}  // namespace klieg::packager
