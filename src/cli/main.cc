// The program: one binary, one file per command.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/config.h"

namespace {

constexpr int exit_wrong_usage = 2;

// What was typed and nobody knows, with what was meant, perhaps. Empty: something else is wrong.
std::string unknown_words(const CLI::App& app) {
  const auto unknown = app.remaining(true);
  if (unknown.empty()) return "";
  std::vector<std::string> known;
  const auto commands = app.get_subcommands();
  if (commands.empty()) {
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
      known.push_back(command->get_name());
    }
  } else {
    for (const CLI::Option* option : commands.front()->get_options()) {
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    }
  }
  const auto flag = std::ranges::find_if(unknown, [](const std::string& word) { return word.starts_with("-"); });
  const std::string& word = flag == unknown.end() ? unknown.front() : *flag;
  if (!commands.empty() && !word.starts_with("-")) return fmt::format("'{}' is a word too many", word);
  const std::string near = klieg::cli::nearest(word, known);
  return fmt::format("'{}' is no {}{}", word, word.starts_with("-") ? "option" : "command",
                     near.empty() ? "" : fmt::format("; did you mean '{}'?", near));
}

// CLI11 names neither a command that it does not know nor what comes near a flag.
int refuse(const CLI::App& app, const CLI::ParseError& error) {
  const auto commands = app.get_subcommands();
  const std::string name = commands.empty() ? "klieg" : "klieg " + commands.front()->get_name();
  const std::string unknown = unknown_words(app);
  fmt::print(stderr, "{}: {}\n{} --help says what there is.\n", name, unknown.empty() ? error.what() : unknown, name);
  return exit_wrong_usage;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Klieg: personal livestreaming. One person goes live, anyone watches a second behind.", "klieg");
  app.require_subcommand(1);
  app.set_version_flag("--version", KLIEG_VERSION);
  klieg::cli::add_serve_command(app);
  klieg::cli::add_edge_command(app);
  klieg::cli::add_testcard_command(app);
  klieg::cli::add_publish_command(app);
  klieg::cli::add_sim_command(app);
  klieg::cli::add_probe_command(app);
  klieg::cli::add_migrate_command(app);
  klieg::cli::add_token_command(app);
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::RuntimeError& ended) {  // by a command, which has said why
    return ended.get_exit_code();
  } catch (const CLI::Success& wish) {  // for help or the version
    return app.exit(wish);
  } catch (const CLI::ParseError& error) {
    return refuse(app, error);
  }
}
