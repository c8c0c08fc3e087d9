#include "cli/ownership.h"

#include <algorithm>
#include <utility>

namespace klieg::cli {
namespace {

// A sign of life that was not passed on within a lease's time is of no use any more.
constexpr size_t said_max = store::lease_duration / store::beat_every + 2;

constexpr std::string_view lease_prefix = "home/";

}  // namespace

std::string lease_name_of(const std::string& channel) { return std::string(lease_prefix) + channel; }

std::string_view name_of(LostLease why) { return why == LostLease::taken ? "taken" : "expired"; }

void Ownership::claim(const std::string& channel, Done done) {
  if (const auto number = held(channel)) return done({End::here, *number, {}});
  lose(channel, LostLease::expired);  // if it was held; wake() comes late
  auto [asking, is_new] = asking_.try_emplace(channel);
  asking->second.waiters.push_back({host_.now() + patience, std::move(done)});
  if (is_new) ask(channel);
}

void Ownership::ask(const std::string& channel) {
  asking_.at(channel).again_at.reset();
  const LoopTime now = host_.now();
  std::optional<store::Lease> seen;
  if (const auto watched = watched_.find(channel); watched != watched_.end()) {
    watched->second.asked_at = now;
    if (watched->second.lease.may_take(listening_, now)) seen = watched->second.lease.lease();
  }
  desk_.attempt(lease_name_of(channel), std::move(seen),
                [this, channel, question = ++questions_, now](store::Outcome<store::Attempt> outcome) {
                  on_attempted(channel, question, now, std::move(outcome));
                });
}

void Ownership::on_attempted(const std::string& channel, uint64_t question, LoopTime asked_at,
                             store::Outcome<store::Attempt> outcome) {
  if (!outcome) {
    in_doubt_ |= outcome.error().kind == store::FailureKind::in_doubt;
    return answer(channel, {End::unknown, 0, {}});
  }
  const LoopTime now = host_.now();
  if (outcome->taken) {
    watched_.erase(channel);
    returned_.erase(channel);
    const store::HeldLease lease(*outcome->taken, asked_at);
    if (!lease.held(now)) {  // the answer took longer than it is good for
      release(channel, lease.lease());
      return answer(channel, {End::unknown, 0, {}});
    }
    const int64_t number = lease.lease().number;
    held_.insert_or_assign(channel, Held{lease, question});
    return answer(channel, {End::here, number, {}});
  }
  std::string node;
  if (outcome->there) {
    node = outcome->there->holder ? host_.node_of(*outcome->there->holder) : "";
    Watched& watched = watched_.try_emplace(channel, Watched{{}, now}).first->second;
    watched.lease.saw(std::move(*outcome->there), now);
  }
  // It is watched all the same: one that died a moment ago is heard of no longer soon.
  if (!node.empty()) return answer(channel, {End::elsewhere, 0, std::move(node)});
  asking_.at(channel).again_at = now + ask_again_every;
}

void Ownership::answer(const std::string& channel, const Claimed& claimed) {
  auto asking = asking_.extract(channel);
  for (Waiter& waiter : asking.mapped().waiters) waiter.done(claimed);
}

void Ownership::give_back(const std::string& channel) {
  const auto held = held_.find(channel);
  if (held == held_.end()) return;
  const store::Lease lease = held->second.lease.lease();
  held_.erase(held);
  release(channel, lease);
}

void Ownership::release(const std::string& channel, const store::Lease& lease) {
  returned_.insert_or_assign(channel, Returned{lease, true});
  desk_.release(lease, [this, channel, number = lease.number](const store::Outcome<store::Granted>& outcome) {
    const auto returned = returned_.find(channel);
    if (returned == returned_.end() || returned->second.lease.number != number) return;
    returned->second.asked = false;
    if (outcome) returned_.erase(returned);
  });
}

// Not of what is asked for just now: it may be ours again.
void Ownership::release_again() {
  std::vector<std::pair<std::string, store::Lease>> due;
  for (const auto& [channel, returned] : returned_) {
    if (!returned.asked && !asking_.contains(channel)) due.emplace_back(channel, returned.lease);
  }
  for (const auto& [channel, lease] : due) release(channel, lease);
}

std::optional<int64_t> Ownership::held(std::string_view channel) const {
  const auto found = held_.find(channel);
  if (found == held_.end() || !found->second.lease.held(host_.now())) return std::nullopt;
  return found->second.lease.lease().number;
}

std::vector<std::string> Ownership::all_held() const {
  std::vector<std::string> all;
  for (const auto& [channel, held] : held_) {
    if (held.lease.held(host_.now())) all.push_back(channel);
  }
  return all;
}

void Ownership::heard(const std::string& process) {
  for (auto& [_, watched] : watched_) watched.lease.heard(process, host_.now());
}

void Ownership::said() {
  said_.push_back(host_.now());
  if (said_.size() > said_max) said_.pop_front();
}

void Ownership::wake(const std::optional<bus::Certainty>& certainty) {
  const LoopTime now = host_.now();
  listening_.reset();
  if (certainty) listening_ = {certainty->since, certainty->up_to};

  // Before anything is prolonged: what is over stays so.
  std::vector<std::string> over;
  for (const auto& [channel, held] : held_) {
    if (!held.lease.held(now)) over.push_back(channel);
  }
  for (const std::string& channel : over) lose(channel, LostLease::expired);

  std::optional<LoopTime> passed_on;
  while (certainty && !said_.empty() && said_.front() < certainty->up_to) {
    passed_on = said_.front();
    said_.pop_front();
    ++beats_by_bus_;
  }
  if (passed_on) {
    for (auto& [_, held] : held_) held.lease.beat_granted(*passed_on, now);
  }

  if (now >= renew_at_ && !renewing_ && (in_doubt_ || !held_.empty() || !returned_.empty())) {
    renewing_ = true;
    renew_at_ = now + store::beat_every;
    release_again();
    desk_.renew_all([this, question = ++questions_, now](const store::Outcome<std::vector<store::Lease>>& outcome) {
      on_renewed(question, now, outcome);
    });
  }

  look();

  std::vector<std::string> due;
  std::vector<Done> given_up;
  for (auto& [channel, asking] : asking_) {
    if (!asking.again_at) continue;
    const auto late = std::ranges::partition(asking.waiters, [&](const Waiter& it) { return now < it.until; });
    for (Waiter& waiter : late) given_up.push_back(std::move(waiter.done));
    asking.waiters.erase(late.begin(), late.end());
    if (now >= *asking.again_at && !asking.waiters.empty()) due.push_back(channel);
  }
  std::erase_if(asking_, [](const auto& entry) { return entry.second.waiters.empty(); });
  std::erase_if(watched_, [&](const auto& entry) {
    return now >= entry.second.asked_at + watched_for && !asking_.contains(entry.first);
  });
  for (const std::string& channel : due) ask(channel);
  for (Done& done : given_up) done({End::silent, 0, {}});
}

void Ownership::look() {
  const LoopTime now = host_.now();
  if (looking_ || now < look_at_) return;
  looking_ = true;
  look_at_ = now + look_every;
  desk_.list_held([this](store::Outcome<std::vector<store::Lease>> held) { on_listed(std::move(held)); });
}

// Of what is asked for just now its claimant decides.
void Ownership::on_listed(store::Outcome<std::vector<store::Lease>> held) {
  looking_ = false;
  if (!held) return;
  const LoopTime now = host_.now();
  for (store::Lease& lease : *held) {
    if (!lease.name.starts_with(lease_prefix)) continue;
    const std::string channel = lease.name.substr(lease_prefix.size());
    if (held_.contains(channel) || asking_.contains(channel) || returned_.contains(channel)) continue;
    Watched& watched = watched_.try_emplace(channel, Watched{{}, now}).first->second;
    watched.asked_at = now;
    watched.lease.saw(lease, now);
    if (watched.lease.may_take(listening_, now)) desk_.take_away(lease, [](const store::Outcome<store::Granted>&) {});
  }
}

void Ownership::on_renewed(uint64_t question, LoopTime asked_at,
                           const store::Outcome<std::vector<store::Lease>>& outcome) {
  renewing_ = false;
  if (!outcome) return;  // the bus may still take our beats; else it ends by itself
  in_doubt_ = false;
  ++beats_by_database_;
  const LoopTime now = host_.now();
  std::vector<std::pair<std::string, LostLease>> lost;
  for (auto& [channel, held] : held_) {
    if (held.since > question) continue;  // it was not ours yet when this was asked
    const auto same = [&, name = lease_name_of(channel)](const store::Lease& lease) {
      return lease.name == name && lease.number == held.lease.lease().number;
    };
    if (std::ranges::none_of(*outcome, same)) {
      lost.emplace_back(channel, LostLease::taken);
    } else if (!held.lease.held(now)) {
      lost.emplace_back(channel, LostLease::expired);
    } else {
      held.lease.beat_granted(asked_at, now);
    }
  }
  for (const auto& [channel, why] : lost) lose(channel, why);
  // What an attempt took whose answer was lost: it would be ours for ever, and serve nobody.
  for (const store::Lease& lease : *outcome) {
    const std::string channel = lease.name.substr(lease_prefix.size());
    if (!held_.contains(channel) && !asking_.contains(channel) && !returned_.contains(channel)) release(channel, lease);
  }
}

void Ownership::lose(const std::string& channel, LostLease why) {
  const auto held = held_.extract(channel);
  if (held.empty()) return;
  // In case nobody has it: who comes next need not wait. Of who has it, it takes nothing.
  release(channel, held.mapped().lease.lease());
  host_.on_lost(channel, why);
}

}  // namespace klieg::cli
