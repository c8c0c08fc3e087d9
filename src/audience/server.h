// The rooms of one loop: viewers of /live/NAME/room, over a WebSocket in the subprotocol of wire/room_message.h.
//
//   request ──no WebSocket, another origin, a ticket that is not good, full──► answered 4xx, 503
//      └──► held until it is known who asks, and of which room ──not live──► answered 404
//             └──► open ──left, silent, malformed, not reading, finished, stopped──► closed
//
// A room has a Gallery here from its first viewer on, until it is over or nobody has been in it for kept_empty and all
// that was said is safe. What it is told becomes frames, at most every Gallery::turn_every, and each viewer is sent
// from his cursor: all at once while they are few, else in turn, spread over a window (net/visits.h), one writev each
// of what gathered. Who has not taken what he was sent last is passed over until he has, so that what he missed is
// merged into how things are; who takes nothing for stalled_max is let go.
//
// Who somebody is his node looks up (Homes::admit), or he shows a ticket (wire/room_ticket.h), which counts before all
// else; who shows one that is not good is refused, and does not come in as somebody else.
//
// From a comment to its readers, at home: Outbox::word_within until it leaves, the journal's commit, turn_every after
// other news, and the window. Each is the most; in a quiet room all but the commit is nothing.
//
// Each time that a room is come to is another run of this node, later than those before it, also than those of another
// process: its number is a wall-clock time.
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
#include "audience/line.h"
#include "audience/server_home.h"
#include "base/metrics.h"
#include "http/server.h"
#include "http/websocket_session.h"
#include "media/pass.h"
#include "net/loop.h"
#include "net/visits.h"
#include "wire/room_ticket.h"

namespace klieg::audience {

class Visitor;

// The way up to the home of a room that was joined. Its end is that the room is left.
class WayUp {
 public:
  virtual ~WayUp() = default;
  virtual void send(std::vector<media::Batch> batches) = 0;
  // Said again and again. A home of this process tells what is said among moderators unasked.
  virtual void attend(Desk /*desk*/) {}
};

struct Admitted {
  std::string topic;  // of the room
  media::Person person;
};

// Whether who asks came in as a guest, and so may hear of a room that is not for everybody.
enum class Invited : uint8_t { no, yes };

// What who asks has shown.
struct Shown {
  Invited invited = Invited::no;
  std::optional<media::Person> person = {};  // by his ticket
};

// What the node knows, and the way to the rooms' homes. Implemented in cli/.
class Homes {
 public:
  virtual ~Homes() = default;
  // Who asks, and which room is the channel's now; or the answer that refuses him. `then` is called once, at once or
  // later; the request is there during the call alone.
  using Admit = std::move_only_function<void(Result<Admitted, http::Response>)>;
  virtual void admit(const http::Request& request, std::string_view channel, Shown shown, Admit then) = 0;
  // What is told comes by Server::on_told, in later turns.
  virtual std::unique_ptr<WayUp> join(std::string_view channel, const std::string& topic, const std::string& node) = 0;
};

struct ServerLimits {
  size_t viewers_max = 100'000;  // of 0.5 KiB each, and their connections; those who wait to be let in among them
  Duration kept_empty = 10s;     // a page that is loaded anew comes back sooner
  http::WebSocketLimits session{.message_size_max = wire::room::message_size_max};
  // A room says some KiB a second: who has not taken them for so long is not there.
  Duration stalled_max = 10s;
  Duration close_within = 3s;  // then the connection is reset
  // What the kernel may hold for a viewer besides what is on its way: a turn of the largest room.
  uint32_t unsent_in_kernel_max = 64 << 10;
  // A tenth of the loop, for video goes first: 3,000 viewers and more are visited every window_max, which is 67,000
  // pushes a second for the largest room that a core can have. What a comment takes besides is 100 ms at most.
  net::PaceSettings pace{.share = 0.1, .window_max = 150ms};
};

class Server {
 public:
  // `node`: of this loop, which is a node of each room. All of these outlive the server, and it its loop's last turn.
  Server(net::Loop& loop, Homes& homes, std::string node, const GallerySettings& settings, Metrics& metrics,
         const ServerLimits& limits = {});
  ~Server();

  // Before anybody asks: what tickets are signed with. Nobody's is good else.
  void set_ticket_secret(std::string_view secret) { tickets_ = wire::RoomTicketKey(secret); }

  static bool is_its(std::string_view path);  // "/live/NAME/room"
  // `pass`: of a guest, who is shown out when it is over; null: of nobody. The request's path is without its token.
  void serve(const http::Request& request, std::unique_ptr<media::Pass> pass, http::Responder responder);
  void on_told(const std::string& topic, const std::vector<Told>& told);

  // Tells every viewer that we go, and calls `done` when the last is gone, at most close_within later.
  void stop(std::move_only_function<void()> done);

  size_t viewer_count() const { return visitors_.size(); }

 private:
  friend class Visitor;
  struct Hall;

  void enter(const http::WebSocketOffer& offer, const std::string& channel, Result<Admitted, http::Response> admitted,
             std::unique_ptr<media::Pass> pass, http::Responder responder);
  std::shared_ptr<Hall> hall_of(const std::string& channel, const std::string& topic);
  void turn();
  void tell(Hall& hall);
  void say(Hall& hall);
  void tell_operator(size_t pushes);
  bool is_done_with(const Hall& hall) const;
  void remove(const std::shared_ptr<Visitor>& visitor, http::WebSocketEnd end);
  void refuse(http::Responder responder, http::Response response, std::string_view why);

  net::Loop& loop_;
  Homes& homes_;
  const std::string node_;
  wire::RoomTicketKey tickets_{""};
  uint64_t run_ = 0;  // the latest
  const GallerySettings settings_;
  Metrics& metrics_;
  const ServerLimits limits_;
  net::Visits visits_;
  // By name, which is the same for every epoch: whoever comes to a room that has moved joins those who are there.
  std::map<std::string, std::shared_ptr<Hall>> halls_;
  std::unordered_set<std::shared_ptr<Visitor>> visitors_;
  std::vector<Bytes> pieces_;  // of one visit
  uint64_t bytes_ = 0;         // not told to the operator yet
  LoopTime looked_after_{};
  size_t entering_ = 0;
  std::shared_ptr<Server*> self_ = std::make_shared<Server*>(this);  // for whom an answer finds no server any more
  net::Timer timer_;
  std::move_only_function<void()> stopped_;
  bool stopping_ = false;
  prometheus::Gauge& viewers_;
  prometheus::Counter& sent_bytes_;
  prometheus::Counter& sent_pushes_;
  prometheus::Counter& skips_;
};

}  // namespace klieg::audience
