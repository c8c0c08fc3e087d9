// A loop with what every loop has: listeners, an HTTP server, a cache before an origin, an ingest server, and the
// broadcasts that live here. The same on every core; a shard reaches another only by posting to it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/metrics.h"
#include "cli/api_door.h"
#include "cli/broadcast_home.h"
#include "cli/config.h"
#include "cli/edge_rooms.h"
#include "cli/node.h"
#include "cli/node_routes.h"
#include "cli/process.h"
#include "cli/pushing.h"
#include "cli/registry.h"
#include "cli/relay.h"
#include "cli/revocations.h"
#include "cli/room_gate.h"
#include "cli/rooms.h"
#include "cli/site.h"
#include "edge/client_handler.h"
#include "edge/engine.h"
#include "edge/hosts.h"
#include "edge/server.h"
#include "http/server.h"
#include "ingest/server.h"
#include "net/listener.h"
#include "net/loop.h"
#include "origin/origin.h"
#include "origin/server.h"
#include "transcoder/worker_pool.h"

namespace klieg::cli {

class World;

class Shard final : public LoopHouse,
                    private ingest::Gate,
                    private origin::Peers,
                    private http::Handler,
                    private RoomPlaces {
 public:
  // `key`: of all shards, for the hashes of viewers and addresses.
  Shard(World& world, ShardIndex index, const Config& config, const SipKey& key, Metrics& metrics);
  ~Shard() override;

  net::Loop& loop() override { return loop_; }
  edge::LoopLoad& load() { return load_; }
  ShardIndex index() const { return index_; }
  Rooms& rooms() { return rooms_; }
  ApiDoor& api() { return api_; }
  RoomGate& room_gate() { return room_gate_; }

  Result<net::Endpoint> open(Door door, const net::Endpoint& endpoint, std::shared_ptr<net::TlsServer> tls,
                             const net::ListenerLimits& limits) override;

  // On this loop: closes the doors, ends the broadcasts, tells the publishers, lets the viewers finish.
  void drain(std::function<void()> drained) override;

  // Posted by other shards.
  void publisher_began(const Registry::Place& place, std::shared_ptr<ingest::Publisher> port);
  void on_message(const std::string& channel, ingest::PublisherId publisher, const ingest::MediaMessage& message);
  void publisher_gone(const std::string& channel, ingest::PublisherId publisher);
  void end_broadcast(const std::string& channel);  // its publisher may not return to it
  void follow(const std::string& channel, ShardIndex follower);
  void unfollow(const std::string& channel, ShardIndex follower);
  void want_ladder(const std::string& channel);
  void announce(const std::string& channel, ShardIndex home, const origin::Status& status, media::Audience audience);
  void on_mirrored(const std::string& channel, ShardIndex home, const std::vector<media::Record>& records);
  void on_engine(std::move_only_function<void(edge::Engine&)> work);
  // Before the loop runs: what viewers' tokens and tickets are signed with.
  void set_path_secret(std::string_view secret) {
    node_.guests().set_secret(secret);
    rooms_.set_ticket_secret(secret);
  }
  void on_revoked(const media::GuestsRevoked& revoked) { revocations_.apply(revoked); }
  // The channel's home is the node with this address, and so it stands there; "": no other node's any more.
  void on_elsewhere(const std::string& channel, const std::string& node, origin::Status status,
                    media::Audience audience);
  // What was revoked is heard from the node with this address, from now on.
  void hear_revocations_of(const std::string& node);

 private:
  struct Home {
    std::unique_ptr<BroadcastHome> broadcast;
    ingest::PublisherId publisher = 0;       // whose messages count; others were displaced; 0: gone
    ingest::PublisherId last_publisher = 0;  // the last who was there
    std::shared_ptr<ingest::Publisher> port;
  };
  // A broadcast on another shard. `joining`: asked for, its replay has not come; what comes before is from an earlier
  // time and is dropped.
  enum class Mirror { none, joining, present };
  struct Elsewhere {
    ShardIndex home = 0;
    std::string broadcast;
    Mirror mirror = Mirror::none;
  };

  // What the cache asks at home: the origin, and the rooms.
  class AtHome final : public http::Handler {
   public:
    explicit AtHome(Shard& shard) : shard_(shard) {}
    void serve(const http::Request& request, http::Responder responder) override;

   private:
    Shard& shard_;
  };

  void claim(ingest::PublishRequest request, ingest::ClaimAnswer answer) override;
  void play(wire::rtmp::PlayRequest request, std::unique_ptr<net::Connection> connection) override;
  void on_status(const std::string& channel, const origin::Status& status) override;
  void mirror_wanted(const std::string& channel) override;
  void rung_wanted(const std::string& channel) override;
  void serve(const http::Request& request, http::Responder responder) override;
  std::string broadcast_of(std::string_view channel) const override;
  ShardIndex home_of(std::string_view channel) const override;
  media::Audience audience_of(std::string_view channel) const override { return origin_.audience_of(channel); }
  studio::Proof proof_of(const http::Request& request) const override;
  http::Response list() const;
  void serve_revocation(const http::Request& request, http::Responder responder);
  void end_broadcasts();
  void bury(const std::string& channel);
  void let_go_of_unwatched();

  World& world_;
  const ShardIndex index_;
  const Config& config_;
  net::Loop loop_;
  origin::Origin origin_;
  origin::Server live_;
  Node node_;
  edge::LoopClock clock_;
  edge::Door door_;
  edge::Door rtmp_door_;
  edge::LoopLoad load_;
  Revocations revocations_;  // before the origin's topics
  AtHome at_home_;
  edge::HandlerParent home_;
  edge::Hosts hosts_;
  NodeRoutes routes_;
  std::unique_ptr<HeardRevocations> heard_revocations_;  // null: the database says it
  edge::Engine engine_;
  edge::Server edge_;
  Pushing push_;
  Rooms rooms_;
  std::unique_ptr<EdgeRooms> far_rooms_;  // of channels at home at other nodes; null: this node is alone
  RoomGate room_gate_;
  ApiDoor api_;
  Site site_;
  std::unique_ptr<http::Server> http_;
  BroadcastMetrics broadcast_metrics_;
  std::unique_ptr<transcoder::WorkerPool> workers_;  // null: no ladder is wished
  Relays relays_;
  ingest::Server ingest_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::map<std::string, Home> homes_;                        // one per broadcast that lives here
  std::map<std::string, Elsewhere, std::less<>> elsewhere_;  // one per channel last live on another shard
  net::Timer unwatched_;
  net::Timer let_go_;  // of held requests, while draining
};

}  // namespace klieg::cli
