// A loop of `klieg edge`: doors, an HTTP server, the cache engine and the ways to its parents. The same on every core.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/metrics.h"
#include "cli/config.h"
#include "cli/edge_rooms.h"
#include "cli/node.h"
#include "cli/process.h"
#include "cli/pushing.h"
#include "cli/revocations.h"
#include "edge/client.h"
#include "edge/client_disk.h"
#include "edge/client_loop.h"
#include "edge/engine.h"
#include "edge/hosts.h"
#include "edge/server.h"
#include "http/server.h"
#include "ingest/server.h"
#include "net/listener.h"
#include "net/loop.h"

namespace klieg::cli {

class EdgeShard final : public LoopHouse, private ingest::Gate, private http::Handler {
 public:
  // `key`: of all shards, for the hashes of viewers and addresses.
  EdgeShard(const Config& config, const SipKey& key, push::Admission& push_admission, Metrics& metrics);
  ~EdgeShard() override;

  // Before the loops run: `all` shards of the process in order, this one among them. `trust`: whose word is taken for
  // the parents' certificates.
  void join(const std::vector<std::unique_ptr<EdgeShard>>& all, std::shared_ptr<const net::TlsCredentials> trust,
            edge::Disk* disk);
  // After they have ended, while all shards are there: what is let go of says so to its home.
  void leave();

  net::Loop& loop() override { return loop_; }
  edge::LoopLoad& load() { return load_; }
  Result<net::Endpoint> open(Door door, const net::Endpoint& endpoint, std::shared_ptr<net::TlsServer> tls,
                             const net::ListenerLimits& limits) override;
  void drain(std::function<void()> drained) override;

 private:
  void claim(ingest::PublishRequest request, ingest::ClaimAnswer answer) override;
  void play(wire::rtmp::PlayRequest request, std::unique_ptr<net::Connection> connection) override;
  void serve(const http::Request& request, http::Responder responder) override;
  bool believed_here() const { return !config_.node_secret.empty(); }
  edge::Parent& add_parent(const std::string& url, const std::shared_ptr<const net::TlsCredentials>& trust);
  size_t by_loop_index(const std::vector<std::unique_ptr<EdgeShard>>& all) const;
  void on_engine(std::move_only_function<void(edge::Engine&)> work);  // from any thread

  const Config& config_;
  push::Admission& push_admission_;
  Metrics& metrics_;
  net::Loop loop_;
  Node node_;
  edge::LoopClock clock_;
  edge::Door door_;
  edge::Door rtmp_door_;
  edge::LoopLoad load_;
  std::vector<std::unique_ptr<edge::Parent>> parents_;  // and cache hosts of the PoP
  edge::Hosts hosts_;
  std::vector<std::unique_ptr<edge::LoopParent>> siblings_;  // by loop; null: this one
  std::unique_ptr<edge::DiskRoutes> disk_;                   // before hosts_; null: no disk
  std::unique_ptr<edge::LoopRoutes> routes_;
  std::unique_ptr<edge::Engine> engine_;
  std::unique_ptr<edge::Server> edge_;
  std::unique_ptr<HeardRevocations> revocations_;  // null: no parent believes us
  std::unique_ptr<http::Server> http_;
  std::unique_ptr<Pushing> push_;
  std::unique_ptr<EdgeRooms> rooms_;      // null: nothing is pushed to this node
  std::unique_ptr<ingest::Server> rtmp_;  // meets whoever knocks at the RTMP door
  std::vector<std::unique_ptr<net::Listener>> listeners_;
};

}  // namespace klieg::cli
