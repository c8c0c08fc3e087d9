#include "player/cushion.h"

#include <algorithm>

namespace klieg::player {
namespace {

Duration scaled(Duration duration, double by) {
  return Duration(static_cast<int64_t>(static_cast<double>(duration.count()) * by));
}

}  // namespace

void Cushion::arrived(const Piece& piece, LoopTime now) {
  forget(now);
  const Duration lag = now.time_since_epoch() - piece.from.time_since_epoch();
  while (!worst_.empty() && worst_.back().lag <= lag) worst_.pop_back();
  while (!best_.empty() && best_.back().lag >= lag) best_.pop_back();
  worst_.push_back({now, lag});
  best_.push_back({now, lag});
  pieces_.push_back(now);
  if (pieces_.size() > pieces_max) pieces_.pop_front();
  piece_duration_ = piece.to - piece.from;
}

void Cushion::stalled(LoopTime now) {
  stalls_.push_back(now);
  if (stalls_.size() > stalls_max) stalls_.pop_front();
}

// The last piece is always remembered: where nothing comes for two minutes, nothing new was learnt.
void Cushion::forget(LoopTime now) {
  const LoopTime since = now - memory;
  while (pieces_.size() > 1 && pieces_.front() < since) pieces_.pop_front();
  while (worst_.size() > 1 && worst_.front().at < since) worst_.pop_front();
  while (best_.size() > 1 && best_.front().at < since) best_.pop_front();
  while (!stalls_.empty() && stalls_.front() < since) stalls_.pop_front();
}

Duration Cushion::wished() const {
  const Duration worst = worst_.front().lag;
  const Duration spread = std::max(worst - best_.front().lag, piece_duration_);
  const double share = std::min(1.0, reserve_spacings / static_cast<double>(pieces_.size() + 1));
  const Duration reserve = std::max({reserve_min, piece_duration_ / reserve_pieces, scaled(spread, share)});
  return worst + reserve * static_cast<int64_t>(1 + stalls_.size());
}

std::optional<Duration> Cushion::target(LoopTime now) {
  if (pieces_.empty()) return std::nullopt;
  forget(now);
  Duration lag = wished();
  if (target_) lag = std::max(lag, target_->lag - scaled(now - target_->at, falls_per_s));
  target_ = {now, lag};
  return lag;
}

}  // namespace klieg::player
