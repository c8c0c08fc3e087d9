// Measured points as a picture (SVG 1.1): panels side by side, ours filled with lines between them, what others
// measured as circles with dashes.
#pragma once

#include <string>
#include <vector>

#include "sim/sheet.h"

namespace klieg::sim {

struct Spot {
  double x = 0;
  double y = 0;
};

struct Trail {
  std::string name;
  size_t colour = 0;  // its place among the colours: the same in two panels for the same thing
  Whose whose = Whose::ours;
  std::vector<Spot> spots;  // from left to right
};

struct Plot {
  std::string title;
  std::string x_axis;  // what lies along it, with its unit
  std::string y_unit;  // "%", " x", or nothing
  double x_max = 1;
  double y_max = 1;
  int x_steps = 4;  // figures along the axis, besides zero
  std::vector<Trail> trails;
};

std::string draw(const std::string& title, const std::vector<Plot>& plots, const std::string& note);

}  // namespace klieg::sim
