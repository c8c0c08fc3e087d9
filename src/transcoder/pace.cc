#include "transcoder/pace.h"

#include <algorithm>

namespace klieg::transcoder {
namespace {

constexpr Duration load_window = 2s;

}  // namespace

void Pace::restart(LoopTime now) {
  lag_ = Duration(0);
  starting_until_ = now + starting_max;
  lagging_since_.reset();
  spare_since_.reset();
}

void Pace::stop() {
  lag_ = Duration(0);
  load_ = 0;
  starting_until_.reset();
  lagging_since_.reset();
}

std::optional<LoopTime> Pace::wake_at() const {
  if (!spare_since_) return std::nullopt;
  return *spare_since_ + wait_;
}

void Pace::on_progress(LoopTime now, Duration lag, Duration busy, Duration span) {
  lag_ = lag;
  if (span > 0ns) {
    const double weight = std::min(1.0, to_seconds(span) / to_seconds(load_window));
    load_ += (to_seconds(busy) / to_seconds(span) - load_) * weight;
  }
  if (lag_ <= lag_high) {
    starting_until_.reset();
    lagging_since_.reset();
  } else if (!lagging_since_) {
    lagging_since_ = now;
  }
}

Pace::Verdict Pace::judge(LoopTime now, std::optional<double> growth) {
  if (starting_until_) {
    if (now < *starting_until_) return Verdict::keep;
    starting_until_.reset();
  }
  if (lag_ > lag_max) {
    note_shed(now);
    return Verdict::shed_all;
  }
  const bool settled = !changed_at_ || now - *changed_at_ >= settling;
  if (lagging_since_ && now - *lagging_since_ >= patience) {
    if (!settled) return Verdict::keep;
    note_shed(now);
    return Verdict::shed_one;
  }
  const bool spare = growth && lag_ <= lag_high && load_ * *growth <= load_of_return;
  if (!spare) {
    spare_since_.reset();
    return Verdict::keep;
  }
  if (!spare_since_) spare_since_ = now;
  if (now - *spare_since_ < wait_) return Verdict::keep;
  spare_since_.reset();
  changed_at_ = taken_at_ = now;
  return Verdict::take_one;
}

void Pace::note_shed(LoopTime now) {
  const bool again = taken_at_ && now - *taken_at_ < soon;
  wait_ = again ? std::min(wait_ * 2, wait_max) : wait_min;
  taken_at_.reset();
  changed_at_ = now;
  lagging_since_.reset();
  spare_since_.reset();
}

}  // namespace klieg::transcoder
