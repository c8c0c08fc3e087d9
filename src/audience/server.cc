#include "audience/server.h"

#include <utility>

#include "base/assert.h"
#include "http/websocket.h"
#include "wire/websocket.h"

namespace klieg::audience {
namespace {

using wire::websocket::CloseCode;

constexpr std::string_view path_before = "/live/";
constexpr std::string_view path_after = "/room";

std::string_view name_in(std::string_view path) {
  if (!path.starts_with(path_before) || !path.ends_with(path_after)) return {};
  if (path.size() <= path_before.size() + path_after.size()) return {};
  path = path.substr(path_before.size(), path.size() - path_before.size() - path_after.size());
  return path.contains('/') ? std::string_view() : path;
}

}  // namespace

std::string_view name_of(VisitEnd end) {
  switch (end) {
    case VisitEnd::left:
      return "left";
    case VisitEnd::over:
      return "over";
    case VisitEnd::malformed:
      return "malformed";
    case VisitEnd::silent:
      return "silent";
    case VisitEnd::not_reading:
      return "not_reading";
    case VisitEnd::stopped:
      return "stopped";
  }
  return "unknown";
}

// A room as it is on this loop.
struct Server::Hall {
  Hall(const Server& server, std::string_view of, std::string room)
      : channel(of), topic(std::move(room)), gallery(server.node_, server.run_, server.run_, server.settings_) {}

  const std::string channel;
  const std::string topic;
  Gallery gallery;
  bool lost = false;  // its home took a batch not: all that is on its way is said again
  std::unordered_set<Visitor*> visitors;
};

// One viewer: born by serve(), lives on the server's loop, dies in on_closed.
class Visitor final : public net::ConnectionHandler, public std::enable_shared_from_this<Visitor> {
 public:
  Visitor(Server& server, std::shared_ptr<Server::Hall> hall, media::Person person,
          std::unique_ptr<net::Connection> connection)
      : server_(server),
        hall_(std::move(hall)),
        connection_(std::move(connection)),
        seat_(std::make_unique<Seat>(hall_->gallery, std::move(person))),
        deadline_(server.loop_.now() + server.limits_.ping_after) {
    hall_->visitors.insert(this);
  }
  ~Visitor() override { hall_->visitors.erase(this); }

  void start() {
    connection_->limit_unsent_in_kernel(server_.limits_.unsent_in_kernel_max);
    connection_->start(*this);
  }

  void on_bytes(ByteView bytes) override {
    if (!seat_) return;
    deadline_ = server_.loop_.now() + server_.limits_.ping_after;
    asked_ = false;
    std::vector<wire::websocket::Event> events;
    const auto fed = reader_.feed(bytes, events);
    std::optional<Bytes> ping;  // RFC 6455 section 5.5.3: answering the latest of several is enough
    for (wire::websocket::Event& event : events) {
      if (std::holds_alternative<wire::websocket::Close>(event)) return close(VisitEnd::left, CloseCode::normal, "");
      if (auto* asked = std::get_if<wire::websocket::Ping>(&event)) ping = std::move(asked->payload);
      const auto* message = std::get_if<wire::websocket::Message>(&event);
      if (!message) continue;
      if (message->kind != wire::websocket::MessageKind::text) {
        return close(VisitEnd::malformed, CloseCode::unsupported_data, "text is spoken here");
      }
      const auto text =
          std::string_view(reinterpret_cast<const char*>(message->content.data()), message->content.size());
      const auto heard = seat_->hear(text, server_.loop_.now());
      // The sentence is for whoever writes a page; it may quote, and a reason has its limit.
      if (!heard) return close(VisitEnd::malformed, CloseCode::policy_violation, "that is no message of klieg.room.1");
    }
    if (!fed) return close(VisitEnd::malformed, fed.error().code, fed.error().why);
    if (ping && connection_->unsent() == 0) {
      std::vector<Bytes> pong;
      wire::websocket::append_frame(wire::websocket::Opcode::pong, std::move(*ping), pong);
      connection_->write(pong);
    }
    server_.say(*hall_);
  }

  void on_closed(net::Closed) override {
    const auto self = shared_from_this();
    seat_.reset();
    server_.remove(self, end_);
  }

  // What is due, and whether he is still there. May be called when he is leaving.
  void visit(LoopTime now) {
    if (!seat_) {
      if (now >= deadline_) connection_->abort();
      return;
    }
    if (connection_->unsent() > 0) {
      if (now - sent_ >= server_.limits_.stalled_max) leave(VisitEnd::not_reading);
      return;
    }
    sent_ = now;
    if (now >= deadline_) {
      if (asked_) return leave(VisitEnd::silent);
      asked_ = true;
      deadline_ = now + server_.limits_.pong_within;
      std::vector<Bytes> ping;
      wire::websocket::append_frame(wire::websocket::Opcode::ping, {}, ping);
      connection_->write(ping);
    }
    if (seat_->due()) {
      const uint64_t skips = seat_->skips();
      std::vector<Bytes> pieces;
      seat_->next(pieces);
      size_t size = 0;
      for (const Bytes& piece : pieces) size += piece.size();
      connection_->write(pieces);
      server_.sent_bytes_.Increment(static_cast<double>(size));
      if (seat_->skips() > skips) server_.skips_.Increment();
    } else if (hall_->gallery.state().over()) {
      close(VisitEnd::over, CloseCode::normal, "");
    }
  }

  void close(VisitEnd end, CloseCode code, std::string_view reason) {
    if (!seat_) return;
    std::vector<Bytes> goodbye;
    wire::websocket::append_close(code, reason, goodbye);
    connection_->write(goodbye);
    leave_by(end);
    connection_->close();
  }

 private:
  void leave(VisitEnd end) {
    leave_by(end);
    connection_->abort();
  }
  void leave_by(VisitEnd end) {
    end_ = end;
    seat_.reset();
    deadline_ = server_.loop_.now() + server_.limits_.close_within;
  }

  Server& server_;
  const std::shared_ptr<Server::Hall> hall_;
  const std::unique_ptr<net::Connection> connection_;
  std::unique_ptr<Seat> seat_;  // null: he leaves, and only on_closed is to come
  wire::websocket::Reader reader_{wire::room::message_size_max};
  LoopTime deadline_;  // of hearing from him; once he leaves, of his connection
  LoopTime sent_{};    // when he had taken all
  bool asked_ = false;
  VisitEnd end_ = VisitEnd::left;
};

Server::Server(net::Loop& loop, Homes& homes, std::string node, uint64_t run, const GallerySettings& settings,
               Metrics& metrics, const ServerLimits& limits)
    : loop_(loop),
      homes_(homes),
      node_(std::move(node)),
      run_(run),
      settings_(settings),
      metrics_(metrics),
      limits_(limits),
      timer_(loop, [this] { turn(); }),
      viewers_(metrics.gauge("klieg_room_viewers", "viewers who are in a room")),
      sent_bytes_(metrics.counter("klieg_room_sent_bytes_total", "what was sent to viewers in rooms")),
      skips_(metrics.counter("klieg_room_skips_total", "how often a viewer lagged, and was told how things are")) {}

Server::~Server() = default;

bool Server::is_its(std::string_view path) { return !name_in(path).empty(); }

void Server::refuse(http::Responder responder, http::Response response, std::string_view why) {
  metrics_
      .counter("klieg_room_refused_total", "requests for a room that were refused, by reason",
               {{"reason", std::string(why)}})
      .Increment();
  responder.respond(std::move(response));
}

void Server::serve(const http::Request& request, http::Responder responder) {
  if (!http::asks_for_websocket(request)) {
    http::Response response = http::Response::text(426, "this is for a WebSocket");
    response.own_headers.add("upgrade", "websocket");
    return responder.respond(std::move(response));
  }
  auto offer = http::read_websocket_offer(request);
  if (!offer) return refuse(std::move(responder), std::move(offer.error()), "malformed");
  if (!offer->offers(wire::room::subprotocol)) {
    return refuse(std::move(responder), http::Response::text(400, "the subprotocol spoken here is klieg.room.1"),
                  "malformed");
  }
  if (stopping_ || visitors_.size() >= limits_.viewers_max) {
    return refuse(std::move(responder), http::Response::text(503, "no more viewers fit into rooms here; ask again"),
                  stopping_ ? "stopped" : "full");
  }
  const std::string_view channel = name_in(request.path);
  const auto topic = homes_.room_of(channel);
  if (!topic) return refuse(std::move(responder), http::Response::text(404, "not live"), "not_live");
  media::Person person = homes_.who_asks(request, channel);

  std::shared_ptr<Hall>& hall = halls_[*topic];
  if (!hall) {
    hall = std::make_shared<Hall>(*this, channel, *topic);
    homes_.join(channel, *topic, node_);
    hall->gallery.connected();
    if (halls_.size() == 1) timer_.arm(loop_.now() + Gallery::turn_every);
  }
  auto connection = responder.upgrade(*offer, wire::room::subprotocol);
  if (!connection) return;  // it left meanwhile, or was told why not
  const auto visitor = std::make_shared<Visitor>(*this, hall, std::move(person), std::move(connection));
  visitors_.insert(visitor);
  viewers_.Increment();
  visitor->start();
}

void Server::on_told(const std::string& topic, const std::vector<Told>& told) {
  const auto found = halls_.find(topic);
  if (found == halls_.end()) return;
  Hall& hall = *found->second;
  Gallery& gallery = hall.gallery;
  for (const Told& one : told) {
    if (std::holds_alternative<ObjectOpened>(one)) gallery.begin_object();
    if (const auto* more = std::get_if<ObjectContinued>(&one)) {
      const auto heard = gallery.hear(ByteView(more->content.data(), more->content.size()), loop_.now());
      KLIEG_ASSERT(heard, "a room's home speaks its language");
    }
    if (const auto* answer = std::get_if<media::BatchAnswer>(&one)) gallery.hear(*answer);
    if (const auto* desk = std::get_if<DeskHeard>(&one)) gallery.hear_desk(desk->event);
    if (!std::holds_alternative<NotTaken>(one)) continue;
    gallery.disconnected();
    hall.lost = true;
  }
}

void Server::say(Hall& hall) {
  if (auto batches = hall.gallery.to_send(loop_.now()); !batches.empty()) {
    homes_.send(hall.channel, hall.topic, std::move(batches));
  }
}

void Server::turn() {
  const LoopTime now = loop_.now();
  for (const auto& [_, hall] : halls_) {
    hall->gallery.turn(now);
    if (std::exchange(hall->lost, false)) hall->gallery.connected();
    say(*hall);
  }
  // In a turn of their own would be fairer to others; 10,000 visits take what a large segment's fan-out does.
  for (const auto& visitor : std::vector(visitors_.begin(), visitors_.end())) visitor->visit(now);
  std::erase_if(halls_,
                [](const auto& hall) { return hall.second->gallery.state().over() && hall.second->visitors.empty(); });
  if (!halls_.empty()) timer_.arm(now + Gallery::turn_every);
}

void Server::stop(std::move_only_function<void()> done) {
  stopping_ = true;
  stopped_ = std::move(done);
  for (const auto& visitor : std::vector(visitors_.begin(), visitors_.end())) {
    visitor->close(VisitEnd::stopped, CloseCode::going_away, "the server is going");
  }
  if (visitors_.empty() && stopped_) loop_.post(std::exchange(stopped_, nullptr));
}

void Server::remove(const std::shared_ptr<Visitor>& visitor, VisitEnd end) {
  metrics_
      .counter("klieg_room_visits_ended_total", "viewers who are no more in a room, by outcome",
               {{"outcome", std::string(name_of(end))}})
      .Increment();
  viewers_.Decrement();
  visitors_.erase(visitor);
  if (stopping_ && visitors_.empty() && stopped_) loop_.post(std::exchange(stopped_, nullptr));
}

}  // namespace klieg::audience
