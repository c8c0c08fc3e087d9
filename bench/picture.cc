// Draws what `./dev bench` measured, as `klieg sim` draws (src/sim/): a description as JSON in, a picture as SVG out.
//
//   bench_picture < {"title": "...", "note": "...", and one of
//     "axis": "seconds", "groups": [{"title": "...", "bars": [
//         {"name": "...", "theirs": false, "stretches": [{"name": "...", "length": 1.5}]}]}]
//     "plots": [{"title": "...", "x_axis": "...", "y_unit": "%", "x_max": 500, "y_max": 100, "x_steps": 5, "trails": [
//         {"name": "...", "colour": 0, "theirs": false, "spots": [[100, 25.5]]}]}]}
#include <cstdio>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sim/bars.h"
#include "sim/plot.h"

namespace {

using nlohmann::json;
using namespace klieg::sim;

Whose whose(const json& given) { return given.at("theirs").get<bool>() ? Whose::theirs : Whose::ours; }

BarGroup group(const json& given) {
  BarGroup group{.title = given.at("title")};
  for (const json& each : given.at("bars")) {
    Bar& bar = group.bars.emplace_back(Bar{.name = each.at("name"), .whose = whose(each)});
    for (const json& part : each.at("stretches")) bar.stretches.push_back({part.at("name"), part.at("length")});
  }
  return group;
}

Plot plot(const json& given) {
  Plot plot{.title = given.at("title"),
            .x_axis = given.at("x_axis"),
            .y_unit = given.at("y_unit"),
            .x_max = given.at("x_max"),
            .y_max = given.at("y_max"),
            .x_steps = given.at("x_steps")};
  for (const json& each : given.at("trails")) {
    Trail& trail =
        plot.trails.emplace_back(Trail{.name = each.at("name"), .colour = each.at("colour"), .whose = whose(each)});
    for (const json& spot : each.at("spots")) trail.spots.push_back({spot.at(0), spot.at(1)});
  }
  return plot;
}

std::string drawn(const json& given) {
  const std::string title = given.at("title"), note = given.at("note");
  if (given.contains("groups")) {
    std::vector<BarGroup> groups;
    for (const json& each : given.at("groups")) groups.push_back(group(each));
    return draw(title, given.at("axis"), groups, note);
  }
  std::vector<Plot> plots;
  for (const json& each : given.at("plots")) plots.push_back(plot(each));
  return draw(title, plots, note);
}

}  // namespace

int main() {
  try {
    std::fputs(drawn(json::parse(std::cin)).c_str(), stdout);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_picture: %s\n", error.what());
    return 1;
  }
}
