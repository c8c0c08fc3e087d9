// What something is made of as a picture (SVG 1.1): lying bars of stretches one behind the other, below each other in
// groups, ours plain and what others measured hatched.
#pragma once

#include <string>
#include <vector>

#include "sim/sheet.h"

namespace klieg::sim {

struct Stretch {
  std::string name;  // the same name has the same colour in every bar
  double length = 0;
};

struct Bar {
  std::string name;
  Whose whose = Whose::ours;
  std::vector<Stretch> stretches;  // the first at zero
};

struct BarGroup {
  std::string title;
  std::vector<Bar> bars;
};

// `axis` says what lies along the bars, with its unit. Names get colours in the order in which they first come.
std::string draw(const std::string& title, const std::string& axis, const std::vector<BarGroup>& groups,
                 const std::string& note);

}  // namespace klieg::sim
