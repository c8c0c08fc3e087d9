// The address of a client, as connections and forwarding nodes write it, as a value that can be compared.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace klieg::edge {

// Of IPv6; one of IPv4 is mapped into it (::ffff:203.0.113.7), so a client is the same on a socket of either kind.
struct ClientAddress {
  std::array<uint8_t, 16> bytes{};

  bool is_v4() const;
  // Whom one person can hold as many of as they like: the /64 of an IPv6 host. An IPv4 address stays itself.
  ClientAddress network() const;
  bool operator==(const ClientAddress&) const = default;
};

// "203.0.113.7", "2001:db8::1", each with or without a port ("203.0.113.7:4711", "[2001:db8::1]:4711"). Empty: none.
std::optional<ClientAddress> client_address_of(std::string_view text);

// "10.0.0.0/8", "2001:db8::/32", or one address.
class AddressRange {
 public:
  static std::optional<AddressRange> parse(std::string_view text);
  bool contains(const ClientAddress& address) const;

 private:
  AddressRange(const ClientAddress& first, size_t bits) : first_(first), bits_(bits) {}

  ClientAddress first_;
  size_t bits_;  // of the 128 that count
};

}  // namespace klieg::edge
