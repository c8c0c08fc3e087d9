#include "edge/client_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace klieg::edge {
namespace {

constexpr std::array<uint8_t, 12> v4_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr size_t v4_prefix_bits = 96;

std::optional<ClientAddress> bare_address_of(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size()) return std::nullopt;
  std::ranges::copy(text, terminated.begin());
  ClientAddress address;
  const bool is_v6 = text.contains(':');
  if (!is_v6) std::ranges::copy(v4_prefix, address.bytes.begin());
  uint8_t* place = address.bytes.data() + (is_v6 ? 0 : v4_prefix.size());
  if (inet_pton(is_v6 ? AF_INET6 : AF_INET, terminated.data(), place) != 1) return std::nullopt;
  return address;
}

}  // namespace

bool ClientAddress::is_v4() const { return std::equal(v4_prefix.begin(), v4_prefix.end(), bytes.begin()); }

ClientAddress ClientAddress::network() const {
  if (is_v4()) return *this;
  ClientAddress network = *this;
  std::fill(network.bytes.begin() + 8, network.bytes.end(), uint8_t{0});
  return network;
}

std::optional<ClientAddress> client_address_of(std::string_view text) {
  if (text.find('\0') != text.npos) return std::nullopt;
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    return close == text.npos ? std::nullopt : bare_address_of(text.substr(1, close - 1));
  }
  if (std::ranges::count(text, ':') == 1) text = text.substr(0, text.find(':'));
  return bare_address_of(text);
}

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
  const size_t slash = text.find('/');
  const auto first = client_address_of(text.substr(0, slash));
  if (!first) return std::nullopt;
  if (slash == text.npos) return AddressRange(*first, 128);
  const std::string_view digits = text.substr(slash + 1);
  size_t bits = 0;
  const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  // Mapped by us, not by who wrote it: "::ffff:0:0/96" counts its bits from the front.
  const bool counts_from_v4 = first->is_v4() && text.substr(0, slash).find(':') == text.npos;
  const size_t bits_max = counts_from_v4 ? 32 : 128;
  if (error != std::errc() || rest != digits.data() + digits.size() || bits > bits_max) return std::nullopt;
  return AddressRange(*first, counts_from_v4 ? v4_prefix_bits + bits : bits);
}

bool AddressRange::contains(const ClientAddress& address) const {
  const size_t whole = bits_ / 8;
  if (!std::equal(first_.bytes.begin(), first_.bytes.begin() + static_cast<ptrdiff_t>(whole), address.bytes.begin())) {
    return false;
  }
  const size_t rest = bits_ % 8;
  return rest == 0 || (first_.bytes[whole] ^ address.bytes[whole]) >> (8 - rest) == 0;
}

}  // namespace klieg::edge
