#include "cli/registry.h"

#include <fmt/format.h>

#include <utility>

namespace klieg::cli {

Registry::Registry(net::Loop& loop, const std::vector<ingest::Channel>& channels, const ingest::SlotPolicy& policy)
    : loop_(loop), slots_(channels, policy), expiry_(loop, [this] { expire_when_due(); }) {}

Result<Registry::Place, ingest::Refusal> Registry::claim(const ingest::PublishRequest& request, ShardIndex arrived) {
  auto granted = slots_.claim(request.key, request.peer, loop_.now());
  if (!granted) return std::unexpected(granted.error());
  if (const auto displaced = active_.find(granted->displaced); displaced != active_.end()) {
    displaced->second.publisher->refuse(
        {ingest::RefusalReason::taken_over, fmt::format("another encoder publishes {} now", granted->channel)});
  }
  const ingest::PublisherId publisher = granted->permit.publisher();
  Home& home = homes_.try_emplace(granted->channel, Home{arrived, 0}).first->second;
  home.last_publisher = publisher;
  active_.emplace(publisher, Active{std::move(granted->permit), request.publisher});
  return Place{granted->channel, home.shard, publisher};
}

void Registry::touch(ingest::PublisherId publisher) {
  if (const auto found = active_.find(publisher); found != active_.end()) found->second.permit.touch(loop_.now());
}

void Registry::gone(ingest::PublisherId publisher, ingest::Departure why) {
  const auto found = active_.find(publisher);
  if (found == active_.end()) return;
  found->second.permit.give_back(why, loop_.now());
  active_.erase(found);
  expire_when_due();
}

void Registry::ended(const std::string& channel, ingest::PublisherId publisher) {
  const auto found = homes_.find(channel);
  // Someone let in since then is on the way to the same home and begins the next broadcast there.
  if (found != homes_.end() && found->second.last_publisher == publisher) homes_.erase(found);
}

void Registry::expire_when_due() {
  slots_.expire(loop_.now());  // the home keeps the same time and ends its broadcast by itself
  if (const std::optional<LoopTime> due = slots_.wake_at()) expiry_.arm(*due);
}

}  // namespace klieg::cli
