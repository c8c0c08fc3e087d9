// Cumulative curves as a picture (SVG 1.1): panels side by side, ours as lines and what others measured as points of
// the same colour.
#pragma once

#include <string>
#include <vector>

#include "sim/distribution.h"
#include "sim/sheet.h"

namespace klieg::sim {

struct Series {
  std::string name;
  Curve measured{{}};  // drawn as a line; empty: none
  Curve theirs{{}};    // drawn as points; empty: none
  Emphasis emphasis = Emphasis::none;
};

struct Panel {
  std::string title;
  std::string axis;      // what lies along it, with its unit
  double value_max = 1;  // the axis begins at zero
  std::vector<Series> series;
};

// The same series in every panel have the same place in it, and so the same colour.
std::string draw(const std::string& title, const std::vector<Panel>& panels);

}  // namespace klieg::sim
