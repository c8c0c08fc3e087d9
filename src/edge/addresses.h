// How much one client may take: connections open at a time, and requests per second.
//
// Counted per IPv4 address and per /64 of IPv6, which one person can hold as easily. Many people may share an address
// (a household, a dormitory, a whole mobile network), so the limits are there to keep one machine from taking a server
// for itself and not to be fair; trusted ranges (our own nodes, a load balancer) have none.
//
// Memory is bounded: an address without connections whose requests are paid off is as good as unknown. Where the table
// is full the one heard of longest ago is forgiven; those with connections stay, and there are fewer of them than a
// listener's connections_max.
//
// Pure. Thread: one loop. Each loop has its own, and the kernel spreads a client's connections over the loops, so over
// all a client may take the limits times the number of loops.
#pragma once

#include <cstdint>
#include <list>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/sip_hash.h"
#include "base/time.h"
#include "edge/client_address.h"

namespace klieg::edge {

enum class Admission : uint8_t { allowed, too_many_connections, too_many_requests };
constexpr size_t admissions = 3;
std::string_view name_of(Admission admission);  // the label of a metric

struct AddressLimits {
  // A browser opens six without HTTP/2: 300 viewers behind the one address of an office.
  uint32_t connections_max = 2'000;
  // A player asks for a part of each track and a playlist five times a second: 15; 260 behind one address: 4,000. A
  // core answers several times as many.
  double requests_per_s = 4'000;
  // That may come at once: a second's worth of them, when a channel begins and everybody joins.
  double requests_burst = 4'000;
  size_t entries_max = 65'536;  // x 0.2 KiB: 13 MiB
};

class Addresses {
 public:
  // `trusted`: who has no limits. `key`: so that nobody can choose addresses that fall into one bucket.
  Addresses(AddressLimits limits, std::vector<AddressRange> trusted, const SipKey& key);

  // One that was allowed is closed once. `address`: with or without a port; what is no address counts as one client.
  Admission connection_opened(std::string_view address);
  void connection_closed(std::string_view address);
  Admission request(std::string_view address, LoopTime now);

  size_t known() const { return entries_.size(); }

 private:
  struct Hash {
    SipKey key;
    size_t operator()(const ClientAddress& address) const { return sip_hash(key, address.bytes); }
  };
  using Idle = std::list<ClientAddress>;  // without connections, the one heard of last at the front
  struct Entry {
    uint32_t connections = 0;
    LoopTime paid_off_at = LoopTime::min();  // when the last of its requests will have been worth its time
    Idle::iterator idle;                     // while `connections` is 0
  };
  using Entries = std::unordered_map<ClientAddress, Entry, Hash>;

  bool is_trusted(const ClientAddress& address) const;
  Entry* find_or_add(const ClientAddress& client);

  AddressLimits limits_;
  Duration request_cost_;
  std::vector<AddressRange> trusted_;
  Entries entries_;
  Idle idle_;
};

}  // namespace klieg::edge
