#include "edge/placement.h"

#include <algorithm>
#include <numeric>

#include "base/rendezvous.h"

namespace klieg::edge {
std::vector<size_t> placement_of(std::string_view key, std::span<const std::string> hosts) {
  std::vector<uint64_t> weights;
  for (const std::string& host : hosts) weights.push_back(rendezvous_weight(key, host));
  std::vector<size_t> order(hosts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) {
    return weights[a] != weights[b] ? weights[a] > weights[b] : hosts[a] < hosts[b];
  });
  return order;
}

}  // namespace klieg::edge
