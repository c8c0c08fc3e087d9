#include "cli/first_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/logging.h"
#include "wire/base64.h"

namespace klieg::cli {
namespace {

// An address of the ready line as it is reached from this machine: 0.0.0.0 is where a server listens, not where one
// connects.
std::string address_in(std::string_view ready_line, std::string_view name) {
  const size_t at = ready_line.find(name);
  if (at == std::string_view::npos) return "(closed)";
  const std::string_view rest = ready_line.substr(at + name.size());
  const std::string address(rest.substr(0, rest.find(' ')));
  const std::string_view port = std::string_view(address).substr(address.rfind(':'));
  return address.starts_with("0.0.0.0:") || address.starts_with("[::]:") || address.starts_with("*:")
             ? fmt::format("localhost{}", port)
             : address;
}

// In a new file, for its owner alone. Returns why not, as errno; 0: it is there.
int write_secret(const std::string& file_name, const std::string& line) {
  const int file = open(file_name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return errno;
  const bool written = write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  const int why = written ? 0 : errno;
  close(file);
  return why;
}

}  // namespace

Result<Channel> first_run_channel(const std::string& data_directory) {
  const std::string file_name = data_directory + "/channel";
  if (std::ifstream kept(file_name); kept) {
    std::string line;
    std::getline(kept, line);
    auto channel = parse_channel(line);
    if (!channel) return fail(fmt::format("{}: {}", file_name, channel.error().message));
    logging::info("no channel was given: the one of the data directory is used, whose key is in this file",
                  {{"channel", channel->name}, {"file", file_name}});
    return channel;
  }
  std::error_code error;
  std::filesystem::create_directories(data_directory, error);
  Channel channel{"live", random_text(16)};
  if (const int why = write_secret(file_name, fmt::format("{}:{}\n", channel.name, channel.key)); why != 0) {
    return fail(
        fmt::format("{}: cannot be written ({}); give a writable directory to --data, or a channel with "
                    "--channel NAME:KEY",
                    file_name, std::strerror(why)));
  }
  logging::info("no channel was given: one was made, whose key is in this file",
                {{"channel", channel.name}, {"file", file_name}});
  return channel;
}

std::string account_lines(const studio::FirstAccount& account) {
  return fmt::format(
      "\n"
      "  Your account, whose password is shown this once:\n"
      "              Name        {}\n"
      "              Password    {}\n",
      account.name, account.password);
}

Result<void> keep_first_account(const std::string& data_directory, const studio::FirstAccount& account) {
  const std::string file_name = data_directory + "/first-account";
  std::error_code ignored;
  std::filesystem::remove(file_name, ignored);  // of a database that is there no more
  if (const int why = write_secret(file_name, fmt::format("{}:{}\n", account.name, account.password)); why != 0) {
    return fail(fmt::format("{}: cannot be written ({})", file_name, std::strerror(why)));
  }
  logging::info("the first account was made, whose password is in this file: log in, and remove it",
                {{"account", account.name}, {"file", file_name}});
  return {};
}

Result<std::string> path_secret_of(const std::string& data_directory) {
  const std::string file_name = data_directory + "/path-secret";
  if (std::ifstream kept(file_name); kept) {
    std::string line;
    std::getline(kept, line);
    if (line.empty())
      return fail(fmt::format("{}: is empty; remove it, and links that were given out are over", file_name));
    return line;
  }
  constexpr size_t secret_bytes = 32;
  std::string secret = random_text(secret_bytes);
  if (const int why = write_secret(file_name, secret + "\n"); why != 0) {
    return fail(fmt::format("{}: cannot be written ({})", file_name, std::strerror(why)));
  }
  return secret;
}

uint64_t random_seed() {
  KLIEG_ASSERT(sodium_init() >= 0, "the system has randomness");
  uint64_t seed = 0;
  randombytes_buf(&seed, sizeof seed);
  return seed;
}

std::string random_text(size_t bytes) {
  KLIEG_ASSERT(sodium_init() >= 0, "the system has randomness");
  std::vector<uint8_t> random(bytes);
  randombytes_buf(random.data(), random.size());
  return wire::base64url(random);
}

std::string publish_lines(const Channel& channel, std::string_view ready_line) {
  const std::string rtmp = address_in(ready_line, " rtmp=");
  const std::string http = address_in(ready_line, " http=");
  return fmt::format(
      "\n"
      "  Watch       http://{1}/@{2}\n"
      "  OBS         Settings > Stream > Service: Custom...\n"
      "              Server      rtmp://{0}/live\n"
      "              Stream Key  {3}\n"
      "              and Settings > Output > Keyframe Interval: 1 s\n"
      "  ffmpeg      ffmpeg -re -i FILE -c:v libx264 -preset veryfast -tune zerolatency -g 30 -pix_fmt yuv420p \\\n"
      "                     -c:a aac -f flv rtmp://{0}/live/{3}\n\n",
      rtmp, http, channel.name, channel.key);
}

std::string address_lines(const Channel& channel, std::string_view ready_line) {
  return fmt::format(
      "\n"
      "  Watch       http://{1}/@{2}\n"
      "  Server      rtmp://{0}/live  (Stream Key: the one given with channel {2})\n",
      address_in(ready_line, " rtmp="), address_in(ready_line, " http="), channel.name);
}

}  // namespace klieg::cli
