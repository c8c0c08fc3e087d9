#include "edge/hosts.h"

#include <algorithm>
#include <utility>

namespace klieg::edge {
namespace {

// A restart takes some 100 ms; a host that is gone costs one request every ten seconds.
constexpr Duration first_rest = 250ms;
constexpr Duration longest_rest = 10s;

}  // namespace

void Hosts::add(std::string name, Upstream& upstream) { hosts_.push_back({std::move(name), &upstream, 0, {}}); }

std::optional<Routes::Way> Hosts::choose(std::string_view, uint32_t attempt, LoopTime now) {
  if (attempt > 0 && !spend_retry(now)) return std::nullopt;
  if (attempt == 0) retries_ = std::min(retries_at_once, retries_ + retries_per_request);
  // In the order given, but a further attempt goes to another, if there is one that can be asked.
  std::vector<size_t> usable;
  for (size_t i = 0; i < hosts_.size(); ++i) {
    if (hosts_[i].rests_until <= now) usable.push_back(i);
  }
  size_t chosen = 0;
  if (!usable.empty()) {
    chosen = usable[attempt % usable.size()];
  } else {
    const auto soonest = std::ranges::min_element(hosts_, {}, &Host::rests_until);
    if (soonest == hosts_.end()) return std::nullopt;
    chosen = static_cast<size_t>(soonest - hosts_.begin());
  }
  Host& host = hosts_[chosen];
  // One request finds out whether it is back; others go elsewhere meanwhile.
  if (host.failures > 0) host.rests_until = now + first_rest;
  return Way{host.upstream, chosen};
}

void Hosts::succeeded(const Way& way, LoopTime) {
  hosts_[way.index].failures = 0;
  hosts_[way.index].rests_until = LoopTime::min();
}

void Hosts::failed(const Way& way, LoopTime now) {
  Host& host = hosts_[way.index];
  const Duration rest = std::min(longest_rest, first_rest * (int64_t{1} << std::min(host.failures, 6u)));
  ++host.failures;
  // A single failure says little: a connection that was cut, an answer lost. The next request may try at once.
  if (host.failures == 1) return;
  const Duration jitter(static_cast<int64_t>(random_.below(static_cast<uint64_t>(rest.count() / 4))));
  host.rests_until = std::max(host.rests_until, now + rest + jitter);
}

void Hosts::released(const Way&) {}

bool Hosts::spend_retry(LoopTime now) {
  if (refilled_ == LoopTime::min()) refilled_ = now;
  retries_ = std::min(retries_at_once, retries_ + to_seconds(now - refilled_) * retries_per_s);
  refilled_ = now;
  if (retries_ < 1) return false;
  retries_ -= 1;
  return true;
}

}  // namespace klieg::edge
