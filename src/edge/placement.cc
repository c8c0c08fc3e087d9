#include "edge/placement.h"

#include <algorithm>
#include <numeric>

#include "base/random.h"

namespace klieg::edge {
namespace {

// FNV-1a, because every build on every machine must agree; mixed once more, because its high bits are poor.
uint64_t weight_of(std::string_view key, std::string_view host) {
  uint64_t hash = 14695981039346656037u;
  const auto add = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211u;
  };
  add(key);
  add(std::string_view("\n", 1));  // stands in neither
  add(host);
  return Random(hash).next();
}

}  // namespace

std::vector<size_t> placement_of(std::string_view key, std::span<const std::string> hosts) {
  std::vector<uint64_t> weights;
  for (const std::string& host : hosts) weights.push_back(weight_of(key, host));
  std::vector<size_t> order(hosts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) {
    return weights[a] != weights[b] ? weights[a] > weights[b] : hosts[a] < hosts[b];
  });
  return order;
}

}  // namespace klieg::edge
