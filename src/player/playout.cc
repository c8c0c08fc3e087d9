#include "player/playout.h"

#include <algorithm>

namespace klieg::player {
namespace {

MediaTime position_at(LoopTime now, Duration lag) { return MediaTime(now.time_since_epoch() - lag); }

}  // namespace

double Account::stall_ratio() const {
  const Duration all = played + stalled;
  return all > 0s ? to_seconds(stalled) / to_seconds(all) : 0;
}

Duration Account::buffering_delay() const { return pieces > 0 ? buffered / static_cast<int64_t>(pieces) : 0s; }

std::optional<MediaTime> Playout::position() const {
  if (!lag_) return std::nullopt;
  return position_at(looked_, *lag_);
}

Duration Playout::ahead() const {
  const auto at = position();
  return at && end_ ? std::max(Duration(0), *end_ - *at) : Duration(0);
}

void Playout::arrived(const Piece& piece, LoopTime now) {
  advance(now);
  if (piece.to <= piece.from || (end_ && piece.from < *end_) || waiting_.size() == waiting_max) {
    ++account_.dropped;
    return;
  }
  cushion_.arrived(piece, now);
  end_ = piece.to;
  waiting_.push_back({piece, now});
  if (lag_) {
    const Duration late = position_at(now, *lag_) - piece.from;
    if (late > 0s) {
      *lag_ += late;
      account_.stalled += late;
      ++account_.stalls;
      cushion_.stalled(now);
    }
    show_until(position_at(now, *lag_), now);
  }
  begin_if_ripe(now);
}

void Playout::advance(LoopTime now) {
  if (!lag_) begin_if_ripe(now);
  if (lag_) run(now);
}

void Playout::begin_if_ripe(LoopTime now) {
  if (lag_ || waiting_.empty()) return;
  const MediaTime first = waiting_.front().piece.from;
  const Duration lag_now = now.time_since_epoch() - first.time_since_epoch();
  if (const auto* fixed = std::get_if<FixedBuffer>(&policy_)) {
    if (*end_ - first < fixed->prebuffer) return;
  } else if (lag_now < *cushion_.target(now)) {
    return;
  }
  lag_ = lag_now;
  looked_ = now;
  show_until(first, now);
}

void Playout::run(LoopTime now) {
  const Duration elapsed = now - looked_;
  if (elapsed <= 0s) return;
  auto gained = Duration(static_cast<int64_t>(static_cast<double>(elapsed.count()) * (rate_ - 1)));
  // Faster only as far as there is something to show.
  if (gained > 0s) gained = std::min(gained, std::max(Duration(0), ahead() - elapsed));
  *lag_ -= gained;
  looked_ = now;
  show_until(position_at(now, *lag_), now);
  choose_rate(now);
}

void Playout::choose_rate(LoopTime now) {
  if (std::holds_alternative<FixedBuffer>(policy_)) return;
  rate_ = pace({.behind = *lag_, .target = *cushion_.target(now), .ahead = ahead(), .rate = rate_}, pace_law_);
}

void Playout::show_until(MediaTime position, LoopTime now) {
  while (!waiting_.empty() && waiting_.front().piece.from <= position) {
    const Waiting& shown = waiting_.front();
    // It was due between two looks; the lag has hardly moved since.
    const LoopTime due(shown.piece.from.time_since_epoch() + *lag_);
    account_.buffered += std::max(Duration(0), std::min(due, now) - shown.arrived);
    account_.played += shown.piece.to - shown.piece.from;
    ++account_.pieces;
    waiting_.pop_front();
  }
}

void Playout::finish(LoopTime now) {
  advance(now);
  if (!lag_ && !waiting_.empty()) {  // shorter than what was to be waited for
    lag_ = now.time_since_epoch() - waiting_.front().piece.from.time_since_epoch();
    looked_ = now;
  }
  if (end_ && lag_) advance(std::max(now, LoopTime(end_->time_since_epoch() + *lag_)));
}

}  // namespace klieg::player
