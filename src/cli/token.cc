// klieg token: links for who may watch a private channel, and taking them back.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "base/time.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/revocations.h"
#include "edge/client.h"
#include "edge/node_token.h"
#include "http/client.h"
#include "net/loop.h"
#include "wire/path_token.h"

namespace klieg::cli {
namespace {

constexpr double hours_max = 24.0 * 366;

constexpr Duration answered_within = 10s;

struct TokenArguments {
  std::string channel, secret, server;
  double hours = 12;
  bool revoke = false;
};

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "klieg token: {}\n", why);
  throw CLI::RuntimeError(2);
}

void print_links(const TokenArguments& arguments, std::string_view secret) {
  const Duration valid =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::ratio<3600>>(arguments.hours));
  const WallTime now = read_wall_clock();
  const std::string token = wire::PathKey(secret).sign(arguments.channel, {.issued = now, .expires = now + valid});
  fmt::print("{0}/t/{1}/@{2}\n{0}/t/{1}/live/{2}/index.m3u8\n", arguments.server, token, arguments.channel);
}

// One answer, and the loop may stop.
class Answered final : public http::ExchangeHandler {
 public:
  explicit Answered(net::Loop& loop) : loop_(loop) {}
  void on_head(const http::ResponseHead& head) override { status = head.status; }
  void on_body(Bytes piece) override { words += piece.text(); }
  void on_end(http::ExchangeEnd) override { loop_.stop(); }

  uint16_t status = 0;
  std::string words;

 private:
  net::Loop& loop_;
};

// All that was given out up to now.
void revoke(const TokenArguments& arguments, const std::string& secret) {
  const auto peer = edge::parse_parent_url(arguments.server);
  if (!peer) give_up("--revoke is told to a server: give --server; " + peer.error().message);
  const WallTime now = read_wall_clock();
  http::Ask ask;
  ask.method = http::Method::post;
  ask.target = revocation_target({arguments.channel, std::nullopt, wire::seconds_of(now)});
  ask.headers.emplace_back(edge::node_header, edge::NodeSecret(secret).token("klieg-token", "POST", ask.target, now));
  ask.head_time_max = answered_within;
  net::Loop loop;
  Metrics metrics;
  Answered answered(loop);
  const auto client = http::Client::make(loop, *peer, {}, metrics);
  const auto exchange = client->ask(std::move(ask), answered);
  loop.run();
  if (answered.status == 0) give_up(fmt::format("{} does not answer", arguments.server));
  if (answered.status != 200)
    give_up(fmt::format("{} answers {}: {}", arguments.server, answered.status, answered.words));
  fmt::print("every link to {} that was given out until now is worth nothing any more\n", arguments.channel);
}

void run(const TokenArguments& arguments) {
  const std::string_view name = arguments.channel;
  // A channel's name is what it is beside a key; the key is not looked at.
  if (auto channel = parse_channel(fmt::format("{}:{}-key", name, name)); !channel) give_up(channel.error().message);
  Config config;
  const std::vector<std::pair<std::string, std::string>> secret{{"KLIEG_NODE_SECRET", arguments.secret}};
  if (auto done = read_environment(config, secret); !done) give_up(done.error().message);
  if (config.node_secret.empty()) give_up("links are signed with the nodes' secret; give --node-secret");
  arguments.revoke ? revoke(arguments, config.node_secret) : print_links(arguments, config.node_secret);
}

}  // namespace

void add_token_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("token", "Print links to a private channel: its page, and for any HLS player");
  const auto arguments = std::make_shared<TokenArguments>();
  command->add_option("NAME", arguments->channel, "The channel, as in --private")->required();
  command->add_option("--node-secret", arguments->secret, "The secret of the nodes that the link is for")
      ->envname("KLIEG_NODE_SECRET");
  command->add_option("--hours", arguments->hours, "How long the link is good for")
      ->check(CLI::Range(1.0 / 3600, hours_max))
      ->capture_default_str();
  command->add_option("--server", arguments->server, "What the link begins with: https://HOST[:PORT]");
  command->add_flag("--revoke", arguments->revoke, "Take back every link that was given out until now; asks --server");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace klieg::cli
