#include "edge/hosts.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "edge/made_up_upstream.h"
#include "edge/placement.h"

namespace klieg::edge {
namespace {

constexpr Duration rests_at_most = 12'500ms;  // ten seconds and a quarter

struct HostsTest : testing::Test {
  LoopTime now{1000s};
  Hosts hosts{[this] { return now; }, 7};
  std::array<MadeUpUpstream, 6> upstreams;
  std::array<MadeUpTopics, 6> topics;

  void parents(size_t count) {
    for (size_t i = 0; i < count; ++i) hosts.add_parent("parent-" + std::to_string(i), upstreams[i], &topics[i]);
  }
  // Hosts 0 to count - 1, of which `self` is this node; SIZE_MAX: none.
  void cache_hosts(size_t count, size_t self = SIZE_MAX) {
    for (size_t i = 0; i < count; ++i) {
      hosts.add_cache_host(name(i), i == self ? nullptr : &upstreams[i], i == self ? nullptr : &topics[i]);
    }
  }
  static std::string name(size_t i) { return "10.0.0." + std::to_string(i) + ":80"; }
  static std::vector<size_t> placed(std::string_view key, size_t count) {
    std::vector<std::string> names;
    for (size_t i = 0; i < count; ++i) names.push_back(name(i));
    return placement_of(key, names);
  }

  Routes::Way choose(std::string_view key = "/k", uint32_t attempt = 0) {
    const auto way = hosts.choose(key, {}, attempt, now);
    EXPECT_TRUE(way);
    return way.value_or(Routes::Way{nullptr, SIZE_MAX});
  }
  size_t asked(std::string_view key = "/k", uint32_t attempt = 0) {  // and answered
    const Routes::Way way = choose(key, attempt);
    hosts.released(way);
    return way.index;
  }
  void fail(std::string_view key = "/k") { hosts.failed(choose(key), now); }
};

using HostsOfANode = HostsTest;

TEST_F(HostsOfANode, the_first_parent_is_asked_as_long_as_it_is_well) {
  parents(3);
  EXPECT_EQ(hosts.ways("/k"), 3u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(asked(std::to_string(i)), 0u);
}

TEST_F(HostsOfANode, nobody_is_asked_where_there_is_nobody) { EXPECT_FALSE(hosts.choose("/k", {}, 0, now)); }

TEST_F(HostsOfANode, one_failure_sends_the_request_on_and_no_other) {
  parents(3);
  fail();
  EXPECT_EQ(asked("/k", 1), 1u);
  EXPECT_EQ(asked("/other"), 0u);
}

TEST_F(HostsOfANode, attempts_of_one_request_go_through_all_in_order) {
  parents(4);
  for (int round = 0; round < 2; ++round) {  // in the second they are ill, and rest one after the other
    for (uint32_t attempt = 0; attempt < 4; ++attempt) {
      const Routes::Way way = choose("/k", attempt);
      EXPECT_EQ(way.index, attempt) << "round " << round;
      hosts.failed(way, now += 10ms);
    }
  }
}

TEST_F(HostsOfANode, who_failed_for_one_request_is_not_its_next_because_it_answers_others) {
  parents(2);
  fail("/broken");
  const Routes::Way other = choose("/fine");
  EXPECT_EQ(other.index, 0u);
  hosts.succeeded(other, now);
  hosts.released(other);
  EXPECT_EQ(asked("/broken", 1), 1u);
}

TEST_F(HostsOfANode, who_fails_twice_is_left_alone_and_then_tried_by_one) {
  parents(2);
  fail();
  fail();
  EXPECT_EQ(asked(), 1u);
  now += 700ms;  // 500 ms and a quarter
  const Routes::Way trial = choose();
  EXPECT_EQ(trial.index, 0u);
  EXPECT_EQ(asked(), 1u);
  hosts.succeeded(trial, now);
  hosts.released(trial);
  EXPECT_EQ(asked(), 0u);
}

TEST_F(HostsOfANode, a_rest_grows_with_every_trial_in_vain_up_to_ten_seconds_and_a_quarter) {
  parents(2);
  fail();
  Duration longest{0};
  for (int failure = 2; failure < 12; ++failure) {
    EXPECT_EQ(choose().index, 0u);
    hosts.failed({&upstreams[0], 0}, now);
    const LoopTime failed_at = now;
    while (true) {
      now += 10ms;
      const Routes::Way way = choose();
      hosts.released(way);
      if (way.index == 0) break;
      ASSERT_LT(now - failed_at, rests_at_most + 20ms);
    }
    const Duration rest = now - failed_at;
    const Duration expected = std::min<Duration>(10s, 250ms * (1 << std::min(failure - 1, 6)));
    EXPECT_GE(rest, expected) << failure;
    EXPECT_LE(rest, expected + expected / 4 + 10ms) << failure;
    longest = std::max(longest, rest);
    now += 300ms;  // the trial was let go of: another may be made
  }
  EXPECT_GE(longest, 10s);
}

TEST_F(HostsOfANode, when_all_rest_the_one_that_is_due_soonest_is_asked) {
  parents(2);
  fail();
  fail();
  now += 100ms;
  for (int i = 0; i < 4; ++i) {
    const Routes::Way way = choose();
    if (way.index == 1) {
      hosts.failed(way, now);
    } else {
      hosts.released(way);
    }
  }
  EXPECT_EQ(asked(), 0u);
}

TEST_F(HostsOfANode, a_proxy_asks_the_keys_cache_hosts_in_their_order_and_then_its_parents) {
  cache_hosts(4);
  hosts.add_parent("parent", upstreams[5], &topics[5]);
  const auto placement = placed("/k", 4);
  for (uint32_t attempt = 0; attempt < 5; ++attempt) {
    const Routes::Way way = choose("/k", attempt);
    EXPECT_EQ(way.index, attempt < 4 ? placement[attempt] : 4u);
    hosts.failed(way, now += 1ms);
  }
}

TEST_F(HostsOfANode, what_is_placed_on_this_node_is_asked_of_its_parents) {
  cache_hosts(4, 2);
  hosts.add_parent("parent", upstreams[5], &topics[5]);
  for (int i = 0; i < 50; ++i) {
    const std::string key = "/" + std::to_string(i);
    const auto placement = placed(key, 4);
    const auto before_us = std::ranges::find(placement, 2u);
    const bool ours = before_us == placement.begin();
    EXPECT_EQ(asked(key), ours ? 4u : placement[0]);
  }
}

TEST_F(HostsOfANode, a_host_that_carries_too_much_is_passed_over_for_the_next) {
  cache_hosts(3);
  const auto placement = placed("/hot", 3);
  std::array<size_t, 3> load{};
  for (int i = 0; i < 300; ++i) ++load[choose("/hot").index];
  EXPECT_EQ(load[placement[0]], 125u);
  EXPECT_EQ(load[placement[1]], 125u);
  EXPECT_EQ(load[placement[2]], 50u);
}

TEST_F(HostsOfANode, who_rests_carries_nothing_of_the_mean) {
  cache_hosts(3);
  const auto placement = placed("/hot", 3);
  fail("/hot");
  fail("/hot");
  std::array<size_t, 3> load{};
  for (int i = 0; i < 200; ++i) ++load[choose("/hot").index];
  EXPECT_EQ(load[placement[0]], 0u);
  EXPECT_EQ(load[placement[1]], 125u);
  EXPECT_EQ(load[placement[2]], 75u);
}

RC_GTEST_FIXTURE_PROP(HostsTest, no_host_ever_carries_more_than_its_bound, ()) {
  cache_hosts(5);
  std::vector<Routes::Way> under_way;
  std::array<uint64_t, 5> load{};
  for (const int event : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 1'000))) {
    if (event % 3 == 0 && !under_way.empty()) {
      const size_t i = static_cast<size_t>(event) % under_way.size();
      hosts.released(under_way[i]);
      --load[under_way[i].index];
      under_way.erase(under_way.begin() + static_cast<ptrdiff_t>(i));
    } else {
      const Routes::Way way = hosts.choose("/" + std::to_string(event % 7), {}, 0, now).value();
      const uint64_t bound = load_bound(under_way.size(), 5);
      RC_ASSERT(++load[way.index] <= bound);
      under_way.push_back(way);
    }
  }
}

TEST_F(HostsOfANode, retries_of_the_ill_are_a_fifth_of_requests_and_ten_a_second) {
  parents(1);
  fail();
  const auto retries = [&] {
    int count = 0;
    while (const auto way = hosts.choose("/k", {}, 1, now)) {
      hosts.released(*way);
      ++count;
    }
    return count;
  };
  EXPECT_EQ(retries(), 10);
  for (int i = 0; i < 20; ++i) asked();
  EXPECT_EQ(retries(), 4);
  now += 500ms;
  EXPECT_EQ(retries(), 5);
  now += 60s;
  EXPECT_EQ(retries(), 10);  // nothing is saved up
}

TEST_F(HostsOfANode, all_that_a_dead_parent_had_goes_on_to_the_next_which_is_well) {
  parents(2);
  std::vector<Routes::Way> under_way;
  for (int i = 0; i < 300; ++i) under_way.push_back(choose(std::to_string(i)));
  for (const Routes::Way& way : under_way) hosts.failed(way, now);
  for (int i = 0; i < 300; ++i) EXPECT_EQ(asked(std::to_string(i), 1), 1u);
  // One that it cannot answer either is a retry like any other, and so is what follows, until it has answered.
  hosts.failed(choose("/k", 1), now += 1ms);
  int retries = 0;
  while (const auto way = hosts.choose("/k", {}, 1, now)) {
    hosts.released(*way);
    ++retries;
  }
  EXPECT_EQ(retries, 10);
}

TEST_F(HostsOfANode, what_goes_for_one_viewer_each_spends_no_retry_of_what_goes_for_all) {
  parents(1);
  fail();
  const FetchRequest alone{.whom = FetchRequest::For::one};
  while (const auto way = hosts.choose("/k", alone, 1, now)) hosts.released(*way);
  EXPECT_EQ(asked("/k", 1), 0u);
}

TEST_F(HostsOfANode, topics_are_placed_on_cache_hosts_each_on_its_own) {
  cache_hosts(3);
  struct Deaf final : media::PushSink {
    void on_push(media::PushRecord) override {}
    void on_topic_end(media::TopicEnd) override {}
  } deaf;
  std::array<size_t, 3> wanted{};
  std::vector<std::unique_ptr<media::Subscription>> subscriptions;
  for (int i = 0; i < 30; ++i) {
    const std::string topic = "/live/ada/" + std::to_string(i) + "/video";
    ++wanted[placed(topic, 3)[0]];
    subscriptions.push_back(hosts.subscribe(topic, deaf));
  }
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(topics[i].asked(), wanted[i]);
    EXPECT_GT(wanted[i], 0u);
  }
}

struct Sink final : media::PushSink {
  void on_push(media::PushRecord) override { ++heard; }
  void on_topic_end(media::TopicEnd why) override { ended = why; }
  int heard = 0;
  std::optional<media::TopicEnd> ended;
};

TEST_F(HostsOfANode, a_topic_whose_parent_cannot_be_reached_twice_is_asked_of_another) {
  parents(2);
  Sink sink;
  for (size_t i = 0; i < 2; ++i) {
    const auto subscription = hosts.subscribe("/live/ada", sink);
    ASSERT_EQ(topics[0].asked(), i + 1);
    topics[0].end(i, media::TopicEnd::unreachable);
    EXPECT_EQ(sink.ended, media::TopicEnd::unreachable);
  }
  const auto subscription = hosts.subscribe("/live/ada", sink);
  EXPECT_EQ(topics[1].asked(), 1u);
  EXPECT_EQ(asked(), 1u);  // requests go there too
}

TEST_F(HostsOfANode, a_topic_that_ends_after_an_answer_is_no_failure) {
  parents(2);
  Sink sink;
  for (const auto why :
       {media::TopicEnd::finished, media::TopicEnd::unknown, media::TopicEnd::lagged, media::TopicEnd::lost}) {
    const auto subscription = hosts.subscribe("/live/ada", sink);
    topics[0].end(topics[0].asked() - 1, why);
  }
  EXPECT_EQ(asked(), 0u);
}

}  // namespace
}  // namespace klieg::edge
