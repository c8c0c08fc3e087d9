// The rooms of a loop of `klieg edge`: viewers are here, each room's home is wherever the parents know it. What joins a
// room's Line (audience/line.h) to the loop's cache: the log is a topic of it, batches are requests that it passes on.
//
// And of a loop of `klieg serve`, for channels whose home is another node.
//
// Which broadcast a channel has is read from its multivariant playlist, as every viewer does. At `klieg edge` there is
// no database: who is signed in shows a ticket (wire/room_ticket.h), and all others are nobody.
//
// Owner: the shard. Thread: its loop. Outlived by the engine and its server.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "audience/server.h"
#include "base/metrics.h"
#include "cli/config.h"
#include "cli/push_source.h"
#include "edge/engine.h"
#include "edge/server.h"
#include "http/server.h"
#include "net/loop.h"
#include "push/whole_body.h"

namespace klieg::cli {

class EdgeRooms final : private audience::Homes {
 public:
  // Who somebody is who asks for a channel's room.
  using Identify = std::move_only_function<void(const http::Request& request, std::string_view channel,
                                                std::move_only_function<void(media::Person)> then)>;
  // `node`: of this loop, which is a node of each room. `identify`: empty where that cannot be looked up. Asserted: the
  // engine offers topics.
  EdgeRooms(net::Loop& loop, const std::string& node, const Config& config, edge::Engine& engine, edge::Server& cache,
            Metrics& metrics, Identify identify = {});
  ~EdgeRooms() override;

  static bool is_its(std::string_view path) { return audience::Server::is_its(path); }
  void serve(const http::Request& request, std::unique_ptr<media::Pass> pass, http::Responder responder) {
    server_.serve(request, std::move(pass), std::move(responder));
  }
  void stop(std::move_only_function<void()> stopped) { server_.stop(std::move(stopped)); }

 private:
  class Way;
  enum class Live : uint8_t { yes, no, unknown };
  struct Found {
    Live live = Live::unknown;
    std::string topic = {};  // of the room of what is live
    media::Audience audience = media::Audience::everybody;
  };

  void admit(const http::Request& request, std::string_view channel, audience::Shown shown, Admit then) override;
  std::unique_ptr<audience::WayUp> join(std::string_view channel, const std::string& topic,
                                        const std::string& node) override;
  void find(const std::string& channel, std::move_only_function<void(Found)> then);
  // Reads what was answered; nothing: it was not 200, or not all of it came.
  void read(push::Answer answer, size_t bytes_max, std::move_only_function<void(std::optional<Bytes>)> then);

  net::Loop& loop_;
  const Config& config_;
  edge::Engine& engine_;
  edge::Server& cache_;
  Identify identify_;
  PushSource source_;
  std::map<uint64_t, push::WholeBody> bodies_;  // a playlist for each who comes, one answer for each room
  uint64_t bodies_count_ = 0;
  std::shared_ptr<EdgeRooms*> self_ = std::make_shared<EdgeRooms*>(this);  // for answers that find nobody any more
  audience::Server server_;
};

}  // namespace klieg::cli
