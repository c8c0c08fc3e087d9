#include <CLI/CLI.hpp>
#include <memory>
#include <vector>

#include "bus/in_process.h"
#include "cli/commands.h"
#include "cli/edge_shard.h"
#include "cli/first_run.h"
#include "cli/node.h"
#include "cli/server_command.h"
#include "edge/server_load.h"
#include "push/admission.h"

namespace klieg::cli {
namespace {

// The world of `klieg edge`.
class EdgeWorld final : public RunningServer {
 public:
  explicit EdgeWorld(const Config& config)
      : config_(config), push_admission_({config.push_viewers_max, config.push_admit}), process_(config, metrics_) {
    const SipKey key{random_seed(), random_seed()};
    std::vector<edge::LoopLoad*> loads;
    for (size_t i = 0; i < loops_of(config); ++i) {
      shards_.push_back(std::make_unique<EdgeShard>(config, key, push_admission_, metrics_));
      process_.add(*shards_.back());
      loads.push_back(&shards_.back()->load());
    }
    load_ = std::make_unique<edge::NodeLoad>(std::move(loads), config.node_name,
                                             uint64_t{config.egress_capacity_mbps} * 1'000'000, bus_, metrics_);
  }
  ~EdgeWorld() override {
    process_.stop();
    for (const auto& shard : shards_) shard->leave();
  }

  Result<std::string> start() override {
    auto trust = net::TlsCredentials::load(config_.parent_ca, "", "");
    if (!trust) return std::unexpected(trust.error());
    if (!config_.disk.empty()) {
      auto disk = edge::Disk::open(config_.disk);
      if (!disk) return std::unexpected(disk.error());
      disk_ = std::move(*disk);
    }
    for (const auto& shard : shards_) shard->join(shards_, *trust, disk_.get());
    return process_.start({Door::http, Door::https, Door::rtmp, Door::rtmps});
  }
  void reload_certificates() override { process_.reload_certificates(); }
  Drained drain(Duration time_max) override { return process_.drain(time_max); }

 private:
  const Config& config_;
  Metrics metrics_;
  push::Admission push_admission_;
  std::vector<std::unique_ptr<EdgeShard>> shards_;
  std::unique_ptr<edge::Disk> disk_;  // its thread ends before the loops do that it tells
  bus::InProcess bus_;
  std::unique_ptr<edge::NodeLoad> load_;
  Process process_;
};

Result<void> complete(Config& config) {
  config.node_name = node_name_of(config);
  config.rtmp = config.edge_rtmp;
  config.rtmps = config.edge_rtmps;
  return {};
}

}  // namespace

void add_edge_command(CLI::App& app) {
  add_server_command(app, {.command = Command::edge,
                           .name = "edge",
                           .help = "a PoP's proxy and cache, in front of `klieg serve` or of any HTTP origin",
                           .complete = complete,
                           .make = [](const Config& config) -> std::unique_ptr<RunningServer> {
                             return std::make_unique<EdgeWorld>(config);
                           }});
}

}  // namespace klieg::cli
