#include "sim/study.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "sim/periscope.h"

namespace klieg::sim {
namespace {

constexpr Duration look_every = 100ms;
constexpr Duration part = 200ms;

Duration seconds(double count) { return Duration(static_cast<int64_t>(count * 1e9)); }

Duration drawn_below(Random& random, Duration bound) {
  return Duration(static_cast<int64_t>(random.below(static_cast<uint64_t>(bound.count()))));
}

struct Contestant {
  Road road{};
  std::string name;
  player::Policy policy;
  std::vector<double> stall_ratio;
  std::vector<double> buffering_s;
};

std::vector<Contestant> contestants() {
  std::vector<Contestant> all;
  const auto fixed = [&](Road road, std::span<const periscope::BufferFigure> figures) {
    for (const auto& figure : figures) {
      all.push_back({.road = road,
                     .name = fmt::format("P = {} s", figure.prebuffer_s),
                     .policy = player::FixedBuffer{seconds(figure.prebuffer_s)},
                     .stall_ratio = {},
                     .buffering_s = {}});
    }
  };
  const auto adaptive = [&](Road road) {
    all.push_back(
        {.road = road, .name = "adaptive", .policy = player::AdaptiveBuffer{}, .stall_ratio = {}, .buffering_s = {}});
  };
  fixed(Road::pushed_frames, periscope::rtmp_buffer());
  adaptive(Road::pushed_frames);
  fixed(Road::polled_segments, periscope::hls_buffer());
  adaptive(Road::polled_segments);
  adaptive(Road::held_parts);
  return all;
}

std::vector<Delivery> polled(const Uplink& uplink, Random& random) {
  std::vector<Delivery> segments = cut(uplink, seconds(periscope::segment_s));
  move_to_edge(segments, random);
  const Duration interval = seconds(periscope::hls_poll_interval_s);
  const std::vector<Duration> waits = polling_delays(segments, interval, drawn_below(random, interval));
  for (size_t i = 0; i < segments.size(); ++i) segments[i].arrived += waits[i];
  return segments;
}

}  // namespace

player::Account play(const std::vector<Delivery>& deliveries, const player::Policy& policy,
                     const player::PaceLaw& pace_law) {
  player::Playout playout(policy, pace_law);
  if (deliveries.empty()) return playout.account();
  LoopTime now = deliveries.front().arrived;
  for (const Delivery& delivery : deliveries) {
    for (; now < delivery.arrived; now += look_every) playout.advance(now);
    playout.arrived(delivery.piece, delivery.arrived);
  }
  playout.finish(now);
  return playout.account();
}

std::vector<BufferResult> study_buffers(const std::vector<Uplink>& uplinks, Random random) {
  std::vector<Contestant> all = contestants();
  for (const Uplink& uplink : uplinks) {
    const std::vector<Delivery> frames = pushed(uplink), segments = polled(uplink, random), parts = cut(uplink, part);
    for (Contestant& contestant : all) {
      const auto& deliveries = contestant.road == Road::pushed_frames     ? frames
                               : contestant.road == Road::polled_segments ? segments
                                                                          : parts;
      const player::PaceLaw& pace_law = contestant.road == Road::pushed_frames ? player::of_chunks : player::of_parts;
      const player::Account account = play(deliveries, contestant.policy, pace_law);
      contestant.stall_ratio.push_back(account.stall_ratio());
      contestant.buffering_s.push_back(to_seconds(account.buffering_delay()));
    }
  }
  std::vector<BufferResult> results;
  results.reserve(all.size());
  for (Contestant& contestant : all) {
    results.push_back({contestant.road, contestant.name, Curve::of(std::move(contestant.stall_ratio)),
                       Curve::of(std::move(contestant.buffering_s))});
  }
  return results;
}

std::vector<PollingResult> study_polling(const std::vector<Uplink>& uplinks, Random random) {
  std::vector<PollingResult> results;
  for (const auto& figure : periscope::polling()) {
    const Duration interval = seconds(figure.interval_s);
    std::vector<double> means, deviations;
    for (const Uplink& uplink : uplinks) {
      std::vector<Delivery> segments = cut(uplink, seconds(periscope::segment_s));
      if (segments.size() < segments_min) continue;
      move_to_edge(segments, random);
      double sum = 0, squares = 0;
      for (const Duration delay : polling_delays(segments, interval, drawn_below(random, interval))) {
        sum += to_seconds(delay);
        squares += to_seconds(delay) * to_seconds(delay);
      }
      const double mean = sum / static_cast<double>(segments.size());
      means.push_back(mean);
      deviations.push_back(std::sqrt(std::max(0.0, squares / static_cast<double>(segments.size()) - mean * mean)));
    }
    results.push_back({figure.interval_s, Curve::of(std::move(means)), Curve::of(std::move(deviations))});
  }
  return results;
}

}  // namespace klieg::sim
