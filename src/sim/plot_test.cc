#include "sim/plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace klieg::sim {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string drawn(Whose whose) {
  const Trail trail{.name = "push", .whose = whose, .spots = {{100, 25}, {200, 50}}};
  return draw("t", {{.title = "p", .x_axis = "viewers", .y_unit = "%", .x_max = 400, .y_max = 100, .trails = {trail}}},
              "note");
}

TEST(Plot, joins_what_was_measured_by_lines) {
  const std::string svg = drawn(Whose::ours);
  EXPECT_THAT(svg, HasSubstr("d=\"M166.0 289.0L276.0 214.0\""));  // 56 + 440 / 4, 64 + 300 x 3 / 4
  EXPECT_THAT(svg, HasSubstr(">75%</text>"));
  EXPECT_THAT(svg, Not(HasSubstr("fill=\"none\" stroke=\"#0072b2\"/>")));
}

TEST(Plot, has_circles_and_dashes_for_what_others_measured) {
  const std::string svg = drawn(Whose::theirs);
  EXPECT_THAT(svg, HasSubstr("r=\"4\" fill=\"none\""));
  EXPECT_THAT(svg, HasSubstr("stroke-dasharray"));
}

TEST(Plot, of_nothing_is_still_a_picture) {
  EXPECT_TRUE(draw("empty", {{.title = "p", .trails = {{.name = "none"}}}}, "").ends_with("</svg>\n"));
}

}  // namespace
}  // namespace klieg::sim
