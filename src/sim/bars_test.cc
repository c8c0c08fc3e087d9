#include "sim/bars.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace klieg::sim {
namespace {

using testing::HasSubstr;
using testing::Not;

const Bar ours{.name = "hls", .stretches = {{"chunking", 3}, {"buffer", 7}}};
const Bar theirs{.name = "paper", .whose = Whose::theirs, .stretches = {{"buffer", 6}}};

TEST(Bars, lie_one_stretch_behind_the_other_with_their_sum_at_the_end) {
  const std::string svg = draw("A < B", "seconds", {{.title = "group", .bars = {ours}}}, "note");
  EXPECT_TRUE(svg.starts_with("<svg "));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_THAT(svg, HasSubstr("A &lt; B"));
  // 10 of 10 s on 620 px, from 56 + 250 on.
  EXPECT_THAT(svg, HasSubstr("x=\"306.0\" y=\"104.0\" width=\"186.0\""));
  EXPECT_THAT(svg, HasSubstr("x=\"492.0\" y=\"104.0\" width=\"434.0\""));
  EXPECT_THAT(svg, HasSubstr(">10.00</text>"));
}

TEST(Bars, of_others_are_hatched_and_have_the_colours_of_ours) {
  EXPECT_THAT(draw("t", "s", {{.title = "g", .bars = {ours}}}, ""), Not(HasSubstr("url(#theirs)")));
  const std::string both = draw("t", "s", {{.title = "g", .bars = {ours, theirs}}}, "");
  EXPECT_THAT(both, HasSubstr("url(#theirs)"));
  EXPECT_THAT(both, HasSubstr("width=\"434.0\" height=\"22\" fill=\"#009e73\""));  // 7 s of buffer
  EXPECT_THAT(both, HasSubstr("width=\"372.0\" height=\"22\" fill=\"#009e73\""));  // 6 s of buffer
}

TEST(Bars, write_their_length_only_where_it_has_room) {
  const Bar narrow{.name = "n", .stretches = {{"a", 0.25}, {"b", 9.75}}};
  const std::string svg = draw("t", "s", {{.title = "g", .bars = {narrow}}}, "");
  EXPECT_THAT(svg, HasSubstr(">9.75</text>"));
  EXPECT_THAT(svg, Not(HasSubstr(">0.25</text>")));
}

TEST(Bars, of_nothing_are_still_a_picture) {
  EXPECT_TRUE(draw("empty", "s", {{.title = "g", .bars = {{.name = "none"}}}}, "").ends_with("</svg>\n"));
}

}  // namespace
}  // namespace klieg::sim
