#include "player/breakdown.h"

#include <algorithm>

namespace klieg::player {
namespace {

// In the order of Hop.
constexpr std::array<std::string_view, hops> names = {"upload",    "chunking", "waiting", "origin_to_edge",
                                                      "last_mile", "buffer",   "total"};

Duration not_negative(Duration duration) { return std::max(Duration(0), duration); }

}  // namespace

std::string_view hop_name(Hop hop) { return names[static_cast<size_t>(hop)]; }

void Breakdown::add(const Received& received, const ClockRelation& clocks) {
  if (pieces_ == pieces_max) return;
  ++pieces_;
  const auto took = [&](Hop hop, Duration duration) { taken_[static_cast<size_t>(hop)].push_back(duration); };
  const Duration half = clocks.round_trip / 2;
  const WallTime asked = clocks.server_wall(received.transfer.asked) + half;
  const WallTime answered = clocks.server_wall(received.transfer.first_byte) - half;
  const bool at_once = received.holds == Holds::one_frame && answered < received.begins + received.duration;
  const WallTime whole = at_once ? received.begins : received.begins + received.duration;
  const WallTime there = received.told ? std::max(whole, clocks.server_wall(*received.told) - half) : whole;
  if (received.captured) took(Hop::upload, not_negative(received.begins - *received.captured));
  took(Hop::chunking, whole - received.begins);
  took(Hop::waiting, not_negative(asked - there));
  took(Hop::origin_to_edge, there - whole + not_negative(answered - std::max(there, asked)));
  took(Hop::last_mile, received.transfer.last_byte - received.transfer.first_byte + half);
}

std::optional<Duration> Breakdown::mean(Hop hop) const {
  if (pieces_ == 0) return std::nullopt;
  if (hop == Hop::buffer) return buffer_;
  if (hop == Hop::total) {
    Duration sum{0};
    for (size_t each = 0; each < static_cast<size_t>(Hop::total); ++each) {
      sum += mean(static_cast<Hop>(each)).value_or(Duration(0));
    }
    return sum;
  }
  const std::vector<Duration>& taken = taken_[static_cast<size_t>(hop)];
  if (taken.empty()) return std::nullopt;
  Duration sum{0};
  for (const Duration each : taken) sum += each;
  return sum / static_cast<int64_t>(taken.size());
}

std::optional<Duration> Breakdown::p95(Hop hop) const {
  std::vector<Duration> taken = taken_[static_cast<size_t>(hop)];
  if (taken.empty()) return std::nullopt;
  const auto at = taken.begin() + static_cast<ptrdiff_t>((taken.size() - 1) * 95 / 100);
  std::ranges::nth_element(taken, at);
  return *at;
}

}  // namespace klieg::player
