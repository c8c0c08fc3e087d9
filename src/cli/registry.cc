#include "cli/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace klieg::cli {

Registry::Registry(net::Loop& loop, const std::vector<ingest::Channel>& channels, const ingest::SlotPolicy& policy)
    : loop_(loop), slots_(channels, policy), expiry_(loop, [this] { expire_when_due(); }) {}

void Registry::claim(ingest::PublishRequest request, ShardIndex arrived, Claimed claimed) {
  if (!holders_ || !holders_->may_know(request.key)) {
    return claimed(admit(slots_.claim(request.key, request.peer, loop_.now()), 0, request, arrived));
  }
  if (auto refusal = slots_.too_often(request.peer, loop_.now())) return claimed(std::unexpected(*refusal));
  const std::string key = request.key;
  holders_->holder_of(key, [this, request = std::move(request), arrived,
                            claimed = std::move(claimed)](std::expected<studio::KeyHolder, KeyIs> holder) mutable {
    if (!holder && holder.error() == KeyIs::nobodys) {
      return claimed(std::unexpected(slots_.refuse_wrong_key(request.peer, loop_.now())));
    }
    if (!holder) {
      return claimed(std::unexpected(ingest::Refusal{ingest::RefusalReason::keys_not_known_now,
                                                     "keys cannot be looked up just now; try again soon"}));
    }
    auto granted = slots_.claim_proven(holder->account.name, loop_.now());
    if (granted) holders_->on_publisher(*holder);
    claimed(admit(std::move(granted), holder->key, request, arrived));
  });
}

Result<Registry::Place, ingest::Refusal> Registry::admit(Result<ingest::Granted, ingest::Refusal> granted, int64_t key,
                                                         const ingest::PublishRequest& request, ShardIndex arrived) {
  if (!granted) return std::unexpected(granted.error());
  if (const auto displaced = active_.find(granted->displaced); displaced != active_.end()) {
    displaced->second.publisher->refuse(
        {ingest::RefusalReason::taken_over, fmt::format("another encoder publishes {} now", granted->channel)});
  }
  const ingest::PublisherId publisher = granted->permit.publisher();
  std::optional<studio::RoomLife> goes_on;
  if (!homes_.contains(granted->channel)) goes_on = life_of(granted->channel);
  Home& home = homes_.try_emplace(granted->channel, Home{arrived, 0, 0}).first->second;
  home.last_publisher = publisher;
  home.key = key;
  active_.emplace(publisher, Active{granted->channel, std::move(granted->permit), request.publisher});
  return Place{granted->channel, home.shard, publisher, std::move(goes_on)};
}

void Registry::go_on(std::vector<studio::RoomLife> lives) {
  for (studio::RoomLife& life : lives) lives_.emplace(life.channel, life);
}

std::optional<studio::RoomLife> Registry::life_of(const std::string& channel) {
  auto life = lives_.extract(channel);
  if (!life || loop_.wall_now() - life.mapped().seen > studio::room_goes_on_within + studio::room_seen_every)
    return std::nullopt;
  return std::move(life.mapped());
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

std::optional<Registry::Place> Registry::end_carried_by(int64_t key) {
  const auto home = std::ranges::find(homes_, key, [](const auto& entry) { return entry.second.key; });
  if (home == homes_.end()) return std::nullopt;
  const std::string channel = home->first;
  return end(channel, {ingest::RefusalReason::key_revoked, "this stream key was revoked", channel});
}

std::optional<Registry::Place> Registry::end(const std::string& channel, const ingest::Refusal& why) {
  const auto home = homes_.find(channel);
  if (home == homes_.end()) return std::nullopt;
  slots_.end(channel);
  for (const auto& [_, active] : active_) {
    if (active.channel == channel) active.publisher->refuse(why);
  }
  return Place{channel, home->second.shard, home->second.last_publisher, {}};
}

void Registry::expire_when_due() {
  slots_.expire(loop_.now());  // the home keeps the same time and ends its broadcast by itself
  if (const std::optional<LoopTime> due = slots_.wake_at()) expiry_.arm(*due);
}

}  // namespace klieg::cli
