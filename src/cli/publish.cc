// klieg publish: a recording on air, as Enhanced RTMP or as encoders of old would send it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "broadcaster/client.h"
#include "cli/commands.h"

namespace klieg::cli {

namespace {

struct PublishArguments {
  std::string input, url;
  bool realtime = false, loop = false, legacy = false, digest = false, stamp = false, insecure = false;
};

template <class T>
T value_or_exit(Result<T> result, int code) {
  if (result) return *std::move(result);
  fmt::print(stderr, "klieg publish: {}\n", result.error().message);
  throw CLI::RuntimeError(code);
}

void run(const PublishArguments& arguments) {
  using namespace broadcaster;
  PublishOptions options{.url = value_or_exit(RtmpUrl::parse(arguments.url), 2)};
  // A repetition has no end, so it must have a pace.
  options.pace = arguments.realtime || arguments.loop ? Pace::realtime : Pace::at_once;
  options.repeat = arguments.loop ? Repeat::for_ever : Repeat::never;
  options.dialect = arguments.legacy ? Dialect::legacy : Dialect::enhanced;
  if (arguments.digest) options.handshake = wire::rtmp::HandshakeForm::digest;
  if (arguments.stamp) options.stamp = CaptureStamp::at_sending;
  if (arguments.insecure) options.trust = Trust::any_certificate;

  const Bytes file = value_or_exit(read_input(arguments.input), 1);
  auto clip = read_clip(file);
  if (!clip) value_or_exit(Result<Clip>(fail(fmt::format("{}: {}", arguments.input, clip.error().message))), 1);
  if (auto outcome = publish(*clip, options); !outcome) {
    fmt::print(stderr, "klieg publish: {}\n", outcome.error().message);
    throw CLI::RuntimeError(1);
  }
}

}  // namespace

void add_publish_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("publish", "Publish a recording (MP4 or FLV) as Enhanced RTMP");
  const auto arguments = std::make_shared<PublishArguments>();
  command->add_option("file", arguments->input, "MP4 (plain or fragmented) or FLV; - reads standard input")->required();
  command->add_option("--to", arguments->url, "rtmp://HOST[:PORT]/live/KEY, or rtmps://")->required();
  command->add_flag("--realtime", arguments->realtime, "At the recording's own pace; without it, as fast as it goes");
  command->add_flag("--loop", arguments->loop, "Again and again without a step in time; implies --realtime");
  command->add_flag("--legacy", arguments->legacy, "Speak RTMP as before Enhanced RTMP: H.264, HEVC, AAC, MP3 only");
  command->add_flag("--digest", arguments->digest, "Shake hands as Flash did");
  command->add_flag("--stamp", arguments->stamp,
                    "Write the time of sending into each picture, as a camera's stamp (SEI)");
  command->add_flag("--insecure", arguments->insecure, "rtmps: accept any certificate");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace klieg::cli
