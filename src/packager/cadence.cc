#include "packager/cadence.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace klieg::packager {
namespace {

// What cameras and encoders run at; a measured pace this near to one of them is that one.
constexpr double usual_rates[] = {
    24'000.0 / 1001, 24, 25, 30'000.0 / 1001, 30, 50, 60'000.0 / 1001, 60, 5, 8, 10, 12, 12.5, 15, 20, 40, 48, 120};

constexpr size_t frames_remembered = 32;  // about a second

constexpr int64_t dropped_in_a_row_max = 30;

// From a frame a millisecond to one a second, as near as a pace is told. Slower ones are no pace to go by: how long a
// frame lasts that is taken at its word would be longer than a segment may be.
constexpr double frame_ns_min = 1e6, frame_ns_max = 1.004e9;

// Which frame each time belongs to, counted from the first. An encoder that cannot keep up drops frames: its times then
// lie on the pace with holes of whole frames, and the frames in the holes are counted. Without such a pattern every
// time is the next frame.
std::vector<int64_t> frame_numbers(std::span<const MediaTime> times, Duration tolerance) {
  std::vector<int64_t> numbers(times.size());
  std::iota(numbers.begin(), numbers.end(), 0);
  std::vector<Duration> steps;
  for (size_t i = 1; i < times.size(); ++i) steps.push_back(times[i] - times[i - 1]);
  if (steps.empty()) return numbers;
  std::vector<Duration> sorted = steps;
  std::ranges::nth_element(sorted, sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2));
  const Duration usual = sorted[sorted.size() / 2];
  if (usual <= 0ns) return numbers;
  std::vector<int64_t> counted{0};
  size_t single = 0;
  for (const Duration step : steps) {
    const int64_t frames = (step + usual / 2) / usual;
    // `usual` is itself off by up to a tolerance, which a hole multiplies.
    if (frames < 1 || frames > dropped_in_a_row_max) return numbers;
    if (std::chrono::abs(step - usual * frames) > tolerance * (frames + 1)) return numbers;
    single += frames == 1;
    counted.push_back(counted.back() + frames);
  }
  return single * 4 >= steps.size() * 3 ? counted : numbers;
}

// Slope of the least-squares line through (frame number, time): the mean frame duration, in which roundings cancel.
double slope_of(std::span<const MediaTime> times, std::span<const int64_t> numbers) {
  const auto n = static_cast<double>(times.size());
  double x_mean = 0;
  double y_mean = 0;
  for (size_t i = 0; i < times.size(); ++i) {
    x_mean += static_cast<double>(numbers[i]) / n;
    y_mean += static_cast<double>((times[i] - times[0]).count()) / n;
  }
  double numerator = 0;
  double denominator = 0;
  for (size_t i = 0; i < times.size(); ++i) {
    const double x = static_cast<double>(numbers[i]) - x_mean;
    numerator += x * (static_cast<double>((times[i] - times[0]).count()) - y_mean);
    denominator += x * x;
  }
  return numerator / denominator;
}

bool keeps_pace(std::span<const MediaTime> times, std::span<const int64_t> numbers, double frame_ns,
                Duration tolerance) {
  double least = 0;
  double most = 0;
  for (size_t i = 0; i < times.size(); ++i) {
    const double off = static_cast<double>((times[i] - times[0]).count()) - static_cast<double>(numbers[i]) * frame_ns;
    least = std::min(least, off);
    most = std::max(most, off);
  }
  return most - least <= 2 * static_cast<double>(tolerance.count());
}

}  // namespace

void Cadence::measure(std::span<const MediaTime> times) {
  off_pace_ = 0;
  frame_.reset();
  const std::vector<int64_t> numbers = frame_numbers(times, tolerance_);
  if (times.size() < measured_frames_min) {
    // Few frames cannot show a pace, but they can bear out the one that the parameter sets say.
    if (times.size() >= 3 && frame_rate_hint_ * frame_ns_max >= 1e9 &&
        keeps_pace(times, numbers, 1e9 / frame_rate_hint_, tolerance_)) {
      frame_exact_ns_ = 1e9 / frame_rate_hint_;
      frame_ = Duration(std::llround(frame_exact_ns_));
    }
    return;
  }
  const double mean = slope_of(times, numbers);
  if (mean < frame_ns_min || mean > frame_ns_max || !keeps_pace(times, numbers, mean, tolerance_)) return;
  double best = mean;
  double nearest = 0.004 * mean;  // 30 and 29.97 fps are 0.1 % apart
  const auto consider = [&](double rate, double weight) {
    if (rate <= 0) return;
    const double off = std::abs(1e9 / rate - mean) * weight;
    if (off >= nearest || !keeps_pace(times, numbers, 1e9 / rate, tolerance_)) return;
    nearest = off;
    best = 1e9 / rate;
  };
  for (double rate : usual_rates) consider(rate, 1);
  consider(frame_rate_hint_, 0.5);  // what the parameter sets say counts more, but they lie
  frame_exact_ns_ = best;
  frame_ = Duration(std::llround(best));
}

Duration Cadence::frames(int64_t count) const {
  return Duration(std::llround(frame_exact_ns_ * static_cast<double>(count)));
}

void Cadence::watch(MediaTime decode_time) {
  recent_.push_back(decode_time);
  if (recent_.size() > frames_remembered) recent_.pop_front();
  if (off_pace_ < static_cast<int>(measured_frames_min) && frame_) return;
  if (recent_.size() < frames_remembered) return;
  const std::vector<MediaTime> times(recent_.begin(), recent_.end());
  measure(times);
  recent_.clear();
}

void Cadence::place(media::Sample& sample) {
  const bool video = kind_ == media::TrackKind::video;
  const MediaTime came = sample.decode_time;
  if (frame_ && expected_ && std::chrono::abs(came - *expected_) <= tolerance_) {
    sample.decode_time = *expected_;
    off_pace_ = 0;
  } else if (expected_ && video) {
    ++off_pace_;
  }
  if (video) watch(came);
  if (!frame_ || *frame_ <= 0ns) {
    expected_ = came;
    return;
  }
  expected_ = sample.decode_time + *frame_;
  if (!video) return;
  const Duration whole = *frame_ * ((sample.composition_offset + *frame_ / 2) / *frame_);
  if (std::chrono::abs(whole - sample.composition_offset) <= tolerance_) sample.composition_offset = whole;
}

Duration opus_duration(ByteView packet) {
  if (packet.empty()) return {};
  const uint8_t config = packet[0] >> 3;
  constexpr Duration silk[] = {10ms, 20ms, 40ms, 60ms};
  constexpr Duration celt[] = {2500us, 5ms, 10ms, 20ms};
  const Duration frame = config < 12 ? silk[config & 3] : config < 16 ? silk[config & 1] : celt[config & 3];
  switch (packet[0] & 3) {
    case 0:
      return frame;
    case 1:
    case 2:
      return frame * 2;
    default:
      return packet.size() < 2 ? Duration(0) : frame * (packet[1] & 0x3F);
  }
}

}  // namespace klieg::packager
