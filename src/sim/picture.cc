#include "sim/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace klieg::sim {
namespace {

constexpr double panel_width = 440, panel_height = 300, gap = 70, margin = 56, head = 64, foot = 52;
constexpr double legend_row = 18;
constexpr size_t line_points = 200;
// Told apart by those who see few colours too (Okabe and Ito), the last for ours.
constexpr std::array<std::string_view, 6> colours = {"#0072b2", "#009e73", "#e69f00", "#56b4e9", "#cc79a7", "#d55e00"};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

class Drawing {
 public:
  Drawing(double left, const Panel& panel) : left_(left), panel_(panel) {}

  void axes(std::string& out) const {
    const double bottom = head + panel_height;
    out += fmt::format("<text class=\"title\" x=\"{}\" y=\"{}\">{}</text>\n", left_, head - 14, escaped(panel_.title));
    for (int i = 0; i <= 4; ++i) {
      const double share = i / 4.0, value = panel_.value_max * share;
      out += fmt::format("<path class=\"grid\" d=\"M{:.1f} {:.1f}h{}\"/>\n", left_, y(share), panel_width);
      out += fmt::format("<text class=\"end\" x=\"{:.1f}\" y=\"{:.1f}\">{:.0f}%</text>\n", left_ - 8, y(share) + 4,
                         100 * share);
      out +=
          fmt::format("<text class=\"middle\" x=\"{:.1f}\" y=\"{:.1f}\">{:.3g}</text>\n", x(value), bottom + 18, value);
    }
    out += fmt::format("<path class=\"axis\" d=\"M{} {}V{}H{}\"/>\n", left_, head, bottom, left_ + panel_width);
    out += fmt::format("<text class=\"middle\" x=\"{}\" y=\"{}\">{}</text>\n", left_ + panel_width / 2, bottom + 38,
                       escaped(panel_.axis));
  }

  void curves(std::string& out) const {
    for (size_t i = 0; i < panel_.series.size(); ++i) {
      const Series& series = panel_.series[i];
      const std::string_view colour =
          series.emphasis == Emphasis::ours ? colours.back() : colours[i % (colours.size() - 1)];
      line(out, series, colour);
      for (const Point& point : series.theirs.points()) {
        if (point.value > panel_.value_max) continue;
        out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"none\" stroke=\"{}\"/>\n",
                           x(point.value), y(point.share), colour);
      }
      legend(out, i, series, colour);
    }
  }

 private:
  double x(double value) const { return left_ + panel_width * value / panel_.value_max; }
  static double y(double share) { return head + panel_height * (1 - share); }

  void line(std::string& out, const Series& series, std::string_view colour) const {
    if (series.measured.points().empty()) return;
    out += fmt::format("<path fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" d=\"", colour,
                       series.emphasis == Emphasis::ours ? 3 : 1.6);
    for (size_t i = 0; i <= line_points; ++i) {
      const double value = panel_.value_max * static_cast<double>(i) / line_points;
      out += fmt::format("{}{:.1f} {:.1f}", i == 0 ? 'M' : 'L', x(value), y(series.measured.share(value)));
    }
    out += "\"/>\n";
  }

  void legend(std::string& out, size_t row, const Series& series, std::string_view colour) const {
    const double at_x = left_ + panel_width - 120;
    const double at_y = head + panel_height - 14 - legend_row * static_cast<double>(panel_.series.size() - 1 - row);
    out += fmt::format("<path stroke=\"{}\" stroke-width=\"3\" d=\"M{} {}h22\"/><text x=\"{}\" y=\"{}\">{}</text>\n",
                       colour, at_x, at_y - 4, at_x + 28, at_y, escaped(series.name));
  }

  double left_;
  const Panel& panel_;
};

}  // namespace

std::string draw(const std::string& title, const std::vector<Panel>& panels) {
  const auto count = static_cast<double>(panels.size());
  const double width = 2 * margin + count * panel_width + std::max(0.0, count - 1) * gap;
  const double height = head + panel_height + foot + 24;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\">\n"
      "<style>text{{font:13px sans-serif;fill:#222}}.title{{font-weight:bold}}.head{{font:bold 17px sans-serif}}"
      ".middle{{text-anchor:middle}}.end{{text-anchor:end}}.grid{{stroke:#e4e4e4}}.axis{{stroke:#444;fill:none}}"
      ".note{{fill:#666}}</style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
      width, height);
  out += fmt::format("<text class=\"head\" x=\"{}\" y=\"26\">{}</text>\n", margin, escaped(title));
  double left = margin;
  for (const Panel& panel : panels) {
    const Drawing drawing(left, panel);
    drawing.axes(out);
    drawing.curves(out);
    left += panel_width + gap;
  }
  out += fmt::format(
      "<text class=\"note\" x=\"{}\" y=\"{}\">lines: simulated here; circles: Wang et al., IMC 2016</text>\n", margin,
      height - 10);
  return out + "</svg>\n";
}

}  // namespace klieg::sim
