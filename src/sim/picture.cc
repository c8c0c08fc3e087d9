#include "sim/picture.h"

#include <fmt/format.h>

namespace klieg::sim {
namespace {

constexpr size_t line_points = 200;
constexpr double percent = 100;

std::string line(const Area& area, const Series& series, std::string_view colour) {
  if (series.measured.points().empty()) return {};
  std::string out = fmt::format("<path fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" d=\"", colour,
                                series.emphasis == Emphasis::ours ? 3 : 1.6);
  for (size_t i = 0; i <= line_points; ++i) {
    const double value = area.x_max * static_cast<double>(i) / line_points;
    out += fmt::format("{}{:.1f} {:.1f}", i == 0 ? 'M' : 'L', area.x(value),
                       area.y(percent * series.measured.share(value)));
  }
  return out + "\"/>\n";
}

std::string curves(const Area& area, const Panel& panel) {
  std::string out;
  for (size_t i = 0; i < panel.series.size(); ++i) {
    const Series& series = panel.series[i];
    const std::string_view colour = colour_of(i, series.emphasis);
    out += line(area, series, colour);
    for (const Point& point : series.theirs.points()) {
      if (point.value > panel.value_max) continue;
      out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"none\" stroke=\"{}\"/>\n",
                         area.x(point.value), area.y(percent * point.share), colour);
    }
    out += area.legend(Corner::bottom_right, i, panel.series.size(), series.name, colour);
  }
  return out;
}

}  // namespace

std::string draw(const std::string& title, const std::vector<Panel>& panels) {
  std::string out = open_sheet(sheet_width(panels.size()), sheet_height(), title);
  Area area{.left = sheet_margin, .y_max = percent};
  for (const Panel& panel : panels) {
    area.x_max = panel.value_max;
    out += area.axes(panel.title, panel.axis, "%");
    out += curves(area, panel);
    area.left += area.width + area_gap;
  }
  return out + close_sheet(sheet_height(), "lines: simulated here; circles: Wang et al., IMC 2016");
}

}  // namespace klieg::sim
