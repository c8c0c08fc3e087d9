#include "studio/deliveries.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace klieg::studio {
namespace {

// Of RFC 9110's errors those that may be others another time.
bool may_change(uint16_t status) { return status == 0 || status == 408 || status == 429 || status >= 500; }

}  // namespace

void Deliveries::add(Delivery delivery) {
  KLIEG_ASSERT(room() > 0, "who adds a delivery has asked for room");
  due_.push_back(std::move(delivery));
}

std::optional<Delivery> Deliveries::next(LoopTime now) {
  while (!resting_.empty() && resting_.begin()->first <= now) {
    due_.push_back(std::move(resting_.extract(resting_.begin()).mapped()));
  }
  if (due_.empty() || under_way_ >= under_way_max) return std::nullopt;
  ++under_way_;
  Delivery delivery = std::move(due_.front());
  due_.pop_front();
  ++delivery.attempts;
  return delivery;
}

Fate Deliveries::ended(Delivery delivery, const Receipt& receipt, LoopTime now) {
  KLIEG_ASSERT(under_way_ > 0, "what ends was under way");
  --under_way_;
  if (receipt.status >= 200 && receipt.status < 300) return Fate::delivered;
  if (receipt.status == 404 || receipt.status == 410) return Fate::gone;
  if (!may_change(receipt.status)) return Fate::refused;
  if (delivery.attempts >= attempts_max || resting_.size() >= resting_max || room() == 0) return Fate::given_up;
  const Duration rest = std::clamp(receipt.retry_after, rests[delivery.attempts - 1], longest_rest);
  resting_.emplace(now + rest, std::move(delivery));
  return Fate::again;
}

std::optional<LoopTime> Deliveries::wake_at() const {
  if (resting_.empty()) return std::nullopt;
  return resting_.begin()->first;
}

}  // namespace klieg::studio
