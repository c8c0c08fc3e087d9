#include "edge/client_address.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace klieg::edge {
namespace {

TEST(ClientAddress, is_the_same_with_a_port_or_without_and_mapped_or_not) {
  const auto address = client_address_of("203.0.113.7");
  ASSERT_TRUE(address && address->is_v4());
  for (const char* same : {"203.0.113.7:4711", "::ffff:203.0.113.7", "[::ffff:203.0.113.7]:1"}) {
    EXPECT_EQ(client_address_of(same), address) << same;
  }
  EXPECT_EQ(client_address_of("2001:db8::1"), client_address_of("[2001:DB8:0::1]:443"));
  EXPECT_NE(client_address_of("2001:db8::1"), client_address_of("2001:db8::2"));
}

TEST(ClientAddress, what_is_none_is_none) {
  for (const char* none : {"", "localhost", "203.0.113", "203.0.113.256", "[2001:db8::1", "[]:1", ":1", "1:2:3"}) {
    EXPECT_FALSE(client_address_of(none)) << none;
  }
  EXPECT_FALSE(client_address_of(std::string_view("10.0.0.1\0x", 10)));
}

TEST(ClientAddress, the_network_of_an_ipv6_host_is_its_64_bits) {
  EXPECT_EQ(client_address_of("2001:db8::1")->network(), client_address_of("2001:db8::ffff:1")->network());
  EXPECT_NE(client_address_of("2001:db8::1")->network(), client_address_of("2001:db8:0:1::1")->network());
  EXPECT_NE(client_address_of("203.0.113.7")->network(), client_address_of("203.0.113.8")->network());
}

bool contains(std::string_view range, std::string_view address) {
  return AddressRange::parse(range).value().contains(client_address_of(address).value());
}

TEST(AddressRange, holds_what_shares_its_first_bits) {
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.1.1"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(contains("192.168.4.0/22", "192.168.7.255"));
  EXPECT_FALSE(contains("192.168.4.0/22", "192.168.8.0"));
  EXPECT_TRUE(contains("203.0.113.7", "203.0.113.7"));
  EXPECT_FALSE(contains("203.0.113.7", "203.0.113.6"));
  EXPECT_TRUE(contains("0.0.0.0/0", "203.0.113.6"));
  EXPECT_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(contains("::ffff:0:0/96", "203.0.113.6"));
  EXPECT_TRUE(contains("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
}

TEST(AddressRange, what_is_none_is_none) {
  for (const char* none : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/8x", "10.0.0.0/-1", "::/129", "a/8"}) {
    EXPECT_FALSE(AddressRange::parse(none)) << none;
  }
}

RC_GTEST_PROP(AddressRange, of_n_bits_holds_an_address_that_differs_in_a_later_bit_and_no_other, ()) {
  ClientAddress address;
  for (uint8_t& byte : address.bytes) byte = *rc::gen::arbitrary<uint8_t>();
  address.bytes[0] = 0x20;  // not IPv4 by chance
  std::string text;
  constexpr std::string_view digits = "0123456789abcdef";
  for (size_t i = 0; i < 16; ++i) {
    if (i > 0 && i % 2 == 0) text += ':';
    text += {digits[address.bytes[i] >> 4], digits[address.bytes[i] & 15]};
  }
  RC_ASSERT(client_address_of(text) == address);
  const size_t bits = *rc::gen::inRange<size_t>(0, 129);
  const size_t differs = *rc::gen::inRange<size_t>(0, 128);
  ClientAddress other = address;
  other.bytes[differs / 8] ^= static_cast<uint8_t>(0x80 >> differs % 8);
  RC_ASSERT(AddressRange::parse(text + "/" + std::to_string(bits)).value().contains(other) == (differs >= bits));
}

}  // namespace
}  // namespace klieg::edge
