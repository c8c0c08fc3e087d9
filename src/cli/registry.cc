#include "cli/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace klieg::cli {

Registry::Registry(net::Loop& loop, const std::vector<ingest::Channel>& channels, const ingest::SlotPolicy& policy)
    : loop_(loop), slots_(channels, policy), expiry_(loop, [this] { expire_when_due(); }) {}

void Registry::claim(ingest::PublishRequest request, ShardIndex arrived, Hop hop, Claimed claimed) {
  if (nodes_) {
    if (auto knower = nodes_->knower_of(request.key)) {
      if (!*knower) return claimed(std::unexpected(knower->error()));
      return claimed(std::move(**knower));
    }
  }
  Candidate candidate{std::move(request), arrived, hop, std::nullopt, std::move(claimed)};
  const std::string key = candidate.request.key;
  if (!holders_ || !holders_->may_know(key)) {
    const auto channel = slots_.recognise(key, candidate.request.peer, loop_.now());
    if (!channel) return candidate.claimed(std::unexpected(channel.error()));
    return find_home(*channel, std::move(candidate));
  }
  if (auto refusal = slots_.too_often(candidate.request.peer, loop_.now())) {
    return candidate.claimed(std::unexpected(*refusal));
  }
  holders_->holder_of(
      key, [this, candidate = std::move(candidate)](std::expected<studio::KeyHolder, KeyIs> holder) mutable {
        if (!holder && holder.error() == KeyIs::nobodys) {
          return candidate.claimed(std::unexpected(slots_.refuse_wrong_key(candidate.request.peer, loop_.now())));
        }
        if (!holder) {
          return candidate.claimed(std::unexpected(ingest::Refusal{
              ingest::RefusalReason::keys_not_known_now, "keys cannot be looked up just now; try again soon"}));
        }
        const std::string channel = holder->account.name;
        candidate.holder = std::move(*holder);
        find_home(channel, std::move(candidate));
      });
}

void Registry::find_home(const std::string& channel, Candidate candidate) {
  if (!nodes_) return candidate.claimed(admit(channel, {}, candidate));
  const Hop hop = candidate.hop;
  nodes_->home_of(channel, hop,
                  [this, channel, candidate = std::move(candidate)](Result<Homes::Home, ingest::Refusal> home) mutable {
                    if (!home) return candidate.claimed(std::unexpected(home.error()));
                    if (auto* elsewhere = std::get_if<RelayTo>(&*home)) return candidate.claimed(std::move(*elsewhere));
                    auto place = admit(channel, std::get<Homes::Here>(std::move(*home)), candidate);
                    if (!homes_.contains(channel)) nodes_->over(channel);
                    candidate.claimed(std::move(place));
                  });
}

Result<Registry::Place, ingest::Refusal> Registry::admit(const std::string& channel, Homes::Here here,
                                                         const Candidate& candidate) {
  auto granted = slots_.claim_proven(channel, loop_.now());
  if (!granted) return std::unexpected(granted.error());
  if (candidate.holder) holders_->on_publisher(*candidate.holder);
  if (const auto displaced = active_.find(granted->displaced); displaced != active_.end()) {
    displaced->second.publisher->refuse(
        {ingest::RefusalReason::taken_over, fmt::format("another encoder publishes {} now", granted->channel)});
  }
  const ingest::PublisherId publisher = granted->permit.publisher();
  // Of several machines also where a home is: it was lost, and is not buried yet. A broadcast that is not over heeds it
  // not.
  std::optional<studio::RoomLife> goes_on = std::move(here.goes_on);
  if (!nodes_ && !homes_.contains(granted->channel)) goes_on = life_of(granted->channel);
  Home& home = homes_.try_emplace(granted->channel, Home{candidate.arrived, 0, 0}).first->second;
  home.last_publisher = publisher;
  home.key = candidate.holder ? candidate.holder->key : 0;
  active_.emplace(publisher, Active{granted->channel, std::move(granted->permit), candidate.request.publisher});
  Place place{granted->channel, home.shard, publisher, here.epoch, std::move(goes_on)};
  if (candidate.holder) {
    const bool for_everybody = candidate.holder->visibility == studio::Visibility::everyone;
    place.audience = for_everybody ? media::Audience::everybody : media::Audience::guests;
  }
  return place;
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
  if (found == homes_.end() || found->second.last_publisher != publisher) return;
  homes_.erase(found);
  if (nodes_) nodes_->over(channel);
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
  return Place{channel, home->second.shard, home->second.last_publisher, 1, std::nullopt};
}

void Registry::expire_when_due() {
  slots_.expire(loop_.now());  // the home keeps the same time and ends its broadcast by itself
  if (const std::optional<LoopTime> due = slots_.wake_at()) expiry_.arm(*due);
}

}  // namespace klieg::cli
