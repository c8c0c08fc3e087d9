// Which cache host of a PoP keeps an object: rendezvous hashing (Thaler and Ravishankar 1998), with bounded loads
// (Mirrokni, Thorup, Zadimoghaddam 2018).
//
// Every node orders the hosts for a key by a hash of both, and so all nodes agree without a word. When a host goes,
// only its keys move, each to the next in its own order; when it returns, they return. A hot key would make one host's
// load its own, so a host that carries more than 1.25 times the mean is passed over, for the next in order.
//
// Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace klieg::edge {

// Indices of `hosts`, the key's own first. Equal on every node whose list names the same hosts, in whatever order.
std::vector<size_t> placement_of(std::string_view key, std::span<const std::string> hosts);

// What one of `hosts` may carry when `total` requests are under way and one more comes: ceil(1.25 x mean).
constexpr uint64_t load_bound(uint64_t total, uint64_t hosts) {
  return (5 * (total + 1) + 4 * hosts - 1) / (4 * hosts);
}

}  // namespace klieg::edge
