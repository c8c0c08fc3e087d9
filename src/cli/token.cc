// klieg token: a link for who may watch a private channel.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "wire/path_token.h"

namespace klieg::cli {
namespace {

constexpr double hours_max = 24.0 * 366;

struct TokenArguments {
  std::string channel, secret, server;
  double hours = 12;
};

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "klieg token: {}\n", why);
  throw CLI::RuntimeError(2);
}

void run(const TokenArguments& arguments) {
  const std::string_view name = arguments.channel;
  // A channel's name is what it is beside a key; the key is not looked at.
  if (auto channel = parse_channel(fmt::format("{}:{}-key", name, name)); !channel) give_up(channel.error().message);
  Config config;
  const std::vector<std::pair<std::string, std::string>> secret{{"KLIEG_NODE_SECRET", arguments.secret}};
  if (auto done = read_environment(config, secret); !done) give_up(done.error().message);
  if (config.node_secret.empty()) give_up("links are signed with the nodes' secret; give --node-secret");
  const Duration valid =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::ratio<3600>>(arguments.hours));
  const std::string token = wire::PathKey(config.node_secret).sign(name, 0, read_wall_clock() + valid);
  fmt::print("{}/t/{}/live/{}/index.m3u8\n", arguments.server, token, name);
}

}  // namespace

void add_token_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("token", "Print a link to a private channel, for any HLS player");
  const auto arguments = std::make_shared<TokenArguments>();
  command->add_option("NAME", arguments->channel, "The channel, as in --private")->required();
  command->add_option("--node-secret", arguments->secret, "The secret of the nodes that the link is for")
      ->envname("KLIEG_NODE_SECRET");
  command->add_option("--hours", arguments->hours, "How long the link is good for")
      ->check(CLI::Range(1.0 / 3600, hours_max))
      ->capture_default_str();
  command->add_option("--server", arguments->server, "What the link begins with: https://HOST[:PORT]");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace klieg::cli
