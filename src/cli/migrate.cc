// klieg migrate: a database brought to the schema of this program, before the servers that use it are started.
#include "store/migrate.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "base/time.h"
#include "cli/commands.h"
#include "cli/first_run.h"
#include "store/open.h"

namespace klieg::cli {
namespace {

template <class T>
T value_or_exit(store::Outcome<T> outcome) {
  if (outcome) return std::move(*outcome);
  fmt::print(stderr, "klieg migrate: {}\n", outcome.error().message);
  throw CLI::RuntimeError(1);
}

void run(const std::string& name) {
  const auto database = value_or_exit(store::open(name, random_seed()));
  if (auto reached = database->reach(); !reached) {
    fmt::print(stderr, "klieg migrate: {}: {}\n", store::without_password(name), reached.error().message);
    throw CLI::RuntimeError(1);
  }
  const size_t applied = value_or_exit(store::migrate(*database, read_wall_clock()));
  const std::string done = applied == 0 ? "nothing was missing" : fmt::format("{} migration(s) applied", applied);
  fmt::print("{}: {}; the schema is number {}\n", store::without_password(name), done,
             store::migrations().back().version);
}

}  // namespace

void add_migrate_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("migrate", "Bring a database to the schema of this program");
  const auto name = std::make_shared<std::string>("klieg-data/klieg.db");
  command->add_option("database", *name, "postgresql://USER@HOST/NAME, or a file")->capture_default_str();
  command->callback([name] { run(*name); });
}

}  // namespace klieg::cli
