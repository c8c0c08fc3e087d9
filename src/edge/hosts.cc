#include "edge/hosts.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/logging.h"
#include "edge/placement.h"

namespace klieg::edge {
namespace {

// A restart takes some 100 ms; a host that is gone costs one request every ten seconds.
constexpr Duration first_rest = 250ms;
constexpr Duration longest_rest = 10s;
constexpr Duration complaint_every = 60s;  // each topic hears the same

}  // namespace

void Hosts::add_parent(std::string name, Upstream& upstream, media::TopicSource* topics) {
  hosts_.push_back({.name = std::move(name), .upstream = &upstream, .topics = topics});
}

void Hosts::add_cache_host(std::string name, Upstream* upstream, media::TopicSource* topics) {
  KLIEG_ASSERT(hosts_.size() == cache_host_names_.size(), "cache hosts are added before parents");
  cache_host_names_.push_back(name);
  hosts_.push_back({.name = std::move(name), .upstream = upstream, .topics = topics});
}

// Who may be asked, the best first: the key's cache hosts down to this node's own place, then the parents.
std::vector<size_t> Hosts::order_for(std::string_view key, LoopTime now) const {
  std::vector<size_t> order;
  uint64_t total = 0, alive = 0;
  for (size_t i = 0; i < cache_host_names_.size(); ++i) {
    total += hosts_[i].load;
    alive += hosts_[i].rests_until <= now ? 1 : 0;
  }
  const uint64_t bound = load_bound(total, std::max<uint64_t>(alive, 1));
  std::vector<size_t> loaded;  // beyond the bound: after the others
  for (const size_t index : placement_of(key, cache_host_names_)) {
    const Host& host = hosts_[index];
    if (!host.upstream) break;
    (host.load < bound ? order : loaded).push_back(index);
  }
  order.insert(order.end(), loaded.begin(), loaded.end());
  for (size_t i = cache_host_names_.size(); i < hosts_.size(); ++i) order.push_back(i);
  return order;
}

std::optional<size_t> Hosts::pick(std::string_view key, uint32_t attempt, LoopTime now) const {
  const std::vector<size_t> order = order_for(key, now);
  if (order.empty()) return std::nullopt;
  std::vector<size_t> usable;
  std::ranges::copy_if(order, std::back_inserter(usable), [&](size_t i) { return hosts_[i].rests_until <= now; });
  const auto soonest = [&] {
    return std::ranges::min_element(order, {}, [&](size_t i) { return hosts_[i].rests_until; });
  };
  // A further attempt goes to the first that has not failed just now, or else to the one whose failure is longest ago.
  const auto failed_lately = [&](size_t i) {
    return hosts_[i].failed_at > now - longest_rest ? hosts_[i].failed_at : LoopTime::min();
  };
  return usable.empty() ? *soonest()
         : attempt == 0 ? usable.front()
                        : *std::ranges::min_element(usable, {}, failed_lately);
}

// Its last answer was good, and if it ever failed, another has failed since: whatever brings a request here was not its
// doing.
bool Hosts::is_well(size_t index) const {
  const Host& host = hosts_[index];
  if (host.failures > 0) return false;
  return host.failed_at == LoopTime::min() ||
         std::ranges::any_of(hosts_, [&](const Host& other) { return other.failed_at > host.failed_at; });
}

// One request finds out whether it is back; others go elsewhere meanwhile.
void Hosts::go_to(Host& host, LoopTime now) {
  if (host.failures > 1) host.rests_until = now + first_rest;
}

std::optional<Routes::Way> Hosts::choose(std::string_view key, const FetchRequest& request, uint32_t attempt,
                                         LoopTime now) {
  const auto chosen = pick(key, attempt, now);
  if (!chosen) return std::nullopt;
  RetryBudget& budget = request.whom == FetchRequest::For::all ? for_all_ : for_one_;
  if (attempt == 0) budget.earn();
  if (attempt > 0 && !is_well(*chosen) && !budget.spend(now)) return std::nullopt;
  go_to(hosts_[*chosen], now);
  ++hosts_[*chosen].load;
  return Way{hosts_[*chosen].upstream, *chosen};
}

void Hosts::succeeded(const Way& way, LoopTime) {
  Host& host = hosts_[way.index];
  if (host.failures > 1) logging::info("a parent answers again", {{"parent", host.name}});
  host.failures = 0;
  host.rests_until = LoopTime::min();
}

void Hosts::failed(const Way& way, LoopTime now) {
  Host& host = hosts_[way.index];
  released(way);
  host.failed_at = now;
  const Duration rest = std::min(longest_rest, first_rest * (int64_t{1} << std::min(host.failures, 6u)));
  // A single failure says little: a connection that was cut, an answer lost.
  if (++host.failures == 1) return;
  if (host.failures == 2) {
    logging::warning("a parent does not answer; it is asked now and then until it does", {{"parent", host.name}});
  }
  const Duration jitter(static_cast<int64_t>(random_.below(static_cast<uint64_t>(rest.count() / 4))));
  host.rests_until = std::max(host.rests_until, now + rest + jitter);
}

void Hosts::released(const Way& way) {
  KLIEG_ASSERT(hosts_[way.index].load > 0, "a way that was chosen ends once");
  --hosts_[way.index].load;
}

void Hosts::RetryBudget::earn() { left_ = std::min(at_once, left_ + per_request); }

bool Hosts::RetryBudget::spend(LoopTime now) {
  if (refilled_ == LoopTime::min()) refilled_ = now;
  left_ = std::min(at_once, left_ + to_seconds(now - refilled_) * per_s);
  refilled_ = now;
  if (left_ < 1) return false;
  left_ -= 1;
  return true;
}

// Nothing comes by push then, and viewers do not notice: who runs this node has to.
void Hosts::on_refused(Host& host) {
  const LoopTime now = now_();
  if (host.complained_at != LoopTime::min() && now - host.complained_at < complaint_every) return;
  host.complained_at = now;
  logging::warning("a parent does not believe this node, and pushes nothing to it; give both the same --node-secret",
                   {{"parent", host.name}});
}

// Notes how the host fares, so that a topic that is lost is asked of another.
class Hosts::HostSubscription final : public media::Subscription, private media::PushSink {
 public:
  HostSubscription(Hosts& hosts, size_t index, std::string_view topic, media::PushSink& sink)
      : hosts_(hosts), index_(index), sink_(sink), subscription_(hosts.hosts_[index].topics->subscribe(topic, *this)) {}

 private:
  void on_push(media::PushRecord record) override {
    if (!std::exchange(heard_, true)) hosts_.succeeded({nullptr, index_}, hosts_.now_());
    sink_.on_push(std::move(record));
  }
  void on_topic_end(media::TopicEnd why) override {
    if (why == media::TopicEnd::unreachable) {
      ++hosts_.hosts_[index_].load;  // as if it had been chosen: failed() takes it back
      hosts_.failed({nullptr, index_}, hosts_.now_());
    }
    if (why == media::TopicEnd::refused) hosts_.on_refused(hosts_.hosts_[index_]);
    sink_.on_topic_end(why);
  }

  Hosts& hosts_;
  const size_t index_;
  media::PushSink& sink_;
  bool heard_ = false;
  std::unique_ptr<media::Subscription> subscription_;
};

std::unique_ptr<media::Subscription> Hosts::subscribe(std::string_view topic, media::PushSink& sink) {
  const auto chosen = pick(topic, 0, now_());
  KLIEG_ASSERT(chosen && hosts_[*chosen].topics, "who has nobody to ask takes nothing by push");
  go_to(hosts_[*chosen], now_());
  return std::make_unique<HostSubscription>(*this, *chosen, topic, sink);
}

}  // namespace klieg::edge
