#include "sim/distribution.h"

#include <algorithm>

namespace klieg::sim {

Curve Curve::of(std::vector<double> values) {
  std::ranges::sort(values);
  std::vector<Point> points;
  points.reserve(values.size());
  const auto count = static_cast<double>(values.size());
  for (size_t i = 0; i < values.size(); ++i) points.push_back({static_cast<double>(i + 1) / count, values[i]});
  return Curve(points);
}

std::optional<double> Curve::value(double share) const {
  const auto next = std::ranges::lower_bound(points_, share, {}, &Point::share);
  if (next == points_.end()) return std::nullopt;
  if (next == points_.begin()) return next->value;
  const Point& before = *std::prev(next);
  return before.value + (next->value - before.value) * (share - before.share) / (next->share - before.share);
}

double Curve::share(double value) const {
  const auto next = std::ranges::upper_bound(points_, value, {}, &Point::value);
  if (next == points_.begin()) return 0;
  const Point& before = *std::prev(next);
  if (next == points_.end()) return before.share;
  return before.share + (next->share - before.share) * (value - before.value) / (next->value - before.value);
}

double Curve::mean() const {
  double sum = 0, share = 0;
  for (const Point& point : points_) {
    sum += point.value * (point.share - share);
    share = point.share;
  }
  return share > 0 ? sum / share : 0;
}

}  // namespace klieg::sim
