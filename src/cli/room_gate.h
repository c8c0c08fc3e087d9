// What nodes far away ask of the rooms of this process, on one loop: a room's log, as a topic beside those of the
// origin; and to take their batches, and tell them what is said among moderators (audience/upward.h).
//
//   topic    of a room that lives on this loop: its log; on another: what that loop's cache has of it; else the
//   origin's batches  of a node that proves itself ──► the room, on whichever loop ──► answered, 200
//              └── no proof 403; not what it proves, or no batches 400; no such room 404; too many wait 503
//
// Owner: the shard. Thread: its loop. Limit: requests_max wait for their answers, 1 KiB each, none longer than
// HomeServer::answered_within.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/registry.h"
#include "cli/rooms.h"
#include "edge/client_loop.h"
#include "edge/server.h"
#include "http/server.h"
#include "media/push.h"
#include "media/room.h"
#include "net/loop.h"

namespace klieg::cli {

class World;

class RoomGate final : public media::TopicSource {
 public:
  RoomGate(World& world, ShardIndex index, net::Loop& loop, Rooms& rooms, const RoomPlaces& places,
           edge::Gatekeeper& gatekeeper, media::TopicSource& others);
  ~RoomGate() override;

  std::unique_ptr<media::Subscription> subscribe(std::string_view topic, media::PushSink& sink) override;

  static bool is_its(std::string_view path);
  void serve(const http::Request& request, http::Responder responder);
  // Of this node itself, which was in a room of another that came here.
  void take(const http::Request& request, http::Responder responder);

  // Posted by the loop on which the room lives.
  void on_reply(uint64_t request, Bytes body);

 private:
  static constexpr size_t requests_max = 8'192;  // as many as a home has callers

  World& world_;
  const ShardIndex index_;
  net::Loop& loop_;
  Rooms& rooms_;
  const RoomPlaces& places_;
  edge::Gatekeeper& gatekeeper_;
  media::TopicSource& others_;
  std::map<ShardIndex, std::unique_ptr<edge::LoopParent>> loops_;  // of rooms that live elsewhere
  std::map<uint64_t, http::Responder> waiting_;                    // by request
  uint64_t requests_ = 0;
};

}  // namespace klieg::cli
