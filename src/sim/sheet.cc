#include "sim/sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace klieg::sim {
namespace {

// Okabe and Ito's, the last for ours.
constexpr std::array<std::string_view, 6> colours = {"#0072b2", "#009e73", "#e69f00", "#56b4e9", "#cc79a7", "#d55e00"};
constexpr std::array<std::string_view, 2> dark_colours = {"#0072b2", "#009e73"};
constexpr double legend_row = 18;
constexpr int y_steps = 4;

}  // namespace

std::string_view colour_of(size_t place, Emphasis emphasis) {
  return emphasis == Emphasis::ours ? colours.back() : colours[place % (colours.size() - 1)];
}

std::string_view ink_on(std::string_view colour) {
  return std::ranges::find(dark_colours, colour) != dark_colours.end() ? "#fff" : "#111";
}

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

std::string open_sheet(double width, double height, std::string_view title) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\">\n"
      "<style>text{{font:13px sans-serif;fill:#222}}.title{{font-weight:bold}}.head{{font:bold 17px sans-serif}}"
      ".middle{{text-anchor:middle}}.end{{text-anchor:end}}.grid{{stroke:#e4e4e4}}.axis{{stroke:#444;fill:none}}"
      ".note{{fill:#666}}.sheet{{fill:#fff}}\n"
      "@media (prefers-color-scheme:dark){{text{{fill:#ddd}}.grid{{stroke:#333}}.axis{{stroke:#aaa}}"
      ".note{{fill:#999}}.sheet{{fill:#0d1117}}}}</style>\n"
      "<rect class=\"sheet\" width=\"100%\" height=\"100%\"/>\n"
      "<text class=\"head\" x=\"{2}\" y=\"26\">{3}</text>\n",
      width, height, sheet_margin, escaped(title));
}

std::string close_sheet(double height, std::string_view note) {
  return fmt::format("<text class=\"note\" x=\"{}\" y=\"{}\">{}</text>\n</svg>\n", sheet_margin, height - 10,
                     escaped(note));
}

std::string Area::axes(std::string_view title, std::string_view x_axis, std::string_view y_unit) const {
  const double bottom = sheet_head + height;
  std::string out =
      fmt::format("<text class=\"title\" x=\"{}\" y=\"{}\">{}</text>\n", left, sheet_head - 14, escaped(title));
  for (int i = 0; i <= y_steps; ++i) {
    const double up = y_max * i / y_steps;
    out += fmt::format("<path class=\"grid\" d=\"M{:.1f} {:.1f}h{}\"/>\n", left, y(up), width);
    out += fmt::format("<text class=\"end\" x=\"{:.1f}\" y=\"{:.1f}\">{:.3g}{}</text>\n", left - 8, y(up) + 4, up,
                       escaped(y_unit));
  }
  for (int i = 0; i <= x_steps; ++i) {
    const double across = x_max * i / x_steps;
    out +=
        fmt::format("<text class=\"middle\" x=\"{:.1f}\" y=\"{:.1f}\">{:.3g}</text>\n", x(across), bottom + 18, across);
  }
  out += fmt::format("<path class=\"axis\" d=\"M{} {}V{}H{}\"/>\n", left, sheet_head, bottom, left + width);
  return out + fmt::format("<text class=\"middle\" x=\"{}\" y=\"{}\">{}</text>\n", left + width / 2, bottom + 38,
                           escaped(x_axis));
}

std::string Area::legend(Corner corner, size_t row, size_t rows, std::string_view name, std::string_view colour,
                         Whose whose) const {
  const bool is_top = corner == Corner::top_left;
  const double at_x = is_top ? left + 14 : left + width - 120;
  const double at_y = is_top ? sheet_head + 18 + legend_row * static_cast<double>(row)
                             : sheet_head + height - 14 - legend_row * static_cast<double>(rows - 1 - row);
  return fmt::format("<path stroke=\"{}\" stroke-width=\"3\"{} d=\"M{} {}h22\"/><text x=\"{}\" y=\"{}\">{}</text>\n",
                     colour, whose == Whose::theirs ? dashes : "", at_x, at_y - 4, at_x + 28, at_y, escaped(name));
}

double sheet_width(size_t areas, const Area& each) {
  const auto count = static_cast<double>(areas);
  return 2 * sheet_margin + count * each.width + std::max(0.0, count - 1) * area_gap;
}

double sheet_height(const Area& each) { return sheet_head + each.height + sheet_foot; }

}  // namespace klieg::sim
