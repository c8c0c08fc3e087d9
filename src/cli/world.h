// The only place that builds the world of `klieg serve`: shards, doors, the registry, the operator's port. Nothing is
// global; a simulation can build another world from the same parts.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "cli/admin.h"
#include "cli/config.h"
#include "cli/registry.h"
#include "cli/shard.h"

namespace klieg::cli {

enum class Drained { completely, out_of_time };

class World {
 public:
  explicit World(const ServeConfig& config);
  ~World();  // stops the loops and joins their threads

  // Opens the doors and starts the loops. Returns the line that says so: "ready http=HOST:PORT rtmp=..."
  Result<std::string> start();
  void reload_certificates();
  // Ends broadcasts and lets viewers finish, for at most `time_max`.
  Drained drain(Duration time_max);

  // From any thread: `work` runs on the shard's loop, at once if this is it.
  void on_shard(ShardIndex index, std::move_only_function<void(Shard&)> work);
  void on_registry(std::move_only_function<void(Registry&)> work);
  size_t shards() const { return shards_.size(); }
  transcoder::Room& room() { return room_; }

 private:
  Result<void> open_doors();
  Result<void> open(Shard::Door door, std::string_view name, const std::string& where);
  Result<void> open_admin();

  const ServeConfig& config_;
  Metrics metrics_;
  std::atomic<Readiness> readiness_ = Readiness::starting;
  transcoder::Room room_;  // of all shards
  std::shared_ptr<net::TlsServer> https_certificate_;
  std::shared_ptr<net::TlsServer> rtmps_certificate_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<Registry> registry_;  // on the first shard's loop
  Admin admin_;
  std::unique_ptr<http::Server> admin_http_;
  std::unique_ptr<net::Listener> admin_listener_;
  std::string ready_line_ = "ready";
  std::vector<std::thread> threads_;
  // Written once the threads are joined: what the shards still say while they die one by one (a publisher is gone, when
  // the time to drain ran out) is for nobody, and perhaps for a shard that is dead already.
  bool stopped_ = false;
};

}  // namespace klieg::cli
