// klieg probe: a viewer without a screen, and where the delay of what it sees goes.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "player/client.h"

namespace klieg::cli {

namespace {

using player::Hop;

struct ProbeArguments {
  std::string url;
  player::Tier tier = player::Tier::ll_hls;
  double duration_s = 0;
  std::optional<double> poll_s, prebuffer_s;
  bool json = false;
};

template <class T>
T value_or_exit(Result<T> result, int code) {
  if (result) return *std::move(result);
  fmt::print(stderr, "klieg probe: {}\n", result.error().message);
  throw CLI::RuntimeError(code);
}

std::string seconds_of(std::optional<Duration> duration) {
  return duration ? fmt::format("{:.3f}", to_seconds(*duration)) : "?";
}

template <class Each>
void for_each_hop(Each each) {
  for (size_t i = 0; i < player::hops; ++i) each(static_cast<Hop>(i));
}

// One line a second, on standard error: standard output has the result alone.
void say(const player::ProbeReport& report) {
  std::string line;
  for_each_hop([&](Hop hop) { line += fmt::format("{} {}  ", hop_name(hop), seconds_of(report.breakdown.mean(hop))); });
  fmt::print(stderr, "{}stalls {} ({:.3f} s)\n", line, report.account.stalls, to_seconds(report.account.stalled));
}

void print_table(const player::ProbeReport& report) {
  fmt::print("{:<16}{:>10}{:>10}\n", "seconds", "mean", "p95");
  for_each_hop([&](Hop hop) {
    const auto p95 = report.breakdown.p95(hop);
    fmt::print("{:<16}{:>10}{:>10}\n", hop_name(hop), seconds_of(report.breakdown.mean(hop)),
               p95 ? seconds_of(p95) : "");
  });
  fmt::print("{} pieces, played {:.1f} s, {} stalls of {:.3f} s in all, round trip {:.1f} ms\n",
             report.breakdown.pieces(), to_seconds(report.account.played), report.account.stalls,
             to_seconds(report.account.stalled), 1000 * to_seconds(report.clocks.round_trip));
}

void print_json(const player::ProbeReport& report) {
  nlohmann::json json = {{"pieces", report.breakdown.pieces()},
                         {"played_s", to_seconds(report.account.played)},
                         {"stalls", report.account.stalls},
                         {"stalled_s", to_seconds(report.account.stalled)},
                         {"stall_ratio", report.account.stall_ratio()},
                         {"round_trip_s", to_seconds(report.clocks.round_trip)},
                         {"hops", nlohmann::json::object()}};
  for_each_hop([&](Hop hop) {
    nlohmann::json figures = nlohmann::json::object();
    if (const auto mean = report.breakdown.mean(hop)) figures["mean_s"] = to_seconds(*mean);
    if (const auto p95 = report.breakdown.p95(hop)) figures["p95_s"] = to_seconds(*p95);
    json["hops"][std::string(hop_name(hop))] = figures;
  });
  fmt::print("{}\n", json.dump(2));
}

Duration seconds(double count) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(count)); }

void run(const ProbeArguments& arguments) {
  player::ProbeOptions options{.address = value_or_exit(player::parse_address(arguments.url), 2),
                               .tier = arguments.tier,
                               .duration = seconds(arguments.duration_s)};
  if (arguments.prebuffer_s) options.policy = player::FixedBuffer{seconds(*arguments.prebuffer_s)};
  if (arguments.poll_s) options.poll_every = seconds(*arguments.poll_s);
  const auto quiet = [](const player::ProbeReport&) {};
  auto outcome = arguments.json ? player::probe(options, quiet, print_json) : player::probe(options, say, print_table);
  if (!outcome) {
    fmt::print(stderr, "klieg probe: {}\n", outcome.error().message);
    throw CLI::RuntimeError(1);
  }
}

}  // namespace

void add_probe_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("probe", "Watch without a screen, and say where the delay goes");
  const auto arguments = std::make_shared<ProbeArguments>();
  command->add_option("url", arguments->url, "http://HOST:8080/live/NAME/index.m3u8, or https://")->required();
  const std::map<std::string, player::Tier> tiers = {{"ll-hls", player::Tier::ll_hls}, {"hls", player::Tier::hls}};
  command->add_option("--tier", arguments->tier, "How to watch: ll-hls or hls")
      ->transform(CLI::CheckedTransformer(tiers))
      ->default_str("ll-hls");
  command->add_option("--duration", arguments->duration_s, "Seconds; without it, until the broadcast is over")
      ->check(CLI::PositiveNumber);
  command->add_option("--poll", arguments->poll_s, "hls: seconds from poll to poll; without it, as HLS wants it")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--prebuffer", arguments->prebuffer_s,
                   "Play once so many seconds are in hand; without it, as little behind as the network allows")
      ->check(CLI::NonNegativeNumber);
  command->add_flag("--json", arguments->json, "The result as JSON, and nothing while it lasts");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace klieg::cli
