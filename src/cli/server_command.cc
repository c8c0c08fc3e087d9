#include "cli/server_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <list>
#include <utility>

#include "base/logging.h"

extern char** environ;

namespace klieg::cli {
namespace {

// Of the five seconds in which the process is to be gone: the rest is for threads to end and memory to be given back.
constexpr Duration drain_time_max = 4s;

struct Flags {
  std::string config_file;
  std::list<std::pair<const Setting*, std::vector<std::string>>> given;  // list: CLI11 keeps addresses of the vectors
};

Result<std::string> read_file(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  file.peek();  // a folder can be opened
  if (!file.is_open() || file.bad()) {
    return fail(fmt::format("{}: cannot be read; give an existing file to --config", name));
  }
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<Config> read_settings(const Flags& flags, Command command) {
  Config config;
  if (!flags.config_file.empty()) {
    auto document = read_file(flags.config_file);
    if (!document) return std::unexpected(document.error());
    if (auto done = read_toml(config, *document, flags.config_file); !done) return std::unexpected(done.error());
  }
  std::vector<std::pair<std::string, std::string>> variables;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    variables.emplace_back(text.substr(0, equals), equals == text.npos ? "" : text.substr(equals + 1));
  }
  if (auto done = read_environment(config, variables); !done) return std::unexpected(done.error());
  for (const auto& [setting, texts] : flags.given) {
    for (const std::string& text : texts) {
      if (auto done = setting->set(config, text); !done) {
        const std::string name = setting->short_flag.empty() ? flag_name(*setting) : std::string(setting->short_flag);
        return fail(fmt::format("{}: {}", name, done.error().message));
      }
    }
  }
  if (auto done = validate(config, command); !done) return std::unexpected(done.error());
  return config;
}

// Viewers are sockets: take what the system allows. And take the room for them at once: the kernel doubles the table of
// descriptors when it is full, and where threads share it, whoever opened one too many waits until no core may still
// look at the old one: 5 to 16 ms in which a loop serves nobody, at the 512th viewer and each doubling. While there is
// one thread, as now, it does not wait. 8 bytes a descriptor: 2 MiB at the most; more than that grow by the waits.
void make_room_for_open_files() {
  constexpr rlim_t room_max = 1 << 18;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  const int last = static_cast<int>(std::min(limit.rlim_cur, room_max)) - 1;
  if (const int descriptor = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, last); descriptor >= 0) close(descriptor);
}

// Signals are taken by the main thread alone, synchronously: no handler runs in the middle of anything.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

[[noreturn]] void give_up(const ServerCommand& command, const Error& error, int exit_code) {
  fmt::print(stderr, "klieg {}: {}\n", command.name, error.message);
  throw CLI::RuntimeError(exit_code);
}

void run(const ServerCommand& command, const Flags& flags) {
  auto config = read_settings(flags, command.command);
  if (!config) give_up(command, config.error(), 2);
  logging::configure(config->log_level, config->log_format);
  if (command.complete) {
    if (auto done = command.complete(*config); !done) give_up(command, done.error(), 1);
  }
  make_room_for_open_files();
  const sigset_t signals = block_signals();

  const std::unique_ptr<RunningServer> server = command.make(*config);
  auto ready = server->start();
  if (ready) fmt::print("{}\n", *ready);
  std::fflush(stdout);
  // It is for a person, and would be no line of JSON. What was made stays made, also if no door could be opened.
  const bool to_a_person = config->log_format == logging::Format::text;
  if (to_a_person) fmt::print(stderr, "{}", server->told_once());
  if (!ready) give_up(command, ready.error(), 1);
  if (command.advice && to_a_person) fmt::print(stderr, "{}", command.advice(*config, *ready));

  for (int signal = 0; sigwait(&signals, &signal) == 0 && signal == SIGHUP;) server->reload_certificates();
  logging::info("draining", {{"seconds_max", to_seconds(drain_time_max)}});
  const Drained how = server->drain(drain_time_max);
  logging::info("stopped", {{"drained", how == Drained::completely ? "completely" : "out of time"}});
}

}  // namespace

void add_server_command(CLI::App& app, const ServerCommand& command) {
  CLI::App* parser = app.add_subcommand(command.name, command.help);
  auto flags = std::make_shared<Flags>();
  parser->add_option("--config", flags->config_file, "a TOML file of settings")->envname("KLIEG_CONFIG");
  for (const Setting& setting : settings()) {
    if (!setting.is_of(command.command)) continue;
    auto& [_, texts] = flags->given.emplace_back(&setting, std::vector<std::string>());
    std::string names = flag_name(setting);
    if (!setting.short_flag.empty() && setting.short_flag != names) {
      names = fmt::format("{},{}", setting.short_flag, names);
    }
    parser->add_option(names, texts, fmt::format("{} [{}, {}]", setting.help, setting.name, environment_name(setting)))
        ->type_name(std::string(setting.value))
        ->expected(1)
        ->take_all()
        ->allow_extra_args(false)
        ->group("Settings");
  }
  parser->callback([command, flags] { run(command, *flags); });
}

}  // namespace klieg::cli
