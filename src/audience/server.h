// The rooms of one loop: viewers of /live/NAME/room, over a WebSocket in the subprotocol of wire/room_message.h.
//
//   request ──no WebSocket, another origin, not live, full──► answered 4xx, 503
//      └──► open ──left, silent, malformed, not reading, finished, stopped──► closed
//
// A room has a Gallery here from its first viewer on until it is over. What it is told becomes frames every
// Gallery::turn_every, and each viewer is sent from his cursor. Who has not taken what he was sent last is passed over,
// so that what he missed is merged into how things are; who takes nothing for stalled_max is let go.
//
// Memory per viewer: his seat (gallery.h), and of what he says one unfinished message.
//
// Owner: the loop's shard. Thread: that loop.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "audience/gallery.h"
#include "audience/server_home.h"
#include "base/metrics.h"
#include "http/server.h"
#include "http/websocket_session.h"
#include "net/loop.h"

namespace klieg::audience {

class Visitor;

// What the node knows, and the way to the rooms' homes. Implemented in cli/.
class Homes {
 public:
  virtual ~Homes() = default;
  // The room's topic; nothing: the channel is not live.
  virtual std::optional<std::string> room_of(std::string_view channel) = 0;
  virtual media::Person who_asks(const http::Request& request, std::string_view channel) = 0;
  // What is told comes by Server::on_told, in later turns.
  virtual void join(std::string_view channel, const std::string& topic, const std::string& node) = 0;
  virtual void send(std::string_view channel, const std::string& topic, std::vector<media::Batch> batches) = 0;
};

struct ServerLimits {
  size_t viewers_max = 100'000;  // of 0.5 KiB each, and their connections
  http::WebSocketLimits session{.message_size_max = wire::room::message_size_max};
  // A room says some KiB a second: who has not taken them for so long is not there.
  Duration stalled_max = 10s;
  Duration close_within = 3s;  // then the connection is reset
  // What the kernel may hold for a viewer besides what is on its way: a turn of the largest room.
  uint32_t unsent_in_kernel_max = 64 << 10;
};

class Server {
 public:
  // `node`, `run`: of this loop, which is a node of each room. All of these outlive the server, and it its loop's last
  // turn.
  Server(net::Loop& loop, Homes& homes, std::string node, uint64_t run, const GallerySettings& settings,
         Metrics& metrics, const ServerLimits& limits = {});
  ~Server();

  static bool is_its(std::string_view path);  // "/live/NAME/room"
  void serve(const http::Request& request, http::Responder responder);
  void on_told(const std::string& topic, const std::vector<Told>& told);

  // Tells every viewer that we go, and calls `done` when the last is gone, at most close_within later.
  void stop(std::move_only_function<void()> done);

  size_t viewer_count() const { return visitors_.size(); }

 private:
  friend class Visitor;
  struct Hall;

  void turn();
  void say(Hall& hall);
  void remove(const std::shared_ptr<Visitor>& visitor, http::WebSocketEnd end);
  void refuse(http::Responder responder, http::Response response, std::string_view why);

  net::Loop& loop_;
  Homes& homes_;
  const std::string node_;
  const uint64_t run_;
  const GallerySettings settings_;
  Metrics& metrics_;
  const ServerLimits limits_;
  std::map<std::string, std::shared_ptr<Hall>> halls_;  // by topic
  std::unordered_set<std::shared_ptr<Visitor>> visitors_;
  net::Timer timer_;
  std::move_only_function<void()> stopped_;
  bool stopping_ = false;
  prometheus::Gauge& viewers_;
  prometheus::Counter& sent_bytes_;
  prometheus::Counter& skips_;
};

}  // namespace klieg::audience
