#include "packager/wall_anchor.h"

#include <algorithm>

namespace klieg::packager {
namespace {

constexpr Duration window = 10s;
constexpr Duration drift_max = 1s;

}  // namespace

void WallAnchor::observe(MediaTime media, WallTime arrived) {
  // Our clock set back ends the window too, or it would last until the clock is where it was.
  if (!window_began_ || std::chrono::abs(arrived - *window_began_) >= window) {
    window_began_ = arrived;
    least_before_ = least_now_;
    least_now_.reset();
  }
  const Duration delay = arrived.time_since_epoch() - media.time_since_epoch();
  least_now_ = std::min(least_now_.value_or(delay), delay);
}

std::optional<Duration> WallAnchor::least() const {
  if (!least_before_) return least_now_;
  if (!least_now_) return least_before_;
  return std::min(*least_now_, *least_before_);
}

void WallAnchor::anchor() { anchored_ = least().value_or(anchored_); }

bool WallAnchor::drifted() const {
  const auto now = least();
  if (!now) return false;
  if (*now < anchored_ - drift_max) return true;  // nothing but a fast clock brings a sample early
  return least_before_ && *now > anchored_ + drift_max;
}

void WallAnchor::restart() {
  window_began_.reset();
  least_now_.reset();
  least_before_.reset();
}

}  // namespace klieg::packager
