#include "edge/addresses.h"

#include <algorithm>

#include "base/assert.h"

namespace klieg::edge {

std::string_view name_of(Admission admission) {
  switch (admission) {
    case Admission::allowed:
      return "allowed";
    case Admission::too_many_connections:
      return "too_many_connections";
    case Admission::too_many_requests:
      return "too_many_requests";
  }
  return "";
}

Addresses::Addresses(AddressLimits limits, std::vector<AddressRange> trusted, const SipKey& key)
    : limits_(limits),
      request_cost_(static_cast<int64_t>(1e9 / limits.requests_per_s)),
      trusted_(std::move(trusted)),
      entries_(0, Hash{key}) {
  KLIEG_ASSERT(limits.requests_per_s >= 0.001 && limits.requests_burst >= 1 && limits.entries_max > 0,
               "limits that let somebody in");
}

bool Addresses::is_trusted(const ClientAddress& address) const {
  return std::ranges::any_of(trusted_, [&](const AddressRange& range) { return range.contains(address); });
}

// Null: the table is full of addresses with connections.
Addresses::Entry* Addresses::find_or_add(const ClientAddress& client) {
  if (const auto found = entries_.find(client); found != entries_.end()) {
    if (found->second.connections == 0) idle_.splice(idle_.begin(), idle_, found->second.idle);
    return &found->second;
  }
  if (entries_.size() == limits_.entries_max) {
    if (idle_.empty()) return nullptr;
    entries_.erase(idle_.back());
    idle_.pop_back();
  }
  idle_.push_front(client);
  return &entries_.emplace(client, Entry{.idle = idle_.begin()}).first->second;
}

Admission Addresses::connection_opened(std::string_view text) {
  const ClientAddress address = client_address_of(text).value_or(ClientAddress());
  if (is_trusted(address)) return Admission::allowed;
  Entry* entry = find_or_add(address.network());
  if (!entry || entry->connections >= limits_.connections_max) return Admission::too_many_connections;
  if (entry->connections++ == 0) idle_.erase(entry->idle);
  return Admission::allowed;
}

void Addresses::connection_closed(std::string_view text) {
  const ClientAddress address = client_address_of(text).value_or(ClientAddress());
  if (is_trusted(address)) return;
  const auto found = entries_.find(address.network());
  KLIEG_ASSERT(found != entries_.end() && found->second.connections > 0, "a connection closes that was opened");
  if (--found->second.connections > 0) return;
  idle_.push_front(found->first);
  found->second.idle = idle_.begin();
}

// A request costs 1/rate of time; one may owe a burst's worth of it.
Admission Addresses::request(std::string_view text, LoopTime now) {
  const ClientAddress address = client_address_of(text).value_or(ClientAddress());
  if (is_trusted(address)) return Admission::allowed;
  Entry* entry = find_or_add(address.network());
  if (!entry) return Admission::too_many_requests;
  const LoopTime paid_off_at = std::max(entry->paid_off_at, now) + request_cost_;
  const auto owed_max = static_cast<int64_t>(static_cast<double>(request_cost_.count()) * limits_.requests_burst);
  if (paid_off_at - now > Duration(owed_max)) return Admission::too_many_requests;
  entry->paid_off_at = paid_off_at;
  return Admission::allowed;
}

}  // namespace klieg::edge
