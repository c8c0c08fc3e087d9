#include "studio/receiver.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/whole_number.h"

namespace klieg::studio {
namespace {

struct Range {
  std::array<uint8_t, 8> first;  // no longer ones are needed
  size_t bits;

  // `address` is at least as long as the range.
  bool contains(const uint8_t* address) const {
    for (size_t bit = 0; bit < bits; ++bit) {
      const auto mask = static_cast<uint8_t>(0x80 >> bit % 8);
      if ((first[bit / 8] & mask) != (address[bit / 8] & mask)) return false;
    }
    return true;
  }
};

// IANA's registry of special-purpose addresses (RFC 6890), multicast, and what is reserved.
constexpr std::array not_public_v4 = {
    Range{{0}, 8},              // this network
    Range{{10}, 8},             // private
    Range{{100, 64}, 10},       // between a provider and its customers
    Range{{127}, 8},            // this machine
    Range{{169, 254}, 16},      // this link, and where clouds tell a machine its secrets
    Range{{172, 16}, 12},       // private
    Range{{192, 0, 0}, 24},     // protocols
    Range{{192, 0, 2}, 24},     // documents
    Range{{192, 88, 99}, 24},   // 6to4 relays
    Range{{192, 168}, 16},      // private
    Range{{198, 18}, 15},       // measurements
    Range{{198, 51, 100}, 24},  // documents
    Range{{203, 0, 113}, 24},   // documents
    Range{{224}, 3},            // multicast, reserved, broadcast
};
// Of IPv6 only what is given out is public, without what carries an address of IPv4 inside.
constexpr Range global_v6 = {{0x20}, 3};
constexpr std::array not_public_v6 = {
    Range{{0x20, 0x01, 0}, 23},           // protocols, Teredo among them
    Range{{0x20, 0x01, 0x0d, 0xb8}, 32},  // documents
    Range{{0x20, 0x02}, 16},              // 6to4
    Range{{0x3f, 0xff, 0}, 20},           // documents
};
constexpr std::array<uint8_t, 12> mapped_v4 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// What may stand in a request line: no control character, no blank, no other alphabet.
bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

bool is_host(std::string_view host) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == ':';
  };
  return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, allowed);
}

}  // namespace

std::string Receiver::origin() const { return fmt::format("{}://{}", encrypted ? "https" : "http", authority); }

std::optional<Receiver> receiver_of(std::string_view url, Reach reach) {
  if (url.size() > url_size_max || !is_printable(url)) return std::nullopt;
  Receiver receiver;
  if (url.starts_with("https://")) {
    url.remove_prefix(8);
  } else if (url.starts_with("http://") && reach == Reach::anywhere) {
    url.remove_prefix(7);
    receiver.encrypted = false;
    receiver.port = 80;
  } else {
    return std::nullopt;
  }
  const size_t end = std::min(url.find_first_of("/?#"), url.size());
  const std::string_view authority = url.substr(0, end);
  std::string_view target = url.substr(end);
  target = target.substr(0, target.find('#'));
  receiver.target = target.starts_with('/') ? std::string(target) : fmt::format("/{}", target);
  receiver.authority = authority;
  std::string_view host = authority, port;
  const size_t colon = authority.rfind(':');
  if (authority.starts_with('[')) {
    const size_t bracket = authority.find(']');
    if (bracket == authority.npos) return std::nullopt;
    host = authority.substr(1, bracket - 1);
    port = authority.substr(bracket + 1);
    if (host.find(':') == host.npos || (!port.empty() && !port.starts_with(':'))) return std::nullopt;
  } else if (colon != authority.npos) {
    host = authority.substr(0, colon);
    port = authority.substr(colon);
    if (host.find(':') != host.npos) return std::nullopt;
  }
  if (!is_host(host)) return std::nullopt;  // nor does it name somebody, with '@'
  if (!port.empty()) {
    receiver.port = whole_number<uint16_t>(port.substr(1)).value_or(0);
    if (receiver.port == 0) return std::nullopt;
  }
  receiver.host = host;
  return receiver;
}

bool is_public(const Address& address) {
  const auto holds = [](const uint8_t* of) { return [of](const Range& range) { return range.contains(of); }; };
  if (std::ranges::equal(mapped_v4, std::span(address).first<12>())) {
    return std::ranges::none_of(not_public_v4, holds(address.data() + 12));
  }
  return global_v6.contains(address.data()) && std::ranges::none_of(not_public_v6, holds(address.data()));
}

}  // namespace klieg::studio
