#include "sim/uplink.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "sim/distribution.h"
#include "sim/periscope.h"

namespace klieg::sim {
namespace {

constexpr double length_s_min = 20;    // shorter ones are over before a buffer of 9 s means something
constexpr double length_s_max = 3600;  // 0.5 % are longer
constexpr double frame_s = 0.04;
constexpr double frame_s_spread = 0.04;
constexpr double stand_still_every_s = 30;
constexpr Duration silence = 1s;
constexpr double drain_speed = 2;
constexpr double worst_per_delay = 1.7;  // a viewer's mean delay is less than the worst: fitted, seed 1
constexpr double jitter_mean_s = 0.01;
// Beyond the axis of Figure 16 (b), where its last tenth lies: doubled with every halving of what is left.
constexpr double worst_share_known = 0.9;

Duration seconds(double count) { return Duration(static_cast<int64_t>(count * 1e9)); }

double worst_s(Random& random) {
  const double share = random.unit();
  const Curve curve(periscope::rtmp_buffer()[0].buffering_s);
  if (share <= worst_share_known) return *curve.value(share);
  return *curve.value(worst_share_known) * (1 - worst_share_known) / (1 - std::min(share, 0.99));
}

double length_s(Random& random) {
  const Curve curve(periscope::broadcast_length_s());
  return std::clamp(curve.value(random.unit()).value_or(length_s_max), length_s_min, length_s_max);
}

double exponential(Random& random, double mean) { return -mean * std::log(1 - random.unit()); }

// Calls `each` with the text's lines, without their ends.
template <class Each>
void for_each_line(std::string_view text, Each each) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    each(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::optional<int64_t> leading_number(std::string_view line) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
  if (error != std::errc() || (end != line.data() + line.size() && *end != ' ')) return std::nullopt;
  return number;
}

// What no camera captured no buffer can show: where it was silent, one broadcast ends and another begins. Each begins
// at zero and has `frames_min` frames.
std::vector<std::vector<Frame>> without_silences(const std::vector<Frame>& frames) {
  std::vector<std::vector<Frame>> stretches;
  const Frame* before = nullptr;
  Duration begins{0};
  for (const Frame& frame : frames) {
    if (before == nullptr || frame.captured - before->captured > silence) {
      stretches.emplace_back();
      begins = frame.captured.time_since_epoch();
    }
    stretches.back().push_back({frame.captured - begins, frame.arrived - begins});
    before = &frame;
  }
  std::erase_if(stretches, [](const auto& stretch) { return stretch.size() < frames_min; });
  return stretches;
}

}  // namespace

Uplink made_up_uplink(Random& random) {
  const double length = length_s(random);
  const double worst = worst_per_delay * worst_s(random);
  const double interval = frame_s * (1 + frame_s_spread * (2 * random.unit() - 1));
  Uplink uplink{.name = "made up", .frame_interval = seconds(interval), .frames = {}};
  double still_from = exponential(random, stand_still_every_s), still_until = 0, sent = 0;
  const auto count = static_cast<size_t>(length / interval);
  uplink.frames.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const double captured = static_cast<double>(i) * interval;
    if (captured >= still_from) {
      still_until = captured + worst * random.unit();
      still_from = still_until + exponential(random, stand_still_every_s);
    }
    const double ready = captured + exponential(random, jitter_mean_s);
    sent = std::max({ready, still_until, sent + interval / drain_speed});
    uplink.frames.push_back({MediaTime(seconds(captured)), LoopTime(seconds(sent))});
  }
  return uplink;
}

std::vector<Frame> captured_at_the_latest(const std::vector<LoopTime>& arrivals, Duration interval) {
  std::vector<Frame> frames(arrivals.size());
  LoopTime latest = LoopTime::max();
  for (size_t i = arrivals.size(); i-- > 0;) {
    latest = std::min(arrivals[i], latest);
    frames[i] = {MediaTime(latest.time_since_epoch()), arrivals[i]};
    latest -= interval;
  }
  if (frames.empty()) return frames;
  const Duration first = frames.front().captured.time_since_epoch();
  for (Frame& frame : frames) {
    frame.captured -= first;
    frame.arrived -= first;
  }
  return frames;
}

Result<std::vector<Uplink>> read_multilive(std::string_view text) {
  // The set's own counts say 26 frames in most seconds.
  constexpr Duration interval = Duration(1s) / 26;
  std::vector<Uplink> uplinks;
  std::vector<LoopTime> arrivals;
  size_t broadcasts = 0;
  const auto finish = [&] {
    // Stamps of two threads are out of order by some milliseconds.
    for (size_t i = 1; i < arrivals.size(); ++i) arrivals[i] = std::max(arrivals[i], arrivals[i - 1]);
    for (std::vector<Frame>& frames : without_silences(captured_at_the_latest(arrivals, interval))) {
      uplinks.push_back({fmt::format("multilive {}", broadcasts), interval, std::move(frames)});
    }
    arrivals.clear();
  };
  for_each_line(text, [&](std::string_view line) {
    if (line.starts_with("ID:")) {
      finish();
      ++broadcasts;
    } else if (const auto ms = leading_number(line); ms && line.contains(' ') && *ms > 0 && *ms < int64_t{1} << 42) {
      arrivals.emplace_back(std::chrono::milliseconds(*ms));
    }
  });
  finish();
  if (uplinks.empty())
    return fail("no broadcast in it: it should have lines \"ID:\" and \"MILLISECONDS SIZE KEY KBPS\"");
  return uplinks;
}

Result<std::vector<Uplink>> read_mahimahi(std::string_view name, std::string_view text, double load, Duration length) {
  constexpr double chance_bytes = 1500;
  std::vector<int64_t> chances_ms;
  for_each_line(text, [&](std::string_view line) {
    if (const auto ms = leading_number(line); ms && *ms >= 0 && *ms < int64_t{1} << 32) chances_ms.push_back(*ms);
  });
  if (chances_ms.size() < frames_min || !std::ranges::is_sorted(chances_ms) ||
      chances_ms.back() == chances_ms.front()) {
    return fail("no trace: it should have a line per 1500 bytes, of milliseconds that rise");
  }
  const double trace_s = static_cast<double>(chances_ms.back() - chances_ms.front()) / 1000;
  const double bytes_per_s = chance_bytes * static_cast<double>(chances_ms.size()) / trace_s * load;
  const double frame_bytes = bytes_per_s * frame_s;
  std::vector<Uplink> uplinks;
  double sent_bytes = 0, captured_bytes = 0;
  int64_t frame = 0;  // on the trace's time
  const auto frame_at = [&](int64_t index) { return chances_ms.front() * 1'000'000 + index * 40'000'000; };
  const int64_t per_broadcast = length / Duration(40ms);
  for (const int64_t chance_ms : chances_ms) {
    // A chance carries only what there is by then.
    const auto captured = (chance_ms * 1'000'000 - chances_ms.front() * 1'000'000) / 40'000'000 + 1;
    captured_bytes = static_cast<double>(captured) * frame_bytes;
    sent_bytes = std::min(captured_bytes, sent_bytes + chance_bytes);
    for (; sent_bytes + 1e-6 >= static_cast<double>(frame + 1) * frame_bytes; ++frame) {
      if (frame % per_broadcast == 0) {
        uplinks.push_back({fmt::format("{} {}", name, uplinks.size() + 1), 40ms, {}});
      }
      const int64_t first_ns = frame_at(frame - frame % per_broadcast);
      uplinks.back().frames.push_back(
          {MediaTime(Duration(frame_at(frame) - first_ns)), LoopTime(Duration(chance_ms * 1'000'000 - first_ns))});
    }
  }
  if (!uplinks.empty() && uplinks.back().frames.size() < frames_min) uplinks.pop_back();
  if (uplinks.empty()) return fail("no broadcast in it: the trace is shorter than ten seconds");
  return uplinks;
}

}  // namespace klieg::sim
