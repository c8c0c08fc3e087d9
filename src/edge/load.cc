#include "edge/load.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/assert.h"
#include "edge/node_token.h"

namespace klieg::edge {
namespace {

using nlohmann::json;

int64_t ms_of(WallTime time) { return to_ms(time.time_since_epoch()); }

WallTime to_the_ms(WallTime time) { return std::chrono::floor<std::chrono::milliseconds>(time); }

// Counts beyond 2^53 do not survive other people's JSON, and there is nothing of which we could have so many.
constexpr uint64_t count_max = uint64_t{1} << 53;

bool is_node_name(std::string_view text) {
  return !text.empty() && text.size() <= node_id_size_max &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

bool read(const json& object, const char* name, uint64_t& value) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned()) return false;
  value = found->get<uint64_t>();
  return value <= count_max;
}

bool read(const json& object, const char* name, WallTime& time) {
  constexpr uint64_t ms_max = 9'000'000'000'000;  // the year 2255: nanoseconds end in 2262
  uint64_t ms = 0;
  if (!read(object, name, ms) || ms > ms_max) return false;
  time = WallTime(std::chrono::milliseconds(ms));
  return true;
}

}  // namespace

void LoadMeter::request_ended() {
  KLIEG_ASSERT(requests_in_flight_ > 0, "a request ends that began");
  --requests_in_flight_;
}

void LoadMeter::viewer_left() {
  KLIEG_ASSERT(pushed_to_ > 0, "a viewer leaves who came");
  --pushed_to_;
}

void LoadMeter::turn_to(LoopTime now) {
  const int64_t slot = now.time_since_epoch() / slot_duration;
  const int64_t passed = std::clamp<int64_t>(slot - slot_, 0, slots);
  for (int64_t i = 0; i < passed; ++i) sent_[static_cast<size_t>(slot - i) % slots] = 0;
  slot_ = slot;
}

void LoadMeter::sent(uint64_t bytes, LoopTime now) {
  turn_to(now);
  sent_[static_cast<size_t>(slot_) % slots] += bytes;
}

LoadShare LoadMeter::share(Viewers& viewers, LoopTime now) {
  turn_to(now);
  uint64_t bytes = 0;
  for (const uint64_t sent : sent_) bytes += sent;
  // All but one slot, and what has passed of the one that is filling.
  const Duration span = load_interval + now.time_since_epoch() % slot_duration;
  return {requests_in_flight_, static_cast<uint64_t>(static_cast<double>(bytes) * 8 / to_seconds(span)),
          viewers.sample(now), pushed_to_};
}

double LoadReport::headroom() const {
  const double used = static_cast<double>(egress_bits_per_s) / static_cast<double>(egress_capacity_bits_per_s);
  return std::clamp(1 - used, 0.0, 1.0);
}

bool is_newer(const LoadReport& report, const LoadReport& than) {
  return std::tie(report.started, report.sequence) > std::tie(than.started, than.sequence);
}

LoadReporter::LoadReporter(std::string node, uint64_t egress_capacity_bits_per_s, WallTime started) {
  KLIEG_ASSERT(egress_capacity_bits_per_s > 0 && egress_capacity_bits_per_s <= count_max, "a line has a capacity");
  KLIEG_ASSERT(is_node_name(node), "a node has a name");
  next_.node = std::move(node);
  next_.egress_capacity_bits_per_s = egress_capacity_bits_per_s;
  next_.started = to_the_ms(started);
}

LoadReport LoadReporter::report(std::span<const LoadShare> shares, WallTime now) {
  ++next_.sequence;
  next_.made = to_the_ms(now);
  next_.requests_in_flight = next_.egress_bits_per_s = 0;
  std::vector<Viewers::Sample> viewers;
  uint64_t pushed_to = 0;
  for (const LoadShare& share : shares) {
    pushed_to += share.pushed_to;
    next_.requests_in_flight += share.requests_in_flight;
    next_.egress_bits_per_s += share.egress_bits_per_s;
    viewers.push_back(share.viewers);
  }
  next_.viewers = Viewers::total_of(viewers) + pushed_to;
  return next_;
}

std::string json_of(const LoadReport& report) {
  return json{{"node", report.node},
              {"started_ms", ms_of(report.started)},
              {"sequence", report.sequence},
              {"made_ms", ms_of(report.made)},
              {"requests_in_flight", report.requests_in_flight},
              {"egress_bits_per_s", report.egress_bits_per_s},
              {"egress_capacity_bits_per_s", report.egress_capacity_bits_per_s},
              {"viewers", report.viewers},
              {"headroom", report.headroom()}}
      .dump();
}

Result<LoadReport> load_report_of(std::string_view text) {
  if (text.size() > load_report_size_max) return fail("a load report of more than 1 KiB");
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return fail("a load report that is no JSON object");
  LoadReport report;
  const auto node = object.find("node");
  if (node == object.end() || !node->is_string()) return fail("a load report without the name of its node");
  report.node = node->get<std::string>();
  if (!is_node_name(report.node)) return fail("a load report whose node has no proper name");
  const bool whole = read(object, "started_ms", report.started) && read(object, "sequence", report.sequence) &&
                     read(object, "made_ms", report.made) &&
                     read(object, "requests_in_flight", report.requests_in_flight) &&
                     read(object, "egress_bits_per_s", report.egress_bits_per_s) &&
                     read(object, "egress_capacity_bits_per_s", report.egress_capacity_bits_per_s) &&
                     read(object, "viewers", report.viewers);
  if (!whole) return fail("a load report that lacks a number");
  if (report.egress_capacity_bits_per_s == 0) return fail("a load report of a node without capacity");
  return report;
}

}  // namespace klieg::edge
