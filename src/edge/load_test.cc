#include "edge/load.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <deque>
#include <string>
#include <utility>

namespace klieg::edge {
namespace {

constexpr LoopTime start{1000s};
constexpr WallTime noon{1'800'000'000s};

TEST(LoadMeter, egress_is_the_mean_of_the_last_three_seconds) {
  LoadMeter meter;
  Viewers viewers({1, 2});
  const auto egress = [&](LoopTime now) { return static_cast<double>(meter.share(viewers, now).egress_bits_per_s); };
  EXPECT_EQ(egress(start), 0);
  LoopTime now = start;
  for (; now < start + 10s; now += 10ms) meter.sent(12'500, now);  // 10 Mbit/s
  EXPECT_NEAR(egress(now), 10e6, 0.1e6);
  EXPECT_NEAR(egress(now + 1s), 6.6e6, 0.5e6);
  EXPECT_EQ(egress(now + 3s), 0);
  meter.sent(1, now + 100s);
  EXPECT_LE(egress(now + 100s), 3);
}

TEST(LoadMeter, a_burst_right_behind_a_report_is_in_the_next_though_that_comes_late) {
  for (const Duration late : {0ms, 20ms, 95ms}) {
    LoadMeter meter;
    Viewers viewers({1, 2});
    meter.share(viewers, start + 3ms);
    meter.sent(3'000'000, start + 4ms);
    EXPECT_NEAR(static_cast<double>(meter.share(viewers, start + 3ms + 3s + late).egress_bits_per_s), 8e6, 0.3e6);
  }
}

TEST(LoadMeter, requests_are_in_flight_from_their_begin_to_their_end) {
  LoadMeter meter;
  Viewers viewers({1, 2});
  meter.request_began();
  meter.request_began();
  meter.request_ended();
  EXPECT_EQ(meter.share(viewers, start).requests_in_flight, 1u);
}

RC_GTEST_PROP(LoadMeter, never_says_more_than_was_sent_in_the_last_three_seconds, ()) {
  LoadMeter meter;
  Viewers viewers({1, 2});
  std::deque<std::pair<LoopTime, uint64_t>> sent;
  LoopTime now = start;
  for (const auto& [milliseconds, bytes] : *rc::gen::container<std::vector<std::pair<int, int>>>(
           rc::gen::pair(rc::gen::inRange(0, 700), rc::gen::inRange(0, 1'000'000)))) {
    now += Duration(milliseconds * 1ms);
    meter.sent(static_cast<uint64_t>(bytes), now);
    sent.emplace_back(now, bytes);
    uint64_t most = 0, least = 0;  // in 3.1 s and in 3.0 s: the slots are of 0.1 s
    for (const auto& [at, size] : sent) {
      if (now - at <= 3'100ms) most += size;
      if (now - at <= 3'000ms) least += size;
    }
    const auto egress = static_cast<double>(meter.share(viewers, now).egress_bits_per_s);
    RC_ASSERT(egress <= static_cast<double>(most) * 8 / 3.0 + 1);
    RC_ASSERT(egress >= static_cast<double>(least) * 8 / 3.1 - 1);
  }
}

TEST(LoadReporter, sums_what_loops_share_and_counts_a_viewer_of_two_of_them_once_and_who_is_pushed_to_besides) {
  Viewers one({1, 2}), two({1, 2});
  one.saw({"a", "", ""}, start);
  two.saw({"a", "", ""}, start);
  two.saw({"b", "", ""}, start);
  LoadReporter reporter("fra-1", 1'000'000'000, noon);
  const LoadShare shares[] = {{3, 200'000'000, one.sample(start)}, {4, 50'000'000, two.sample(start), 7}};
  const LoadReport report = reporter.report(shares, noon + 60s);
  EXPECT_EQ(report, (LoadReport{"fra-1", noon, 1, noon + 60s, 7, 250'000'000, 1'000'000'000, 9}));
  EXPECT_DOUBLE_EQ(report.headroom(), 0.75);
  EXPECT_EQ(reporter.report({}, noon + 63s), (LoadReport{"fra-1", noon, 2, noon + 63s, 0, 0, 1'000'000'000, 0}));
}

TEST(LoadReport, has_no_headroom_below_none) {
  EXPECT_EQ((LoadReport{.egress_bits_per_s = 11, .egress_capacity_bits_per_s = 10}).headroom(), 0);
  EXPECT_EQ((LoadReport{.egress_bits_per_s = 0, .egress_capacity_bits_per_s = 10}).headroom(), 1);
}

TEST(LoadReport, the_newer_one_is_of_the_later_process_or_of_the_higher_sequence) {
  const LoadReport report{.node = "a", .started = noon, .sequence = 5};
  EXPECT_TRUE(is_newer(report, {.node = "a", .started = noon, .sequence = 4}));
  EXPECT_FALSE(is_newer(report, report));
  EXPECT_FALSE(is_newer(report, {.node = "a", .started = noon, .sequence = 6}));
  EXPECT_TRUE(is_newer(report, {.node = "a", .started = noon - 1s, .sequence = 6}));
}

RC_GTEST_PROP(LoadReport, comes_through_json_as_it_was, ()) {
  const auto count = [] { return *rc::gen::inRange<uint64_t>(0, uint64_t{1} << 53); };
  const auto time = [] { return WallTime(*rc::gen::inRange<int64_t>(0, 4'000'000'000'000) * 1ms); };
  const LoadReport report{
      "node-" + std::to_string(count()), time(), count(), time(), count(), count(), count() + 1, count()};
  const std::string json = json_of(report);
  RC_ASSERT(json.size() <= load_report_size_max);
  RC_ASSERT(load_report_of(json).value() == report);
}

TEST(LoadReport, says_in_json_what_its_numbers_are) {
  const LoadReport report{"fra-1", noon, 17, noon + 51s, 12, 250'000'000, 1'000'000'000, 321};
  EXPECT_EQ(json_of(report),
            R"({"egress_bits_per_s":250000000,"egress_capacity_bits_per_s":1000000000,"headroom":0.75,)"
            R"("made_ms":1800000051000,"node":"fra-1","requests_in_flight":12,"sequence":17,)"
            R"("started_ms":1800000000000,"viewers":321})");
}

TEST(LoadReport, what_is_none_is_an_error_and_what_nobody_knows_is_passed_over) {
  const std::string good = json_of({"a", noon, 1, noon, 0, 0, 1, 0});
  const auto with = [&](std::string_view old, std::string_view replacement) {
    std::string text = good;
    text.replace(text.find(old), old.size(), replacement);
    return load_report_of(text);
  };
  EXPECT_TRUE(with("{", R"({"new":[1],)"));
  EXPECT_FALSE(with(R"("viewers":0)", R"("viewers":-1)"));
  EXPECT_FALSE(with(R"("viewers":0)", R"("viewers":1.5)"));
  EXPECT_FALSE(with(R"("viewers":0)", R"("viewers":9007199254740993)"));
  EXPECT_FALSE(with(R"("viewers":0)", R"("viewed":0)"));
  EXPECT_FALSE(with(R"("node":"a")", R"("node":"")"));
  EXPECT_FALSE(with(R"("node":"a")", R"("node":1)"));
  EXPECT_FALSE(with(R"("node":"a")", R"("node":"a\n")"));
  EXPECT_FALSE(with(R"(capacity_bits_per_s":1)", R"(capacity_bits_per_s":0)"));
  EXPECT_FALSE(with("1800000000000", "9000000000001"));
  for (const std::string& none : {std::string(), std::string("[]"), std::string("{"), std::string(good, 1),
                                  good + std::string(load_report_size_max, ' '), std::string(1'000, '[')}) {
    EXPECT_FALSE(load_report_of(none)) << none;
  }
}

}  // namespace
}  // namespace klieg::edge
