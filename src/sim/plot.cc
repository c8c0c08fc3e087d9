#include "sim/plot.h"

#include <fmt/format.h>

namespace klieg::sim {
namespace {

std::string drawn(const Area& area, const Trail& trail) {
  const std::string_view colour = colour_of(trail.colour);
  const bool theirs = trail.whose == Whose::theirs;
  std::string line, marks;
  for (const Spot& spot : trail.spots) {
    line += fmt::format("{}{:.1f} {:.1f}", line.empty() ? 'M' : 'L', area.x(spot.x), area.y(spot.y));
    marks += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\" stroke=\"{}\"/>\n", area.x(spot.x),
                         area.y(spot.y), theirs ? "none" : colour, colour);
  }
  if (line.empty()) return {};
  return fmt::format("<path fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"{} d=\"{}\"/>\n", colour, theirs ? 1 : 2,
                     theirs ? dashes : "", line) +
         marks;
}

}  // namespace

std::string draw(const std::string& title, const std::vector<Plot>& plots, const std::string& note) {
  std::string out = open_sheet(sheet_width(plots.size()), sheet_height(), title);
  Area area{.left = sheet_margin};
  for (const Plot& plot : plots) {
    area.x_max = plot.x_max;
    area.y_max = plot.y_max;
    area.x_steps = plot.x_steps;
    out += area.axes(plot.title, plot.x_axis, plot.y_unit);
    for (size_t i = 0; i < plot.trails.size(); ++i) {
      const Trail& trail = plot.trails[i];
      out += drawn(area, trail);
      out += area.legend(Corner::top_left, i, plot.trails.size(), trail.name, colour_of(trail.colour), trail.whose);
    }
    area.left += area.width + area_gap;
  }
  return out + close_sheet(sheet_height(), note);
}

}  // namespace klieg::sim
