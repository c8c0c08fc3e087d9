// The engine's deadlines: flights that wake, lifetimes that end, topics and growing objects that are looked at.
#include <algorithm>
#include <utility>

#include "edge/engine.h"

namespace klieg::edge {
namespace {

constexpr Duration tend_every = 1s;

}  // namespace

void Engine::on_time() {
  const LoopTime now = clock_.now();
  for (const auto& topic : std::exchange(topics_over_, {})) topic->tell_newcomers();
  if (std::exchange(newcomers_, false)) {
    for (auto& [_, entry] : topics_) {
      if (const auto topic = entry.topic) topic->tell_newcomers();
    }
  }
  while (!wakes_.empty() && wakes_.begin()->first <= now) {
    const std::shared_ptr<Flight> flight = trips_.at(wakes_.begin()->second).flight;
    trips_.at(flight.get()).wake = wakes_.end();
    wakes_.erase(wakes_.begin());
    flight->on_time(now);
  }
  while (!lifetimes_.empty() && lifetimes_.begin()->first <= now) {
    const std::string key = std::move(lifetimes_.begin()->second);
    lifetimes_.erase(lifetimes_.begin());
    if (Resource* resource = store_.peek(key)) outlive(*resource);
  }
  retry_topics();
  if (now >= tended_ + tend_every) {
    tended_ = now;
    tend_topics();
    std::erase_if(growing_, [this](const std::string& key) {
      settle(key);
      const Resource* resource = store_.peek(key);
      return !resource ||
             std::ranges::none_of(resource->variants, [](const auto& object) { return object->log->growing(); });
    });
  }
}

LoopTime Engine::next_deadline() const {
  if (newcomers_ || !topics_over_.empty()) return clock_.now();
  LoopTime next = LoopTime::max();
  if (!wakes_.empty()) next = wakes_.begin()->first;
  if (!lifetimes_.empty()) next = std::min(next, lifetimes_.begin()->first);
  if (!topic_retries_.empty()) next = std::min(next, topic_retries_.begin()->first);
  if (!topics_.empty() || !growing_.empty()) next = std::min(next, tended_ + tend_every);
  return next;
}

}  // namespace klieg::edge
