#include "edge/addresses.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>

namespace klieg::edge {
namespace {

constexpr LoopTime start{1000s};

TEST(Addresses, a_client_has_so_many_connections_and_a_closed_one_makes_room) {
  Addresses addresses({.connections_max = 2}, {}, SipKey());
  EXPECT_EQ(addresses.connection_opened("203.0.113.7:1"), Admission::allowed);
  EXPECT_EQ(addresses.connection_opened("203.0.113.7:2"), Admission::allowed);
  EXPECT_EQ(addresses.connection_opened("203.0.113.7:3"), Admission::too_many_connections);
  EXPECT_EQ(addresses.connection_opened("203.0.113.8:1"), Admission::allowed);
  addresses.connection_closed("203.0.113.7:1");
  EXPECT_EQ(addresses.connection_opened("203.0.113.7:4"), Admission::allowed);
}

TEST(Addresses, a_burst_of_requests_is_taken_and_then_as_many_as_the_rate_allows) {
  Addresses addresses({.requests_per_s = 10, .requests_burst = 5}, {}, SipKey());
  const auto taken = [&](LoopTime now) {
    int count = 0;
    while (addresses.request("203.0.113.7", now) == Admission::allowed) ++count;
    return count;
  };
  EXPECT_EQ(taken(start), 5);
  EXPECT_EQ(taken(start + 99ms), 0);
  EXPECT_EQ(taken(start + 100ms), 1);
  EXPECT_EQ(taken(start + 350ms), 2);
  EXPECT_EQ(taken(start + 60s), 5);
}

TEST(Addresses, hosts_of_one_ipv6_network_are_one_client) {
  Addresses addresses({.requests_per_s = 1, .requests_burst = 1}, {}, SipKey());
  EXPECT_EQ(addresses.request("2001:db8::1", start), Admission::allowed);
  EXPECT_EQ(addresses.request("[2001:db8::2]:443", start), Admission::too_many_requests);
  EXPECT_EQ(addresses.request("2001:db8:0:1::1", start), Admission::allowed);
}

TEST(Addresses, who_is_trusted_has_no_limits_and_is_not_kept) {
  Addresses addresses({.connections_max = 1, .requests_per_s = 1, .requests_burst = 1},
                      {*AddressRange::parse("10.0.0.0/8")}, SipKey());
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(addresses.connection_opened("10.1.2.3:1"), Admission::allowed);
    EXPECT_EQ(addresses.request("10.1.2.3:1", start), Admission::allowed);
  }
  addresses.connection_closed("10.1.2.3:1");
  EXPECT_EQ(addresses.known(), 0u);
}

TEST(Addresses, what_is_no_address_counts_as_one_client) {
  Addresses addresses({.requests_per_s = 1, .requests_burst = 1}, {}, SipKey());
  EXPECT_EQ(addresses.request("unix", start), Admission::allowed);
  EXPECT_EQ(addresses.request("", start), Admission::too_many_requests);
}

TEST(Addresses, a_full_table_forgives_who_was_heard_of_longest_ago_but_keeps_connections) {
  Addresses addresses({.requests_per_s = 1, .requests_burst = 1, .entries_max = 3}, {}, SipKey());
  addresses.connection_opened("10.0.0.1");
  addresses.request("10.0.0.2", start);
  addresses.request("10.0.0.3", start);
  EXPECT_EQ(addresses.request("10.0.0.2", start), Admission::too_many_requests);
  EXPECT_EQ(addresses.request("10.0.0.4", start), Admission::allowed);  // 10.0.0.3 goes
  EXPECT_EQ(addresses.request("10.0.0.2", start), Admission::too_many_requests);
  EXPECT_EQ(addresses.request("10.0.0.3", start), Admission::allowed);
  EXPECT_EQ(addresses.known(), 3u);
  addresses.connection_closed("10.0.0.1");  // it was kept
}

TEST(Addresses, a_table_full_of_connections_lets_nobody_else_in) {
  Addresses addresses({.entries_max = 1}, {}, SipKey());
  addresses.connection_opened("10.0.0.1");
  EXPECT_EQ(addresses.connection_opened("10.0.0.2"), Admission::too_many_connections);
  EXPECT_EQ(addresses.request("10.0.0.2", start), Admission::too_many_requests);
  addresses.connection_closed("10.0.0.1");
  EXPECT_EQ(addresses.connection_opened("10.0.0.2"), Admission::allowed);
}

// Whatever comes and goes: never more connections than the limit, never more requests than burst and rate allow, never
// more entries than there is room for, and no connection forgotten.
RC_GTEST_PROP(Addresses, limits_hold_for_any_sequence_of_events, ()) {
  const AddressLimits limits{.connections_max = 2, .requests_per_s = 10, .requests_burst = 3, .entries_max = 4};
  Addresses addresses(limits, {}, SipKey());
  std::map<std::string, uint32_t> open;
  LoopTime now = start;
  int allowed = 0;  // requests of the first, which is never forgotten: it has a connection
  addresses.connection_opened("10.0.0.0");
  for (const int event : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 400))) {
    const std::string client = "10.0.0." + std::to_string(event / 4 % 8);
    switch (event % 4) {
      case 0:
        if (addresses.connection_opened(client) == Admission::allowed) ++open[client];
        break;
      case 1:
        if (open[client] > 0) {
          addresses.connection_closed(client);
          --open[client];
        }
        break;
      case 2:
        if (addresses.request(client, now) == Admission::allowed && client == "10.0.0.0") ++allowed;
        break;
      default:
        now += Duration(event * 1ms);
    }
    RC_ASSERT(open[client] + (client == "10.0.0.0" ? 1 : 0) <= limits.connections_max);
    RC_ASSERT(addresses.known() <= limits.entries_max);
  }
  RC_ASSERT(allowed <= limits.requests_burst + limits.requests_per_s * to_seconds(now - start) + 1e-6);
  for (const auto& [client, count] : open) {
    for (uint32_t i = 0; i < count; ++i) addresses.connection_closed(client);  // asserts that it knows them
  }
}

}  // namespace
}  // namespace klieg::edge
