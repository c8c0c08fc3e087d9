// klieg testcard: the test card on air.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "broadcaster/test_card_source.h"
#include "cli/commands.h"

namespace klieg::cli {

namespace {

struct TestCardArguments {
  std::string url;
  std::string size = "1280x720", rate = "30", bitrate = "2500k";
  double gop_s = 1, duration_s = 0;
  uint32_t b_frames = 0;
  bool no_audio = false;
};

Duration seconds(double count) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(count)); }

template <class T>
T value_or_exit(Result<T> result) {
  if (result) return *std::move(result);
  fmt::print(stderr, "klieg testcard: {}\n", result.error().message);
  throw CLI::RuntimeError(2);
}

void run(const TestCardArguments& arguments) {
  broadcaster::TestCardOptions options{.url = arguments.url,
                                       .size = value_or_exit(broadcaster::parse_size(arguments.size)),
                                       .rate = value_or_exit(broadcaster::parse_rate(arguments.rate)),
                                       .bits_per_second = value_or_exit(broadcaster::parse_bitrate(arguments.bitrate)),
                                       .gop = seconds(arguments.gop_s),
                                       .b_frames = arguments.b_frames};
  if (arguments.duration_s > 0) options.duration = seconds(arguments.duration_s);
  if (arguments.no_audio) options.sound = broadcaster::Sound::none;
  if (auto outcome = broadcaster::broadcast_test_card(options); !outcome) {
    fmt::print(stderr, "klieg testcard: {}\n", outcome.error().message);
    throw CLI::RuntimeError(1);
  }
}

}  // namespace

void add_testcard_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("testcard", "Publish a moving test card with a clock, a flash and a beep");
  const auto arguments = std::make_shared<TestCardArguments>();
  command->add_option("--to", arguments->url, "rtmp://HOST[:PORT]/live/KEY")->required();
  command->add_option("--size", arguments->size, "WIDTHxHEIGHT")->capture_default_str();
  command->add_option("--rate", arguments->rate, "Frames per second: 30, 29.97, 30000/1001")->capture_default_str();
  command->add_option("--bitrate", arguments->bitrate, "Of the video, in bits per second: 2500k")
      ->capture_default_str();
  command->add_option("--gop-s", arguments->gop_s, "Seconds from key frame to key frame")
      ->check(CLI::Range(0.1, 20.0))
      ->capture_default_str();
  command->add_option("--b-frames", arguments->b_frames, "B-frames between others")
      ->check(CLI::Range(0, 8))
      ->capture_default_str();
  command->add_option("--duration", arguments->duration_s, "Seconds on air; without it, until interrupted")
      ->check(CLI::PositiveNumber);
  command->add_flag("--no-audio", arguments->no_audio, "No sound track");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace klieg::cli
