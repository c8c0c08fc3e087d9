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

namespace klieg::cli {

Result<Channel> first_run_channel(const std::string& data_directory) {
  const std::string file_name = data_directory + "/channel";
  if (std::ifstream kept(file_name); kept) {
    std::string line;
    std::getline(kept, line);
    auto channel = parse_channel(line);
    if (!channel) return fail(fmt::format("{}: {}", file_name, channel.error().message));
    return channel;
  }
  std::error_code error;
  std::filesystem::create_directories(data_directory, error);
  Channel channel{"live", random_text(16)};
  const int file = open(file_name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const std::string line = fmt::format("{}:{}\n", channel.name, channel.key);
  const bool written = file >= 0 && write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  const int why = errno;
  if (file >= 0) close(file);
  if (!written) {
    return fail(
        fmt::format("{}: cannot be written ({}); give a writable directory to --data, or a channel with "
                    "--channel NAME:KEY",
                    file_name, std::strerror(why)));
  }
  return channel;
}

std::string random_text(size_t bytes) {
  KLIEG_ASSERT(sodium_init() >= 0, "the system has randomness");
  std::vector<uint8_t> random(bytes);
  randombytes_buf(random.data(), random.size());
  std::string text(sodium_base64_ENCODED_LEN(bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(text.data(), text.size(), random.data(), random.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  text.resize(std::strlen(text.c_str()));
  return text;
}

std::string publish_lines(const Channel& channel, const std::string& rtmp_address, const std::string& http_address) {
  return fmt::format(
      "\n"
      "  Watch       http://{1}/@{2}\n"
      "  OBS         Settings > Stream > Custom\n"
      "              Server      rtmp://{0}/live\n"
      "              Stream Key  {3}\n"
      "  ffmpeg      ffmpeg -re -i FILE -c:v libx264 -preset veryfast -tune zerolatency -g 30 -c:a aac \\\n"
      "                     -f flv rtmp://{0}/live/{3}\n\n",
      rtmp_address, http_address, channel.name, channel.key);
}

}  // namespace klieg::cli
