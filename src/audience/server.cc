#include "audience/server.h"

#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "http/websocket.h"
#include "wire/live_path.h"
#include "wire/websocket.h"

namespace klieg::audience {
namespace {

using wire::websocket::CloseCode;

using http::WebSocketEnd;
using http::WebSocketState;

constexpr std::string_view path_end = "/room";
// Whether viewers are still there, and what a home was too busy for.
constexpr Duration look_after_every = 250ms;
constexpr std::string_view link_is_over = "this link was taken back, or is over";

std::string_view words_of(wire::ClaimTrust trust) {
  return trust == wire::ClaimTrust::expired ? "this ticket has expired: ask /api/v1/rooms/NAME/ticket for another"
                                            : "this ticket is not for this room: ask /api/v1/rooms/NAME/ticket for one";
}

}  // namespace

// A room as it is on this loop.
struct Server::Hall {
  explicit Hall(const Server& server) : gallery(server.node_, server.run_, server.run_, server.settings_) {}

  Gallery gallery;
  std::unique_ptr<WayUp> way_up;
  LoopTime told{};       // when its viewers were last given something
  bool readable = true;  // the object that is open
  bool lost = false;     // its home took a batch not: all that is on its way is said again
  std::unordered_set<Visitor*> visitors;
  LoopTime empty_since;  // while it is
};

// One viewer: born by serve(), lives on the server's loop, dies in on_closed.
class Visitor final : public net::ConnectionHandler,
                      public std::enable_shared_from_this<Visitor>,
                      private net::Visited {
 public:
  Visitor(Server& server, std::shared_ptr<Server::Hall> hall, media::Person person, std::unique_ptr<media::Pass> pass,
          std::unique_ptr<net::Connection> connection)
      : Visited(server.visits_, *connection),
        server_(server),
        hall_(std::move(hall)),
        pass_(std::move(pass)),
        connection_(std::move(connection)),
        seat_(std::make_unique<Seat>(hall_->gallery, std::move(person))),
        session_(server.limits_.session, server.loop_.now()) {
    hall_->visitors.insert(this);
  }
  ~Visitor() override {
    hall_->visitors.erase(this);
    hall_->empty_since = now();
  }

  void start() {
    connection_->limit_unsent_in_kernel(server_.limits_.unsent_in_kernel_max);
    connection_->start(*this);
    if (pass_) pass_->when_over([this] { leave(WebSocketEnd::shown_out, CloseCode::policy_violation, link_is_over); });
  }

  void on_bytes(ByteView bytes) override {
    if (closing_) return;
    for (const wire::websocket::Message& message : session_.receive(bytes, now())) {
      if (!hear(message)) break;
    }
    server_.say(*hall_);
    pump();
  }

  void on_closed(net::Closed) override {
    const auto self = shared_from_this();
    closing_ = true;  // nothing is to be written any more
    session_.end(WebSocketEnd::left);
    seat_.reset();
    server_.remove(self, session_.why());
  }

  void on_drained() override { server_.tell_operator(visit(now())); }

  void stop() { leave(WebSocketEnd::stopped, CloseCode::going_away, "the server is going"); }

 private:
  LoopTime now() const { return server_.loop_.now(); }

  // What is due, and whether he is still there.
  size_t visit(LoopTime now) override {
    if (closing_) {
      if (now >= closed_by_) connection_->abort();
      return 0;
    }
    const size_t pushes = seat_ ? say(now) : 0;
    // Who has not taken what he was sent last is not asked whether he is there: stalled_max lets go of him.
    if (!seat_ || connection_->unsent() == 0) session_.wake(now);
    pump();
    return pushes;
  }

  void leave(WebSocketEnd why, CloseCode code, std::string_view words) {
    session_.close(why, code, words, now());
    pump();
  }

  bool hear(const wire::websocket::Message& message) {
    if (message.kind != wire::websocket::MessageKind::text) {
      session_.close(WebSocketEnd::malformed, CloseCode::unsupported_data, "text is spoken here", now());
      return false;
    }
    if (seat_->hear(message.content.text(), now())) return true;
    // The sentence is for whoever writes a page; it may quote, and a reason has its limit.
    session_.close(WebSocketEnd::malformed, CloseCode::policy_violation, "that is no message of klieg.room.1", now());
    return false;
  }

  // How many writes that was.
  size_t say(LoopTime now) {
    if (connection_->unsent() > 0) {
      if (now - sent_ >= server_.limits_.stalled_max) session_.end(WebSocketEnd::not_reading);
      return 0;
    }
    sent_ = now;
    if (!seat_->due()) {
      if (hall_->gallery.state().over()) session_.close(WebSocketEnd::finished, CloseCode::normal, "", now);
      return 0;
    }
    const uint64_t skips = seat_->skips();
    std::vector<Bytes>& pieces = server_.pieces_;
    pieces.clear();
    seat_->next(pieces);
    for (const Bytes& piece : pieces) server_.bytes_ += piece.size();
    connection_->write(pieces);
    pieces.clear();
    if (seat_->skips() > skips) server_.skips_.Increment();
    return 1;
  }

  // After anything that may have moved the session.
  void pump() {
    const std::vector<Bytes> output = session_.take_output();
    const bool open = session_.state() == WebSocketState::open;
    // A pong is not owed to who does not read; a Close is, once.
    if (!closing_ && !output.empty() && (!open || connection_->unsent() == 0)) connection_->write(output);
    if (!open) seat_.reset();
    if (closing_ || session_.state() != WebSocketState::closed) return;
    closing_ = true;
    closed_by_ = now() + server_.limits_.close_within;
    const bool reads = session_.why() != WebSocketEnd::not_reading && session_.why() != WebSocketEnd::silent;
    reads ? connection_->close() : connection_->abort();
  }

  Server& server_;
  const std::shared_ptr<Server::Hall> hall_;
  const std::unique_ptr<media::Pass> pass_;  // null: he is no guest
  const std::unique_ptr<net::Connection> connection_;
  std::unique_ptr<Seat> seat_;  // while the session is open
  http::WebSocketSession session_;
  bool closing_ = false;  // close() or abort() was called; only on_closed is to come
  LoopTime closed_by_{};
  LoopTime sent_{};  // when he had taken all
};

Server::Server(net::Loop& loop, Homes& homes, std::string node, const GallerySettings& settings, Metrics& metrics,
               const ServerLimits& limits)
    : loop_(loop),
      homes_(homes),
      node_(std::move(node)),
      settings_(settings),
      metrics_(metrics),
      limits_(limits),
      visits_(loop, limits.pace, [this](size_t pushes) { tell_operator(pushes); }),
      timer_(loop, [this] { turn(); }),
      viewers_(metrics.gauge("klieg_room_viewers", "viewers who are in a room")),
      sent_bytes_(metrics.counter("klieg_room_sent_bytes_total", "what was sent to viewers in rooms")),
      sent_pushes_(
          metrics.counter("klieg_room_pushes_total", "system calls' worth of what was sent to viewers in rooms")),
      skips_(metrics.counter("klieg_room_skips_total", "how often a viewer lagged, and was told how things are")) {}

Server::~Server() = default;

bool Server::is_its(std::string_view path) { return !wire::live_channel_of(path, path_end).empty(); }

void Server::refuse(http::Responder responder, http::Response response, std::string_view why) {
  metrics_
      .counter("klieg_room_refused_total", "requests for a room that were refused, by reason",
               {{"reason", std::string(why)}})
      .Increment();
  responder.respond(std::move(response));
}

void Server::serve(const http::Request& request, std::unique_ptr<media::Pass> pass, http::Responder responder) {
  auto offer = http::read_websocket_offer(request, wire::room::subprotocol);
  if (!offer) return refuse(std::move(responder), std::move(offer.error()), "malformed");
  if (stopping_ || visitors_.size() + entering_ >= limits_.viewers_max) {
    return refuse(std::move(responder), http::Response::text(503, "no more viewers fit into rooms here; ask again"),
                  stopping_ ? "stopped" : "full");
  }
  const std::string channel(wire::live_channel_of(request.path, path_end));
  Shown shown{.invited = pass ? Invited::yes : Invited::no};
  if (const auto ticket = wire::room_ticket_in(request.query)) {
    auto judged = tickets_.judge(*ticket, channel, loop_.wall_now());
    if (judged.trust != wire::ClaimTrust::trusted) {
      return refuse(std::move(responder), http::Response::text(403, words_of(judged.trust)), "ticket");
    }
    shown.person = std::move(judged.person);
  }
  ++entering_;
  homes_.admit(request, channel, std::move(shown),
               [weak = std::weak_ptr(self_), offer = std::move(*offer), channel, pass = std::move(pass),
                responder = std::move(responder)](Result<Admitted, http::Response> admitted) mutable {
                 if (const auto self = weak.lock()) {
                   (*self)->enter(offer, channel, std::move(admitted), std::move(pass), std::move(responder));
                 }
               });
}

void Server::enter(const http::WebSocketOffer& offer, const std::string& channel,
                   Result<Admitted, http::Response> admitted, std::unique_ptr<media::Pass> pass,
                   http::Responder responder) {
  --entering_;
  if (pass && pass->over()) return refuse(std::move(responder), http::Response::text(403, link_is_over), "shown_out");
  if (!admitted) return refuse(std::move(responder), std::move(admitted.error()), "not_admitted");
  if (stopping_) return refuse(std::move(responder), http::Response::text(503, "the server is going"), "stopped");
  if (responder.viewer_gone()) return;
  const std::shared_ptr<Hall> hall = hall_of(channel, admitted->topic);
  auto connection = responder.upgrade(offer);
  if (!connection) return;  // it left meanwhile, or was told why not
  const auto visitor =
      std::make_shared<Visitor>(*this, hall, std::move(admitted->person), std::move(pass), std::move(connection));
  visitors_.insert(visitor);
  viewers_.Increment();
  visitor->start();
}

std::shared_ptr<Server::Hall> Server::hall_of(const std::string& channel, const std::string& topic) {
  std::shared_ptr<Hall>& hall = halls_[name_of_room(topic)];
  if (hall) return hall;
  const auto wall_ms = std::chrono::floor<std::chrono::milliseconds>(loop_.wall_now().time_since_epoch()).count();
  run_ = std::max(run_ + 1, static_cast<uint64_t>(wall_ms));
  hall = std::make_shared<Hall>(*this);
  hall->empty_since = loop_.now();
  hall->way_up = homes_.join(channel, topic, node_);
  hall->gallery.connected();
  if (halls_.size() == 1) timer_.arm(loop_.now() + Gallery::turn_every);
  return hall;
}

void Server::on_told(const std::string& topic, const std::vector<Told>& told) {
  const auto found = halls_.find(name_of_room(topic));
  if (found == halls_.end()) return;
  Hall& hall = *found->second;
  Gallery& gallery = hall.gallery;
  for (const Told& one : told) {
    if (std::holds_alternative<RoomMoved>(one)) gallery.move();
    if (std::holds_alternative<ObjectOpened>(one)) {
      gallery.begin_object();
      hall.readable = true;
    }
    if (const auto* more = std::get_if<ObjectContinued>(&one); more && hall.readable) {
      const auto heard = gallery.hear(more->content, loop_.now());
      hall.readable = heard.has_value();
      if (!heard) {
        logging::warning("what a room is told is not understood; waiting for the next object of its log",
                         {{"room", topic}, {"why", heard.error().message}});
      }
    }
    if (const auto* answer = std::get_if<media::BatchAnswer>(&one)) {
      gallery.hear(*answer);
      visits_.renew();  // who asked
    }
    if (const auto* desk = std::get_if<DeskHeard>(&one)) {
      gallery.hear_desk(desk->event);
      visits_.renew();  // who is something else now
    }
    if (std::holds_alternative<NotTaken>(one) || std::holds_alternative<WayLost>(one)) gallery.disconnected();
    if (std::holds_alternative<WayFound>(one)) gallery.connected();
    if (std::holds_alternative<NotTaken>(one)) hall.lost = true;
  }
  tell(hall);
}

void Server::tell(Hall& hall) {
  if (loop_.now() < hall.told + Gallery::turn_every || !hall.gallery.turn(loop_.now())) return;
  hall.told = loop_.now();
  visits_.renew();
}

void Server::tell_operator(size_t pushes) {
  sent_bytes_.Increment(static_cast<double>(std::exchange(bytes_, 0)));
  sent_pushes_.Increment(static_cast<double>(pushes));
}

void Server::say(Hall& hall) {
  if (auto batches = hall.gallery.to_send(loop_.now()); !batches.empty()) hall.way_up->send(std::move(batches));
}

bool Server::is_done_with(const Hall& hall) const {
  if (!hall.visitors.empty()) return false;
  return hall.gallery.state().over() ||
         (loop_.now() - hall.empty_since >= limits_.kept_empty && hall.gallery.all_is_safe());
}

void Server::turn() {
  const LoopTime now = loop_.now();
  const bool looks_after = now >= looked_after_ + look_after_every;
  for (const auto& [_, hall] : halls_) {
    tell(*hall);
    if (looks_after && std::exchange(hall->lost, false)) hall->gallery.connected();
    if (looks_after) hall->way_up->attend(hall->gallery.moderators() > 0 ? Desk::attended : Desk::empty);
    say(*hall);
  }
  if (looks_after) {
    looked_after_ = now;
    visits_.renew();
  }
  std::erase_if(halls_, [&](const auto& hall) { return is_done_with(*hall.second); });
  if (!halls_.empty()) timer_.arm(now + Gallery::turn_every);
}

void Server::stop(std::move_only_function<void()> done) {
  stopping_ = true;
  stopped_ = std::move(done);
  for (const auto& visitor : std::vector(visitors_.begin(), visitors_.end())) {
    visitor->stop();
  }
  if (visitors_.empty() && stopped_) loop_.post(std::exchange(stopped_, nullptr));
}

void Server::remove(const std::shared_ptr<Visitor>& visitor, http::WebSocketEnd end) {
  metrics_
      .counter("klieg_room_visits_ended_total", "viewers who are no more in a room, by outcome",
               {{"outcome", std::string(name_of(end))}})
      .Increment();
  viewers_.Decrement();
  visitors_.erase(visitor);
  if (stopping_ && visitors_.empty() && stopped_) loop_.post(std::exchange(stopped_, nullptr));
}

}  // namespace klieg::audience
