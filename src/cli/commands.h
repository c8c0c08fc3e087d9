// The commands of `klieg`, one file each. Each adds its subcommand and options to the parser, with a callback that does
// the work; a callback that fails says why on standard error and throws CLI::RuntimeError with the exit code.
#pragma once

namespace CLI {
class App;
}

namespace klieg::cli {

void add_serve_command(CLI::App& app);     // serve.cc
void add_edge_command(CLI::App& app);      // edge.cc
void add_testcard_command(CLI::App& app);  // testcard.cc
void add_publish_command(CLI::App& app);   // publish.cc
void add_sim_command(CLI::App& app);       // sim.cc
void add_probe_command(CLI::App& app);     // probe.cc
void add_migrate_command(CLI::App& app);   // migrate.cc
void add_token_command(CLI::App& app);     // token.cc

}  // namespace klieg::cli
