// What the commands that serve have in common: their settings as flags, the ready line, signals, draining.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "cli/config.h"
#include "cli/process.h"

namespace CLI {
class App;
}

namespace klieg::cli {

class RunningServer {
 public:
  virtual ~RunningServer() = default;
  virtual Result<std::string> start() = 0;  // the ready line
  // What a person has to be told now, and never again. Nothing: "".
  virtual std::string told_once() const { return ""; }
  virtual void reload_certificates() = 0;
  virtual Drained drain(Duration time_max) = 0;
};

struct ServerCommand {
  Command command;
  std::string name;
  std::string help;
  // Completes the settings. Null: nothing is to be completed.
  Result<void> (*complete)(Config&) = nullptr;
  std::unique_ptr<RunningServer> (*make)(const Config&) = nullptr;
  // What to tell the person who started it, once it is ready, on standard error where logs are text. Null: nothing.
  std::string (*advice)(const Config&, const std::string& ready_line) = nullptr;
};

void add_server_command(CLI::App& app, const ServerCommand& command);

}  // namespace klieg::cli
