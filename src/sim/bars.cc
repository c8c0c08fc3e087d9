#include "sim/bars.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace klieg::sim {
namespace {

constexpr double names_width = 250, bars_width = 620, total_width = 70;
constexpr double bar_height = 22, bar_step = 30, group_head = 30, legend_height = 34, axis_height = 56;
constexpr double written_width_min = 30;  // of a stretch in which its length has room
constexpr double left = sheet_margin + names_width;
constexpr double legend_gap = 30, letter_width = 7;

double length_of(const Bar& bar) {
  double sum = 0;
  for (const Stretch& stretch : bar.stretches) sum += stretch.length;
  return sum;
}

// The step between lines of the grid: 1, 2 or 5 of a power of ten, about six of them.
double step_for(double length_max) {
  const double power = std::pow(10, std::floor(std::log10(length_max / 6)));
  constexpr std::array<double, 4> rounds = {1, 2, 5, 10};
  return power *
         *std::ranges::find_if(rounds, [&](double each) { return each == 10 || power * each * 6 >= length_max; });
}

class Drawing {
 public:
  explicit Drawing(const std::vector<BarGroup>& groups) {
    double length_max = 0;
    top_ = bottom_ = 40 + legend_height;
    for (const BarGroup& group : groups) {
      bottom_ += group_head + bar_step * static_cast<double>(group.bars.size());
      for (const Bar& bar : group.bars) {
        length_max = std::max(length_max, length_of(bar));
        for (const Stretch& stretch : bar.stretches) place_of(stretch.name);
      }
    }
    step_ = length_max > 0 ? step_for(length_max) : 1;
    scale_ = bars_width / (step_ * std::max(1.0, std::ceil(length_max / step_)));
  }

  double height() const { return bottom_ + axis_height + 24; }

  std::string grid(const std::string& axis) const {
    std::string out;
    for (double at = 0; at * scale_ <= bars_width + 1; at += step_) {
      const double x = left + at * scale_;
      out += fmt::format("<path class=\"{}\" d=\"M{:.1f} {:.1f}V{:.1f}\"/>\n", at == 0 ? "axis" : "grid", x, top_,
                         bottom_);
      out += fmt::format("<text class=\"middle\" x=\"{:.1f}\" y=\"{:.1f}\">{:.3g}</text>\n", x, bottom_ + 18, at);
    }
    return out + fmt::format("<text class=\"middle\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", left + bars_width / 2,
                             bottom_ + 38, escaped(axis));
  }

  std::string legend() const {
    std::string out;
    double x = sheet_margin;
    for (size_t i = 0; i < names_.size(); ++i) {
      out += fmt::format("<rect x=\"{:.1f}\" y=\"42\" width=\"14\" height=\"14\" fill=\"{}\"/>", x, colour(i));
      out += fmt::format("<text x=\"{:.1f}\" y=\"54\">{}</text>\n", x + 20, escaped(names_[i]));
      x += 20 + letter_width * static_cast<double>(names_[i].size()) + legend_gap;
    }
    return out;
  }

  std::string bars(const std::vector<BarGroup>& groups) {
    std::string out;
    double y = top_;
    for (const BarGroup& group : groups) {
      out += fmt::format("<text class=\"title\" x=\"{}\" y=\"{:.1f}\">{}</text>\n", sheet_margin, y + 20,
                         escaped(group.title));
      y += group_head;
      for (const Bar& bar : group.bars) {
        out += drawn(bar, y);
        y += bar_step;
      }
    }
    return out;
  }

 private:
  // All colours and a grey: nothing here is ours against the rest.
  static std::string_view colour(size_t place) {
    if (place % 7 == 6) return "#8c8c8c";
    return place % 7 == 5 ? colour_of(0, Emphasis::ours) : colour_of(place % 7);
  }

  size_t place_of(const std::string& name) {
    const auto found = std::ranges::find(names_, name);
    if (found != names_.end()) return static_cast<size_t>(found - names_.begin());
    names_.push_back(name);
    return names_.size() - 1;
  }

  std::string drawn(const Bar& bar, double y) {
    std::string out =
        fmt::format("<text class=\"end\" x=\"{}\" y=\"{:.1f}\">{}</text>\n", left - 10, y + 16, escaped(bar.name));
    double x = left;
    for (const Stretch& stretch : bar.stretches) {
      const double width = stretch.length * scale_;
      const std::string_view fill = colour(place_of(stretch.name));
      const std::string box =
          fmt::format("x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{}\"", x, y, width, bar_height);
      out += fmt::format("<rect {} fill=\"{}\"><title>{}: {:.3g}</title></rect>\n", box, fill, escaped(stretch.name),
                         stretch.length);
      if (bar.whose == Whose::theirs) out += fmt::format("<rect {} fill=\"url(#theirs)\"/>\n", box);
      if (width >= written_width_min) {
        out += fmt::format("<text class=\"middle\" style=\"fill:{}\" x=\"{:.1f}\" y=\"{:.1f}\">{:.2f}</text>\n",
                           ink_on(fill), x + width / 2, y + 16, stretch.length);
      }
      x += width;
    }
    return out + fmt::format("<text class=\"title\" x=\"{:.1f}\" y=\"{:.1f}\">{:.2f}</text>\n", x + 8, y + 16,
                             length_of(bar));
  }

  double top_ = 0, bottom_ = 0;
  double step_ = 1, scale_ = 1;
  std::vector<std::string> names_;
};

constexpr std::string_view hatch =
    "<defs><pattern id=\"theirs\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
    "patternTransform=\"rotate(45)\"><path d=\"M0 0V6\" style=\"stroke:#fff;stroke-width:4;stroke-opacity:0.35\"/>"
    "</pattern></defs>\n";

}  // namespace

std::string draw(const std::string& title, const std::string& axis, const std::vector<BarGroup>& groups,
                 const std::string& note) {
  Drawing drawing(groups);
  std::string out = open_sheet(left + bars_width + total_width, drawing.height(), title);
  out += hatch;
  out += drawing.legend() + drawing.grid(axis) + drawing.bars(groups);
  return out + close_sheet(drawing.height(), note);
}

}  // namespace klieg::sim
