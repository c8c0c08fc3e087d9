// Where a notice may go that leaves this machine. The address was given by whoever asked for notices, so it is believed
// in nothing: it is https, and what its name resolves to lies in the public internet - not this machine, not the
// network around it, not what a cloud keeps for its own. Whoever runs a server for a house may allow otherwise.
//
// Pure. What a name resolves to is looked at by who connects, at the addresses that he connects to.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace klieg::studio {

enum class Reach : uint8_t {
  public_internet,
  anywhere,  // over http, too
};

struct Receiver {
  bool encrypted = true;
  std::string host;  // a name or an address; one of IPv6 without brackets
  uint16_t port = 443;
  std::string authority;  // of the field Host
  std::string target;     // path and query; begins with '/'

  std::string origin() const;  // "https://push.example"
};

constexpr size_t url_size_max = 1'000;
// nullopt: it is no URL of http(s) as we write one to the wire, names somebody in it, or is not within reach.
std::optional<Receiver> receiver_of(std::string_view url, Reach reach);

// An address of IPv6, or one of IPv4 mapped into it.
using Address = std::array<uint8_t, 16>;
bool is_public(const Address& address);

}  // namespace klieg::studio
