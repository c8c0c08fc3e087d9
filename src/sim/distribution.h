// A distribution as a figure shows it: points of a cumulative curve.
//
// What is beyond the last point (where a paper's axis ends) is not known, and is not made up: see Curve::value.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/random.h"

namespace klieg::sim {

// `share` of what was measured is at most `value`.
struct Point {
  double share = 0;
  double value = 0;
};

// Points in rising order of both. Between two of them, a straight line.
class Curve {
 public:
  explicit Curve(std::span<const Point> points) : points_(points.begin(), points.end()) {}
  // Of measured values: their empirical distribution.
  static Curve of(std::vector<double> values);

  // Empty where the curve does not reach so far; below its first point, the first value.
  std::optional<double> value(double share) const;
  // The share that is at most `value`.
  double share(double value) const;
  double mean() const;  // of the points' steps: for curves of measured values

  std::span<const Point> points() const { return points_; }

 private:
  std::vector<Point> points_;
};

}  // namespace klieg::sim
