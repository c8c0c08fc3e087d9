#include "edge/server_door.h"

#include <algorithm>
#include <string>
#include <utility>

namespace klieg::edge {
namespace {

AddressLimits address_limits(const DoorLimits& limits) {
  AddressLimits of_each;
  of_each.connections_max = limits.connections_max == 0 ? UINT32_MAX : limits.connections_max;
  of_each.requests_per_s = of_each.requests_burst = std::max(1u, limits.requests_per_s_max);
  return of_each;
}

std::vector<AddressRange> with_this_machine(std::vector<AddressRange> trusted) {
  for (const char* loopback : {"127.0.0.0/8", "::1"}) trusted.push_back(*AddressRange::parse(loopback));
  return trusted;
}

}  // namespace

Door::Door(net::Loop& loop, std::string_view name, DoorLimits limits, std::vector<AddressRange> trusted,
           const SipKey& key, Metrics& metrics)
    : loop_(loop), limits_(limits), addresses_(address_limits(limits), with_this_machine(std::move(trusted)), key) {
  for (const Admission why : {Admission::too_many_connections, Admission::too_many_requests}) {
    refused_[static_cast<size_t>(why)] =
        &metrics.counter("klieg_edge_refusals_total", "What was refused because its address had too much, by what of.",
                         {{"door", std::string(name)}, {"reason", std::string(name_of(why))}});
  }
}

net::Doorman::Word Door::arrives(std::string_view peer) {
  const Admission word = addresses_.connection_opened(peer);
  if (word == Admission::allowed) return Word::welcome;
  refused_[static_cast<size_t>(word)]->Increment();
  return Word::too_many;
}

Admission Door::asks(std::string_view peer) {
  if (limits_.requests_per_s_max == 0) return Admission::allowed;
  const Admission word = addresses_.request(peer, loop_.now());
  if (word != Admission::allowed) refused_[static_cast<size_t>(word)]->Increment();
  return word;
}

}  // namespace klieg::edge
