#include "net/pace.h"

#include <algorithm>

namespace klieg::net {
namespace {

// Over so many pushes the delay forgets what was before: at 500 viewers some 10 ms, so a burst of requests widens the
// window at once.
constexpr double pushes_remembered = 500;

// Windows are divided in so many steps: the more, the smoother, and each costs a timer.
constexpr int steps_per_window = 32;
constexpr Duration step_least = 1ms;

}  // namespace

void Pace::served(size_t pushes, Duration delay) {
  if (pushes == 0) return;
  const auto count = static_cast<double>(pushes);
  const double weight = std::min(1.0, count / pushes_remembered);
  const double each = static_cast<double>(std::max(delay, Duration(0)).count()) / count;
  const auto before = static_cast<double>(delay_.count());
  delay_ = Duration(static_cast<Duration::rep>(before + (each - before) * weight));
}

Duration Pace::window(size_t viewers) const {
  const double wanted = static_cast<double>(delay_.count()) * static_cast<double>(viewers) / settings_.share;
  if (wanted < static_cast<double>(settings_.window_least.count())) return Duration(0);
  return std::min(
      settings_.window_max,
      Duration(static_cast<Duration::rep>(std::min(wanted, static_cast<double>(settings_.window_max.count())))));
}

void Round::renew(size_t viewers, LoopTime now) {
  if (left_ == 0) {
    counted_ = now;
    owed_ = 1;  // somebody is first, now
  }
  left_ = viewers;
}

void Round::one_more() {
  if (left_ > 0) ++left_;
}

size_t Round::take(size_t viewers, const Pace& pace, LoopTime now) {
  left_ = std::min(left_, viewers);
  const Duration window = pace.window(viewers);
  if (window == Duration(0)) {
    owed_ = static_cast<double>(left_);
  } else {
    owed_ += static_cast<double>(viewers) * to_seconds(now - counted_) / to_seconds(window);
    owed_ = std::min(owed_, static_cast<double>(left_));
  }
  counted_ = now;
  const size_t visits = std::min(static_cast<size_t>(owed_), pace.turn_max());
  owed_ -= static_cast<double>(visits);
  left_ -= visits;
  return visits;
}

std::optional<LoopTime> Round::next(size_t viewers, const Pace& pace, LoopTime now) const {
  if (left_ == 0) return std::nullopt;
  const Duration window = pace.window(viewers);
  if (window == Duration(0) || owed_ >= 1) return now;
  // A step, and no sooner than the next visit is owed.
  const Duration owed_in(static_cast<Duration::rep>((1 - owed_) * static_cast<double>(window.count()) /
                                                    static_cast<double>(std::max<size_t>(viewers, 1))));
  return now + std::max({window / steps_per_window, step_least, owed_in});
}

}  // namespace klieg::net
