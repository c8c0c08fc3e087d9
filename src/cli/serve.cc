#include <CLI/CLI.hpp>
#include <memory>

#include "base/logging.h"
#include "cli/commands.h"
#include "cli/first_run.h"
#include "cli/node.h"
#include "cli/server_command.h"
#include "cli/world.h"

namespace klieg::cli {
namespace {

constexpr size_t guessable_key_size = 8;

Result<void> complete(Config& config) {
  config.node_name = node_name_of(config);
  if (config.sign_up == SignUp::unsaid) config.sign_up = config.channels.empty() ? SignUp::closed : SignUp::off;
  const bool alone = config.bus_nats.empty();
  if (!config.asks_database()) config.sign_up = SignUp::off;  // whose accounts there are, other nodes know
  if (config.channels.empty() && alone) {
    auto channel = first_run_channel(config.data);
    if (!channel) return std::unexpected(channel.error());
    config.own_channel = config.channels.emplace_back(std::move(*channel));
  }
  for (const Channel& channel : config.channels) {
    if (channel.key.size() < guessable_key_size) {
      logging::warning("a stream key is short enough to be guessed; make one: openssl rand -hex 16",
                       {{"channel", channel.name}});
    }
  }
  return {};
}

constexpr size_t channels_told_max = 5;  // more would only hide the log

std::string advice(const Config& config, const std::string& ready_line) {
  if (config.own_channel) return publish_lines(*config.own_channel, ready_line);
  if (config.channels.size() > channels_told_max) return "";
  std::string lines;
  for (const Channel& channel : config.channels) {
    // Who watches a private one has a link, and no page.
    if (!config.is_private(channel.name)) lines += address_lines(channel, ready_line);
  }
  return lines + "\n";
}

}  // namespace

void add_serve_command(CLI::App& app) {
  add_server_command(
      app,
      {.command = Command::serve,
       .name = "serve",
       .help = "everything: ingest, packaging, playback, pages; on one machine, or with others (--bus)",
       .complete = complete,
       .make = [](const Config& config) -> std::unique_ptr<RunningServer> { return std::make_unique<World>(config); },
       .advice = advice});
}

}  // namespace klieg::cli
