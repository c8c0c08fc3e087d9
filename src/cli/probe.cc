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
  std::string tier;  // empty: what the address looks like
  std::optional<double> poll_s, prebuffer_s;
  std::string manifest_url;
  double duration_s = 0;
  bool json = false;
};

constexpr int exit_nothing_to_see = 1, exit_wrong_arguments = 2;

[[noreturn]] void exit_with(const Error& error, int code) {
  fmt::print(stderr, "klieg probe: {}\n", error.message);
  throw CLI::RuntimeError(code);
}

const std::map<std::string, player::Tier> tiers = {{"push", player::Tier::push},
                                                   {"ll-hls", player::Tier::ll_hls},
                                                   {"ll-dash", player::Tier::ll_dash},
                                                   {"dash", player::Tier::dash},
                                                   {"hls", player::Tier::hls}};

player::Address address_of(const std::string& url) {
  auto address = player::parse_address(url);
  if (!address) exit_with(address.error(), exit_wrong_arguments);
  // The page's, which is what people have at hand.
  if (address->path.starts_with("/@")) address->path = "/live/" + address->path.substr(2) + "/index.m3u8";
  return *std::move(address);
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
  if (report.behind) json["behind_s"] = to_seconds(*report.behind);
  for_each_hop([&](Hop hop) {
    nlohmann::json figures = nlohmann::json::object();
    if (const auto mean = report.breakdown.mean(hop)) figures["mean_s"] = to_seconds(*mean);
    if (const auto p95 = report.breakdown.p95(hop)) figures["p95_s"] = to_seconds(*p95);
    json["hops"][std::string(hop_name(hop))] = figures;
  });
  fmt::print("{}\n", json.dump(2));
}

Duration seconds(double count) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(count)); }

// What the address looks like, where nothing was said.
player::Tier tier_of(const player::Address& address) {
  const std::string_view path = std::string_view(address.path).substr(0, address.path.find('?'));
  if (address.scheme == player::Scheme::rtmp || path.ends_with("/push")) return player::Tier::push;
  return path.ends_with(".mpd") ? player::Tier::ll_dash : player::Tier::ll_hls;
}

// The tier's own, beside whichever of the broadcast was given.
player::Address address_in(player::Tier tier, const player::Address& given) {
  const std::string_view path = std::string_view(given.path).substr(0, given.path.find('?'));
  const bool of_hls = path.ends_with(".m3u8"), of_dash = path.ends_with(".mpd"), of_push = path.ends_with("/push");
  switch (tier) {
    case player::Tier::push:
      return given.scheme == player::Scheme::rtmp || of_push ? given : given.beside("push");
    case player::Tier::ll_dash:
    case player::Tier::dash:
      return of_hls || of_push ? given.beside("manifest.mpd") : given;
    case player::Tier::ll_hls:
    case player::Tier::hls:
      return of_dash || of_push ? given.beside("index.m3u8") : given;
  }
  return given;
}

player::ProbeOptions options_of(const ProbeArguments& arguments) {
  player::ProbeOptions options{.address = address_of(arguments.url), .duration = seconds(arguments.duration_s)};
  options.tier = arguments.tier.empty() ? tier_of(options.address) : tiers.at(arguments.tier);
  if (options.address.scheme == player::Scheme::rtmp && options.tier != player::Tier::push) {
    exit_with({"RTMP has one tier, push"}, exit_wrong_arguments);
  }
  options.address = address_in(options.tier, options.address);
  if (!arguments.manifest_url.empty()) options.manifest = address_of(arguments.manifest_url);
  if (arguments.prebuffer_s) options.policy = player::FixedBuffer{seconds(*arguments.prebuffer_s)};
  if (arguments.poll_s) options.poll_every = seconds(*arguments.poll_s);
  return options;
}

void run(const ProbeArguments& arguments) {
  const player::ProbeOptions options = options_of(arguments);
  const auto quiet = [](const player::ProbeReport&) {};
  auto outcome = arguments.json ? player::probe(options, quiet, print_json) : player::probe(options, say, print_table);
  if (outcome) return;
  const bool guessed = options.address.scheme == player::Scheme::rtmp && !options.manifest;
  const std::string advice = guessed ? fmt::format(
                                           "; the server's clock is asked for at {}: where HTTP is on another "
                                           "port, say --manifest http://HOST:PORT/live/NAME/manifest.mpd",
                                           player::manifest_of(options.address).peer.authority)
                                     : "";
  exit_with({outcome.error().message + advice}, exit_nothing_to_see);
}

}  // namespace

void add_probe_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("probe", "Watch without a screen, and say where the delay goes");
  const auto arguments = std::make_shared<ProbeArguments>();
  command
      ->add_option("url", arguments->url,
                   "http://HOST:8080/@NAME or /live/NAME/index.m3u8 there, or rtmp://HOST/live/NAME; or with TLS")
      ->required();
  command->add_option("--tier", arguments->tier, "Without it, what the address looks like")
      ->check(CLI::IsMember({"push", "ll-hls", "ll-dash", "dash", "hls"}));
  command
      ->add_option("--poll", arguments->poll_s,
                   "Of playlists: seconds from poll to poll; without it, as HLS and DASH want it")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--prebuffer", arguments->prebuffer_s,
                   "Play once so many seconds are in hand; without it, as little behind as the network allows")
      ->check(CLI::NonNegativeNumber);
  command->add_option(
      "--manifest", arguments->manifest_url,
      "Of rtmp://: the broadcast's manifest.mpd, for the server's clock and dates; else on port 8080 there");
  command->add_option("--duration", arguments->duration_s, "Seconds; without it, until the broadcast is over")
      ->check(CLI::PositiveNumber);
  command->add_flag("--json", arguments->json, "The result as JSON, and nothing while it lasts");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace klieg::cli
