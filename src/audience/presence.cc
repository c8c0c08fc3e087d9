#include "audience/presence.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace klieg::audience {

void Presence::hear(const std::string& node, uint64_t run, LoopTime now) {
  Node& one = nodes_[node];
  if (one.run != run) empty(one);
  one.run = run;
  one.heard = now;
}

void Presence::count(const std::string& node, const media::Census& census, LoopTime now) {
  Node& one = nodes_[node];
  empty(one);
  for (const media::Person& person : census.people) come(one, person);
  one.anonymous = census.anonymous;
  nameless_ += census.anonymous;
  one.heard = now;
}

void Presence::count(const std::string& node, const media::PersonCame& came, LoopTime now) {
  Node& one = nodes_[node];
  come(one, came.person);
  one.heard = now;
}

void Presence::count(const std::string& node, const media::PersonLeft& left) { leave(nodes_[node], left.account); }

void Presence::count(const std::string& node, const media::AnonymousCounted& anonymous) {
  Node& one = nodes_[node];
  nameless_ = nameless_ - one.anonymous + anonymous.count;
  one.anonymous = anonymous.count;
}

void Presence::come(Node& node, const media::Person& person) {
  if (person.account == media::AccountId::anonymous) return;
  if (node.accounts.contains(person.account) || node.unnamed.contains(person.account)) return;
  if (first_.size() < media::first_max) first_.emplace(person.account, static_cast<uint32_t>(first_.size()));
  const auto found = people_.find(person.account);
  if (found == people_.end() && people_.size() >= limits_.named_max) {
    // The set is bounded as the node is: a connection for each.
    node.unnamed.insert(person.account);
    ++nameless_;
    return;
  }
  if (found == people_.end()) greet(person);
  node.accounts.insert(person.account);
  Here& here = people_[person.account];
  here.person = person;
  ++here.nodes;
}

void Presence::leave(Node& node, media::AccountId account) {
  if (node.unnamed.erase(account) > 0) {
    --nameless_;
    return;
  }
  if (node.accounts.erase(account) == 0) return;
  const auto found = people_.find(account);
  KLIEG_ASSERT(found != people_.end() && found->second.nodes > 0, "who is on a node is here");
  if (--found->second.nodes == 0) people_.erase(found);
}

void Presence::empty(Node& node) {
  while (!node.accounts.empty()) leave(node, *node.accounts.begin());
  nameless_ -= node.unnamed.size() + node.anonymous;
  node.unnamed.clear();
  node.anonymous = 0;
}

void Presence::greet(const media::Person& person) {
  if (greeted_.size() >= limits_.named_max || !greeted_.insert(person.account).second) return;
  if (joined_.names.size() < limits_.notice_names_max) {
    joined_.names.push_back(person.name);
  } else {
    ++joined_.others;
  }
}

void Presence::wake(LoopTime now, std::vector<media::RoomEvent>& out) {
  for (auto next = nodes_.begin(); next != nodes_.end();) {
    const auto one = next++;
    if (now < one->second.heard + limits_.node_silent_max) continue;
    empty(one->second);
    nodes_.erase(one);
  }
  // A count that changes all the time is no more worth than one a second.
  if (told_ != viewers() && (!told_ || now >= told_at_ + 1s)) {
    told_ = viewers();
    told_at_ = now;
    out.emplace_back(media::ViewersCounted{viewers()});
  }
  if (!joined_.names.empty() && now >= notice_from_) {
    notice_from_ = now + limits_.notice_every;
    out.emplace_back(std::exchange(joined_, {}));
  }
}

std::optional<uint32_t> Presence::came_as(media::AccountId account) const {
  const auto found = first_.find(account);
  if (found == first_.end()) return std::nullopt;
  return found->second;
}

media::Standing Presence::standing_of(media::AccountId account) const {
  const auto found = people_.find(account);
  return found == people_.end() ? media::Standing::stranger : found->second.person.standing;
}

std::vector<media::Person> Presence::people(media::AccountId after, size_t count_max) const {
  // Asked for by a person at a page, not by the road of a heart.
  std::vector<const media::Person*> behind;
  for (const auto& [account, here] : people_) {
    if (account > after) behind.push_back(&here.person);
  }
  const size_t count = std::min(count_max, behind.size());
  std::ranges::partial_sort(behind, behind.begin() + static_cast<ptrdiff_t>(count), {}, &media::Person::account);
  std::vector<media::Person> page;
  page.reserve(count);
  for (size_t i = 0; i < count; ++i) page.push_back(*behind[i]);
  return page;
}

}  // namespace klieg::audience
