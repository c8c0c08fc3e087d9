// What the pictures of this folder are drawn on (SVG 1.1): fonts, colours and axes that can be read on light and on
// dark.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace klieg::sim {

enum class Emphasis : uint8_t { none, ours };  // ours: a thicker line, a colour of its own

// Whose figures these are. What others measured is drawn as circles and hatched bars.
enum class Whose : uint8_t { ours, theirs };

// Told apart by those who see few colours too. The same for the same place, beginning again after the last.
std::string_view colour_of(size_t place, Emphasis emphasis = Emphasis::none);
// Of what is written on a stretch of that colour.
std::string_view ink_on(std::string_view colour);

std::string escaped(std::string_view text);

inline constexpr std::string_view dashes = " stroke-dasharray=\"4 4\"";  // an attribute

// Up to `note`, which stands below everything. What lies between is drawn by whoever asks.
std::string open_sheet(double width, double height, std::string_view title);
std::string close_sheet(double height, std::string_view note);

inline constexpr double sheet_margin = 56, sheet_head = 64, sheet_foot = 76;  // below the head are titles of areas

enum class Corner : uint8_t { top_left, bottom_right };  // where the legend disturbs nothing

// A rectangle with axes that begin at zero.
struct Area {
  double left = 0, width = 440, height = 300;
  double x_max = 1, y_max = 1;
  int x_steps = 4;  // figures along the axis, besides zero

  double x(double value) const { return left + width * value / x_max; }
  double y(double value) const { return sheet_head + height * (1 - value / y_max); }
  // `y_unit` follows each figure of the axis that goes up.
  std::string axes(std::string_view title, std::string_view x_axis, std::string_view y_unit) const;
  // A row of the legend, `row` of `rows`; dashed where it is of what others measured.
  std::string legend(Corner corner, size_t row, size_t rows, std::string_view name, std::string_view colour,
                     Whose whose = Whose::ours) const;
};

inline constexpr double area_gap = 70;  // between areas that lie side by side
double sheet_width(size_t areas, const Area& each = {});
double sheet_height(const Area& each = {});

}  // namespace klieg::sim
