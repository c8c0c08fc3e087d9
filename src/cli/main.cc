// The program: one binary, one file per command.
#include <CLI/CLI.hpp>
#include <string>

#include "cli/commands.h"

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
  CLI11_PARSE(app, argc, argv);
  return 0;
}
