// The only place that builds the world of `klieg serve`: shards, the registry, and the process they live in. Nothing is
// global; a simulation can build another world from the same parts.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "bus/bus.h"
#include "cli/cluster.h"
#include "cli/config.h"
#include "cli/data_directory.h"
#include "cli/process.h"
#include "cli/registry.h"
#include "cli/server_command.h"
#include "cli/shard.h"
#include "cli/studio.h"
#include "edge/server_load.h"
#include "push/admission.h"
#include "store/worker.h"

namespace klieg::cli {

class World final : public RunningServer {
 public:
  explicit World(const Config& config);
  ~World() override;  // stops the loops and joins their threads

  // Opens the doors and starts the loops. Returns the line that says so: "ready http=HOST:PORT rtmp=..."
  Result<std::string> start() override;
  void reload_certificates() override { process_.reload_certificates(); }
  std::string told_once() const override { return told_once_; }
  // Ends broadcasts and lets viewers finish, for at most `time_max`.
  Drained drain(Duration time_max) override;

  // From any thread: `work` runs on the shard's loop, at once if this is it.
  void on_shard(ShardIndex index, std::move_only_function<void(Shard&)> work);
  void on_every_shard(const std::function<void(Shard&)>& work);  // a copy of it each
  // The same, always in a later turn.
  void post_to_shard(ShardIndex index, std::move_only_function<void(Shard&)> work);
  // `work` runs on the first loop; not at all where there are no accounts.
  void on_studio(std::move_only_function<void(Studio&)> work);
  void on_registry(std::move_only_function<void(Registry&)> work);
  // Not at all where this node is alone.
  void on_cluster(std::move_only_function<void(Cluster&)> work);
  // On the first loop: what lives here of the channel, or is published with an account's key, ends now, and who
  // publishes it is told why.
  void end_carried_by(int64_t key);
  void end_broadcast(const std::string& channel, const ingest::Refusal& why);
  // The same, of what may go on at another node.
  void lose_broadcast(const std::string& channel, const ingest::Refusal& why);
  store::Worker& store() { return *store_; }  // once started
  // From any shard's loop. `done` is called on the first one's, once it is kept; every shard hears of it then.
  using Revoked = std::move_only_function<void(store::Outcome<void>)>;
  void revoke(const media::GuestsRevoked& revoked, Revoked done);
  // What is kept already: for this node's loops, and for the other nodes. From the first shard's loop.
  void tell_revoked(const media::GuestsRevoked& revoked);
  // Reads what was kept elsewhere: of the channel, or of all; of all again until that has been read. Likewise.
  void hear_revoked(const std::optional<std::string>& channel = {});
  size_t shards() const { return shards_.size(); }
  transcoder::Room& room() { return room_; }
  push::Admission& push_admission() { return push_admission_; }

 private:
  Result<void> open_store();
  void end_at(const std::optional<Registry::Place>& place);
  void on_revoked(const media::GuestsRevoked& revoked);
  Result<void> give_path_secret();

  Metrics metrics_;
  transcoder::Room room_;  // of all shards
  push::Admission push_admission_;
  const Config& config_;
  DataDirectory directory_;
  std::unique_ptr<store::Worker> store_;  // null until started
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<Registry> registry_;   // on the first shard's loop
  std::unique_ptr<store::Asker> asker_;  // likewise
  std::optional<net::Timer> hear_revoked_again_;
  std::unique_ptr<Studio> studio_;  // likewise; null: there are no accounts
  std::string told_once_;
  std::unique_ptr<bus::Bus> bus_;
  std::string path_secret_;  // empty: there are no guests
  std::unique_ptr<edge::NodeLoad> load_;
  std::unique_ptr<Cluster> cluster_;  // on the first loop; null: this node is alone
  Process process_;
  // Written once the threads are joined: what the shards still say while they die one by one (a publisher is gone, when
  // the time to drain ran out) is for nobody, and perhaps for a shard that is dead already.
  bool stopped_ = false;
};

}  // namespace klieg::cli
