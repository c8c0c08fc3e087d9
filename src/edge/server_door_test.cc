#include "edge/server_door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace klieg::edge {
namespace {

using Word = net::Doorman::Word;

constexpr SipKey key{1, 2};

// All in one turn of the loop: at one time.
struct AtTheDoor : testing::Test {
  Door door(DoorLimits limits, const std::vector<AddressRange>& trusted = {}) {
    return Door(loop, "http", limits, trusted, key, metrics);
  }
  net::Loop loop;
  Metrics metrics;
};

TEST_F(AtTheDoor, an_address_has_its_connections_and_its_requests) {
  Door limited = door({.connections_max = 2, .requests_per_s_max = 3});
  EXPECT_EQ(limited.arrives("192.0.2.1:1"), Word::welcome);
  EXPECT_EQ(limited.arrives("192.0.2.1:2"), Word::welcome);
  EXPECT_EQ(limited.arrives("192.0.2.1:3"), Word::too_many);
  EXPECT_EQ(limited.arrives("192.0.2.2:1"), Word::welcome);
  limited.leaves("192.0.2.1:2");
  EXPECT_EQ(limited.arrives("192.0.2.1:4"), Word::welcome);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limited.asks("192.0.2.1:1"), Admission::allowed);
  EXPECT_EQ(limited.asks("192.0.2.1:4"), Admission::too_many_requests);
  EXPECT_EQ(limited.asks("192.0.2.2:1"), Admission::allowed);
  EXPECT_THAT(metrics.text(),
              testing::HasSubstr("klieg_edge_refusals_total{door=\"http\",reason=\"too_many_connections\"} 1"));
  EXPECT_THAT(metrics.text(),
              testing::HasSubstr("klieg_edge_refusals_total{door=\"http\",reason=\"too_many_requests\"} 1"));
}

TEST_F(AtTheDoor, this_machine_and_who_is_trusted_have_no_limits) {
  Door limited = door({.connections_max = 1, .requests_per_s_max = 1}, {*AddressRange::parse("10.0.0.0/8")});
  for (const char* peer : {"127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.2]:1", "10.1.2.3:1"}) {
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(limited.arrives(peer), Word::welcome) << peer;
      EXPECT_EQ(limited.asks(peer), Admission::allowed) << peer;
    }
    for (int i = 0; i < 10; ++i) limited.leaves(peer);
  }
}

TEST_F(AtTheDoor, zero_is_no_limit) {
  Door open = door({.connections_max = 0, .requests_per_s_max = 0});
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_EQ(open.arrives("192.0.2.1:1"), Word::welcome);
    EXPECT_EQ(open.asks("192.0.2.1:1"), Admission::allowed);
  }
}

// Three hundred browsers of an office join at once, each with six connections, and play.
TEST_F(AtTheDoor, the_limits_that_nobody_sets_hit_no_office) {
  Door usual = door({});
  for (int viewer = 0; viewer < 300; ++viewer) {
    for (int i = 0; i < 6; ++i) ASSERT_EQ(usual.arrives("192.0.2.1:1"), Word::welcome);
    for (int i = 0; i < 13; ++i) ASSERT_EQ(usual.asks("192.0.2.1:1"), Admission::allowed);
  }
}

}  // namespace
}  // namespace klieg::edge
