// klieg sim: the player's and the polls' deciders in virtual time, beside the figures of the Periscope paper.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "cli/commands.h"
#include "sim/periscope.h"
#include "sim/picture.h"
#include "sim/study.h"
#include "sim/uplink.h"

namespace klieg::cli {

namespace {

namespace fs = std::filesystem;
using sim::Curve;

struct SimArguments {
  uint64_t seed = 1;
  uint32_t broadcasts = 1000;
  std::string traces, uplink, json, svg;
  double load = 0.5;
};

constexpr size_t file_size_max = size_t{256} << 20;  // ten days of frames, as multilive writes them
constexpr Duration mahimahi_broadcast = std::chrono::seconds(300);

[[noreturn]] void exit_with(int code, const std::string& why) {
  fmt::print(stderr, "klieg sim: {}\n", why);
  throw CLI::RuntimeError(code);
}

// A pipe too: traces come in archives.
std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) exit_with(1, fmt::format("{}: cannot be read", path));
  std::string content;
  std::array<char, 65536> piece{};
  while (file.read(piece.data(), piece.size()), file.gcount() > 0) {
    content.append(piece.data(), static_cast<size_t>(file.gcount()));
    if (content.size() > file_size_max) exit_with(1, fmt::format("{}: larger than {} MB", path, file_size_max >> 20));
  }
  return content;
}

void write_file(const std::string& path, const std::string& content) {
  if (path.empty()) return;
  std::ofstream file(path, std::ios::binary);
  file << content;
  if (!file.flush()) exit_with(1, fmt::format("{}: cannot be written", path));
}

std::vector<sim::Uplink> uplinks(const SimArguments& arguments) {
  Result<std::vector<sim::Uplink>> read = std::vector<sim::Uplink>();
  if (!arguments.traces.empty()) {
    read = sim::read_multilive(read_file(arguments.traces));
  } else if (!arguments.uplink.empty()) {
    read = sim::read_mahimahi(fs::path(arguments.uplink).stem().string(), read_file(arguments.uplink), arguments.load,
                              mahimahi_broadcast);
  } else {
    Random random(arguments.seed);
    for (uint32_t i = 0; i < arguments.broadcasts; ++i) read->push_back(sim::made_up_uplink(random));
  }
  if (!read) {
    exit_with(
        1, fmt::format("{}: {}", arguments.traces.empty() ? arguments.uplink : arguments.traces, read.error().message));
  }
  return *std::move(read);
}

std::string what(const SimArguments& arguments, size_t count) {
  if (!arguments.traces.empty()) return fmt::format("{} broadcasts of {}", count, arguments.traces);
  if (!arguments.uplink.empty()) {
    return fmt::format("{} broadcasts over {} at {} of what it carries", count, arguments.uplink, arguments.load);
  }
  return fmt::format("{} made-up broadcasts, seed {}", count, arguments.seed);
}

constexpr std::array<double, 5> shown_shares = {0.05, 0.5, 0.75, 0.9, 0.95};

nlohmann::json json_of(const Curve& curve) {
  nlohmann::json json = {{"mean", curve.mean()}};
  for (const double share : {0.05, 0.25, 0.5, 0.75, 0.9, 0.95}) {
    if (const auto value = curve.value(share)) json[fmt::format("p{:.0f}", 100 * share)] = *value;
  }
  return json;
}

// "0.41", or "-" where the curve does not reach so far.
std::string cells(const Curve& curve, double scale, int digits) {
  std::string out;
  for (const double share : shown_shares) {
    const auto value = curve.value(share);
    out += value ? fmt::format("{:>8.{}f}", *value * scale, digits) : fmt::format("{:>8}", "-");
  }
  return out;
}

void print_head(const char* what) {
  fmt::print("\n{:<32}{:>8}{:>8}{:>8}{:>8}{:>8}\n", what, "p5", "p50", "p75", "p90", "p95");
}

void print_row(const std::string& name, const Curve& ours, std::span<const sim::Point> theirs, double scale,
               int digits) {
  fmt::print("{:<32}{}\n", name, cells(ours, scale, digits));
  if (!theirs.empty()) fmt::print("{:<32}{}\n", "    the paper", cells(Curve(theirs), scale, digits));
}

void polling(const SimArguments& arguments) {
  const auto given = uplinks(arguments);
  const auto results = sim::study_polling(given, Random(arguments.seed));
  const std::string of = what(arguments, given.size());
  fmt::print("{}\n", of);
  const auto figures = sim::periscope::polling();
  print_head("mean polling delay, s");
  for (size_t i = 0; i < results.size(); ++i) {
    print_row(fmt::format("every {} s", results[i].interval_s), results[i].mean_s, figures[i].mean_s, 1, 2);
  }
  print_head("its standard deviation, s");
  for (size_t i = 0; i < results.size(); ++i) {
    print_row(fmt::format("every {} s", results[i].interval_s), results[i].deviation_s, figures[i].deviation_s, 1, 2);
  }

  sim::Panel means{
      .title = "Mean of a broadcast (Figure 12)", .axis = "polling delay, s", .value_max = 4, .series = {}};
  sim::Panel deviations{
      .title = "Standard deviation (Figure 13)", .axis = "of the polling delay, s", .value_max = 2, .series = {}};
  nlohmann::json json = {{"of", of}, {"intervals", nlohmann::json::array()}};
  for (size_t i = 0; i < results.size(); ++i) {
    const std::string name = fmt::format("every {} s", results[i].interval_s);
    means.series.push_back({name, results[i].mean_s, Curve(figures[i].mean_s), sim::Emphasis::none});
    deviations.series.push_back({name, results[i].deviation_s, Curve(figures[i].deviation_s), sim::Emphasis::none});
    json["intervals"].push_back({{"interval_s", results[i].interval_s},
                                 {"mean_s", json_of(results[i].mean_s)},
                                 {"deviation_s", json_of(results[i].deviation_s)}});
  }
  write_file(arguments.json, json.dump(2) + "\n");
  write_file(arguments.svg, sim::draw("What polling costs: " + of, {means, deviations}));
}

struct RoadWords {
  sim::Road road;
  const char* name;
  const char* id;
  std::span<const sim::periscope::BufferFigure> figures;  // of its fixed policies, which come first
};

std::array<RoadWords, 3> roads() {
  return {{{sim::Road::pushed_frames, "frames, pushed (RTMP)", "pushed_frames", sim::periscope::rtmp_buffer()},
           {sim::Road::polled_segments, "3 s segments, polled (HLS)", "polled_segments", sim::periscope::hls_buffer()},
           {sim::Road::held_parts, "200 ms parts, held (LL-HLS)", "held_parts", {}}}};
}

void buffer(const SimArguments& arguments) {
  const auto given = uplinks(arguments);
  const auto results = sim::study_buffers(given, Random(arguments.seed));
  const std::string of = what(arguments, given.size());
  fmt::print("{}\n", of);
  nlohmann::json json = {{"of", of}, {"roads", nlohmann::json::object()}};
  std::vector<sim::Panel> panels;
  for (const RoadWords& road : roads()) {
    sim::Panel stalls{
        .title = fmt::format("Stalls: {}", road.name), .axis = "of the time, %", .value_max = 10, .series = {}};
    sim::Panel delays{.title = fmt::format("Delay: {}", road.name),
                      .axis = "from arrival to screen, s",
                      .value_max = road.road == sim::Road::polled_segments ? 12.0 : 4.0,
                      .series = {}};
    const auto figure = [&](size_t i) { return i < road.figures.size() ? &road.figures[i] : nullptr; };
    size_t i = 0;
    print_head(fmt::format("{}: stalls, %", road.name).c_str());
    for (const auto& result : results) {
      if (result.road != road.road) continue;
      const auto* theirs = figure(i++);
      const std::span<const sim::Point> points = theirs ? theirs->stall_ratio : std::span<const sim::Point>();
      print_row(result.policy, result.stall_ratio, points, 100, 2);
    }
    print_head("buffering delay, s");
    i = 0;
    for (const auto& result : results) {
      if (result.road != road.road) continue;
      const auto* theirs = figure(i++);
      print_row(result.policy, result.buffering_s, theirs ? theirs->buffering_s : std::span<const sim::Point>(), 1, 2);
      const auto emphasis = theirs ? sim::Emphasis::none : sim::Emphasis::ours;
      const auto percent = [](std::span<const sim::Point> points) {
        std::vector<sim::Point> scaled(points.begin(), points.end());
        for (sim::Point& point : scaled) point.value *= 100;
        return Curve(scaled);
      };
      stalls.series.push_back({result.policy, percent(result.stall_ratio.points()),
                               theirs ? percent(theirs->stall_ratio) : Curve({}), emphasis});
      delays.series.push_back(
          {result.policy, result.buffering_s, theirs ? Curve(theirs->buffering_s) : Curve({}), emphasis});
      json["roads"][road.id].push_back({{"policy", result.policy},
                                        {"stall_ratio", json_of(result.stall_ratio)},
                                        {"without_stall", result.stall_ratio.share(0)},
                                        {"buffering_s", json_of(result.buffering_s)}});
    }
    if (road.road != sim::Road::polled_segments) continue;  // the picture is of the paper's Figure 17
    panels.push_back(std::move(stalls));
    panels.push_back(std::move(delays));
  }
  write_file(arguments.json, json.dump(2) + "\n");
  write_file(arguments.svg, sim::draw("What a buffer costs and saves: " + of, panels));
}

void add_study(CLI::App& parent, const char* name, const char* says, void (*run)(const SimArguments&)) {
  CLI::App* command = parent.add_subcommand(name, says);
  const auto arguments = std::make_shared<SimArguments>();
  command->add_option("--seed", arguments->seed, "Of everything that is drawn")->capture_default_str();
  command->add_option("--broadcasts", arguments->broadcasts, "How many are made up")
      ->check(CLI::Range(10, 100'000))
      ->capture_default_str();
  auto* traces =
      command->add_option("--traces", arguments->traces,
                          "Instead, those of a file of the multilive set: MILLISECONDS SIZE KEY KBPS a frame");
  command->add_option("--uplink", arguments->uplink, "Instead, over an uplink of the mahimahi set: a line per packet")
      ->excludes(traces);
  command->add_option("--load", arguments->load, "With --uplink: bit rate by what the uplink carries")
      ->check(CLI::Range(0.01, 1.0))
      ->capture_default_str();
  command->add_option("--json", arguments->json, "Write the figures to this file");
  command->add_option("--svg", arguments->svg, "Draw the curves beside the paper's into this file");
  command->callback([arguments, run] { run(*arguments); });
}

}  // namespace

void add_sim_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("sim", "Deciders in virtual time, beside the Periscope paper's figures");
  command->require_subcommand(1);
  add_study(*command, "polling", "What polling for segments costs (Figures 12 and 13)", polling);
  add_study(*command, "buffer", "What a player's buffer costs and saves (Figures 16 and 17)", buffer);
}

}  // namespace klieg::cli
