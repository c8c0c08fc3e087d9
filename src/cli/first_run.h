// The first start without a channel: one is made, kept, and explained.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/config.h"
#include "studio/worker_accounts.h"

namespace klieg::cli {

// The channel kept in DIR/channel, made with a random key if there is none yet (readable by its owner only).
// Which of the two, and where, is logged.
Result<Channel> first_run_channel(const std::string& data_directory);

// The operator's account, made at the first start with accounts. As lines for who started it; or in DIR/first-account
// (readable by its owner only), where logs are no place for a password.
constexpr std::string_view first_account_name = "operator";
std::string account_lines(const studio::FirstAccount& account);
Result<void> keep_first_account(const std::string& data_directory, const studio::FirstAccount& account);

// With what tokens for guests are signed where no nodes share a secret: in DIR/path-secret (readable by its owner
// only), made when it is needed first, so that links outlive a restart.
Result<std::string> path_secret_of(const std::string& data_directory);

// Random, URL-safe text of `bytes` random bytes, from the system's generator: keys and broadcast ids.
std::string random_text(size_t bytes);
uint64_t random_seed();  // for choices that need to be spread, not secret (base/random.h)

// What the channel's owner has to type into an encoder and a browser on this machine, from the ready line.
std::string publish_lines(const Channel& channel, std::string_view ready_line);
// The same for a channel whose key its owner brought: where, and not the key, for standard error ends up in logs.
std::string address_lines(const Channel& channel, std::string_view ready_line);

}  // namespace klieg::cli
