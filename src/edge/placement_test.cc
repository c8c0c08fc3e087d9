#include "edge/placement.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

namespace klieg::edge {
namespace {

std::vector<std::string> hosts_named(size_t count) {
  std::vector<std::string> hosts;
  for (size_t i = 0; i < count; ++i) hosts.push_back("10.0.0." + std::to_string(i + 1) + ":8080");
  return hosts;
}

std::vector<std::string> names_in_order(std::string_view key, const std::vector<std::string>& hosts) {
  std::vector<std::string> names;
  for (const size_t index : placement_of(key, hosts)) names.push_back(hosts[index]);
  return names;
}

RC_GTEST_PROP(Placement, is_the_same_on_every_node_however_its_list_is_ordered, (const std::string& key)) {
  std::vector<std::string> hosts = hosts_named(*rc::gen::inRange<size_t>(1, 12));
  const auto expected = names_in_order(key, hosts);
  std::ranges::reverse(hosts);
  std::ranges::rotate(hosts, hosts.begin() + static_cast<ptrdiff_t>(*rc::gen::inRange<size_t>(0, hosts.size())));
  RC_ASSERT(names_in_order(key, hosts) == expected);
}

RC_GTEST_PROP(Placement, of_the_others_does_not_change_when_a_host_goes, (const std::string& key)) {
  std::vector<std::string> hosts = hosts_named(*rc::gen::inRange<size_t>(2, 12));
  auto expected = names_in_order(key, hosts);
  const std::string gone = *rc::gen::elementOf(hosts);
  std::erase(expected, gone);
  std::erase(hosts, gone);
  RC_ASSERT(names_in_order(key, hosts) == expected);
}

TEST(Placement, spreads_keys_evenly_and_those_of_a_lost_host_too) {
  const std::vector<std::string> hosts = hosts_named(5);
  std::map<size_t, int> first, second;
  for (int i = 0; i < 10'000; ++i) {
    const auto order = placement_of("/live/ada/x.1/video-" + std::to_string(i) + ".m4s", hosts);
    ++first[order[0]];
    if (order[0] == 0) ++second[order[1]];
  }
  for (const auto& [host, keys] : first) EXPECT_NEAR(keys, 2'000, 200) << host;
  for (const auto& [host, keys] : second) EXPECT_NEAR(keys, first[0] / 4, 100) << host;
}

TEST(Placement, a_load_is_bounded_by_a_quarter_more_than_the_mean_rounded_up) {
  EXPECT_EQ(load_bound(0, 4), 1u);
  EXPECT_EQ(load_bound(3, 4), 2u);    // 1.25
  EXPECT_EQ(load_bound(99, 4), 32u);  // 31.25
  EXPECT_EQ(load_bound(7, 1), 10u);
}

}  // namespace
}  // namespace klieg::edge
