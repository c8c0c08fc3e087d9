#include "sim/picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace klieg::sim {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Picture, has_a_line_for_what_was_measured_and_circles_for_what_others_did) {
  const Point theirs[] = {{0.5, 1}, {0.9, 99}};
  const std::string svg = draw("A < B", {{.title = "delay",
                                          .axis = "seconds",
                                          .value_max = 4,
                                          .series = {{.name = "P = 9 s",
                                                      .measured = Curve::of({1, 2, 3}),
                                                      .theirs = Curve(theirs),
                                                      .emphasis = Emphasis::none}}}});
  EXPECT_TRUE(svg.starts_with("<svg "));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_THAT(svg, HasSubstr("A &lt; B"));
  EXPECT_THAT(svg, HasSubstr("P = 9 s"));
  EXPECT_THAT(svg, HasSubstr("<circle cx=\"166.0\" cy=\"214.0\""));  // 56 + 440 / 4, 64 + 300 / 2
  EXPECT_EQ(svg.find("<circle"), svg.rfind("<circle"));              // the other is beyond the axis
}

TEST(Picture, of_nothing_is_still_a_picture) {
  EXPECT_THAT(draw("empty", {{.title = "t", .axis = "a", .value_max = 1, .series = {{.name = "none"}}}}),
              Not(HasSubstr("stroke-width=\"1.6\"")));
}

}  // namespace
}  // namespace klieg::sim
