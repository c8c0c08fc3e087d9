#include "ingest/server.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/logging.h"

namespace klieg::ingest {
namespace {

// What a message costs beside its body while it is in flight: the value, the posted work, the heap's own.
constexpr size_t message_overhead_bytes = 256;

// Of the log line about those who are closed without a word: whoever makes them makes many.
constexpr Duration silence_said_every = 10s;

const Refusal too_many_here{RefusalReason::too_many_here, "too many connections from this address are open"};

}  // namespace

// One connection: born by Server::take, lives on the server's loop, dies in on_closed.
class ServerConnection : public net::ConnectionHandler, public std::enable_shared_from_this<ServerConnection> {
 public:
  ServerConnection(Server& server, std::unique_ptr<net::Connection> connection, Server::Reception reception)
      : server_(server),
        connection_(std::move(connection)),
        reception_(reception),
        session_(server.limits_of(reception), server.random_.next(), server.loop_.now(), server.loop_.wall_now()),
        timer_(server.loop_, [this] { wake(); }),
        in_flight_(std::make_shared<InFlight>()) {}

  ~ServerConnection() override { depart(Departure::lost); }

  void start() {
    in_flight_->loop = &server_.loop_;
    in_flight_->connection = weak_from_this();
    connection_->start(*this);
    pump();
  }

  void on_bytes(ByteView bytes) override {
    if (closing_) return;
    server_.received_bytes_.Increment(static_cast<double>(bytes.size()));
    session_.receive(bytes, now());
    pump();
  }

  void on_closed(net::Closed why) override {
    const auto self = shared_from_this();
    closing_ = true;  // nothing is to be written any more
    session_.end(SessionEnd::left, why == net::Closed::tls_failed ? "TLS failed" : "");
    pump();
    timer_.cancel();
    server_.remove(self);
  }

  void refuse(const Refusal& refusal) {
    if (session_.state() != SessionState::publishing) return;
    session_.refuse(refusal, now());
    depart(Departure::lost);
    pump();
  }

  void reconnect(const std::string& tc_url) {
    const bool asked = session_.request_reconnect(tc_url);
    logging::info(asked ? "publisher asked to reconnect" : "publisher cannot be asked to reconnect",
                  {{"channel", channel_}, {"peer", connection_->peer()}, {"encoder", session_.encoder()}});
    pump();
  }

  // Those that understand go by themselves; the rest hear why.
  void stop() {
    if (closing_) {
      closed_by_ = std::min(closed_by_, now() + server_.limits_.close_within_stopping);
      return arm();
    }
    if (session_.state() != SessionState::publishing) {
      session_.end(SessionEnd::stopped);
    } else if (!session_.request_reconnect("")) {
      return refuse({RefusalReason::stopping, "the server is stopping; connect again in a moment"});
    }
    stop_at_ = now() + server_.limits_.session.words_linger;
    pump();
  }

  void delivered() { pump(); }

  Server::Reception reception() const { return reception_; }

 private:
  LoopTime now() const { return server_.loop_.now(); }

  // After anything that may have moved the session.
  void pump() {
    const auto self = shared_from_this();  // close() may call on_closed at once
    while (std::optional<SessionEvent> event = session_.next_event()) {
      std::visit([this](auto& e) { on_event(std::move(e)); }, *event);
    }
    if (!connection_) return;  // handed over
    std::vector<Bytes> output = session_.take_output();
    if (!closing_ && !output.empty()) {
      connection_->write(output);
      if (connection_->unsent() > server_.limits_.unsent_bytes_max) {
        session_.end(SessionEnd::not_reading);
        return pump();
      }
    }
    if (!closing_ && session_.state() == SessionState::closed) {
      closing_ = true;
      closed_by_ = now() + (server_.stopping_ ? server_.limits_.close_within_stopping : server_.limits_.close_within);
      end_ == SessionEnd::not_reading ? connection_->abort() : connection_->close();
    }
    adjust_reading();
    arm();
  }

  void on_event(PublishAsked asked) {
    if (reception_ == Server::Reception::turned_away) return session_.refuse(too_many_here, now());
    PublishRequest request{std::move(asked.app),
                           std::move(asked.key),
                           std::move(asked.parameters),
                           connection_->peer(),
                           std::move(asked.encoder),
                           connection_->encrypted(),
                           std::make_shared<Publisher>(server_.loop_, weak_from_this())};
    server_.gate_.claim(std::move(request), [weak = weak_from_this(), &loop = server_.loop_](auto answer) {
      loop.post([weak, answer = std::move(answer)]() mutable {
        if (auto self = weak.lock()) {
          self->answered(std::move(answer));
        } else if (answer) {
          answer->publication->on_gone(Departure::lost);
        }
      });
    });
  }

  void on_event(PlayAsked) {
    if (closing_) return;
    if (reception_ == Server::Reception::turned_away) return session_.refuse(too_many_here, now());
    if (std::vector<Bytes> said = session_.take_output(); !said.empty()) connection_->write(said);
    timer_.cancel();
    closing_ = true;
    server_.remove(shared_from_this());
    server_.gate_.play(session_.hand_over(), std::move(connection_));
  }

  void answered(Result<Accepted, Refusal> answer) {
    if (session_.state() != SessionState::claiming) {  // too late for this encoder
      if (answer) answer->publication->on_gone(Departure::lost);
      return;
    }
    if (answer) {
      channel_ = std::move(answer->channel);
      publication_ = std::move(answer->publication);
      server_.publishing_.Increment();
      logging::info("publisher accepted", {{"channel", channel_},
                                           {"peer", connection_->peer()},
                                           {"encoder", session_.encoder()},
                                           {"encrypted", connection_->encrypted()}});
      session_.accept(now());
    } else {
      session_.refuse(answer.error(), now());
    }
    pump();
  }

  void on_event(MediaMessage message) {
    if (!publication_) return;
    const size_t bytes = message.body.size() + message_overhead_bytes;
    publication_->on_message(std::move(message), Delivery(in_flight_, bytes));
  }

  void on_event(const Refused& event) {
    const Refusal& refusal = event.refusal;
    server_.count_refusal(refusal.reason);
    const bool welcome = reception_ == Server::Reception::welcome;
    logging::warning(welcome ? "publisher refused" : "RTMP connection turned away",
                     {{"reason", name_of(refusal.reason)},
                      {"words", refusal.words},
                      {"channel", channel_.empty() ? refusal.channel : channel_},
                      {"peer", connection_->peer()},
                      {"encoder", session_.encoder()}});
  }

  void on_event(Unpublished) { depart(Departure::unpublished); }

  void on_event(const SessionEnded& ended) {
    depart(Departure::lost);
    end_ = ended.why;
    server_.metrics_
        .counter("klieg_ingest_sessions_ended_total", "RTMP connections that ended, by outcome",
                 {{"outcome", std::string(name_of(ended.why))}})
        .Increment();
    logging::info("RTMP connection ended", {{"channel", channel_},
                                            {"peer", connection_->peer()},
                                            {"encoder", session_.encoder()},
                                            {"outcome", name_of(ended.why)},
                                            {"words", ended.words},
                                            {"bytes", session_.bytes_received()}});
  }

  void depart(Departure why) {
    if (!publication_) return;
    server_.publishing_.Decrement();
    logging::info("publisher gone", {{"channel", channel_},
                                     {"peer", connection_->peer()},
                                     {"encoder", session_.encoder()},
                                     {"why", why == Departure::unpublished ? "unpublished" : "lost"}});
    std::exchange(publication_, nullptr)->on_gone(why);
  }

  void adjust_reading() {
    if (closing_) return;
    bool wanted = session_.wants_bytes();
    if (wanted && in_flight_->bytes > (reading_ ? server_.limits_.in_flight_bytes_max : resume_below())) {
      in_flight_->waited_for = true;
      // What was delivered between the two lines above told nobody.
      wanted = in_flight_->bytes <= resume_below() && in_flight_->waited_for.exchange(false);
    }
    if (wanted == reading_) return;
    reading_ = wanted;
    reading_ ? connection_->resume_reading() : connection_->pause_reading();
  }

  size_t resume_below() const { return server_.limits_.in_flight_bytes_max / 2; }

  // Bytes only ever move the time of waking further away, so a timer that fires too early and is armed again costs less
  // than one that is moved at every read.
  void arm() {
    std::optional<LoopTime> when = closing_ ? std::optional(closed_by_) : session_.wake_at();
    if (!closing_ && stop_at_ && (!when || *stop_at_ < *when)) when = stop_at_;
    if (!when || (armed_for_ && *armed_for_ <= *when)) return;
    armed_for_ = when;
    timer_.arm(*when);
  }

  void wake() {
    armed_for_.reset();
    if (closing_) {
      if (now() >= closed_by_) return connection_->abort();
      return arm();
    }
    if (stop_at_ && now() >= *stop_at_) session_.end(SessionEnd::stopped);
    session_.wake(now());
    pump();
  }

  Server& server_;
  std::unique_ptr<net::Connection> connection_;
  const Server::Reception reception_;
  Session session_;
  net::Timer timer_;
  std::shared_ptr<InFlight> in_flight_;
  std::unique_ptr<Publication> publication_;
  std::string channel_;
  SessionEnd end_ = SessionEnd::left;
  bool reading_ = true;
  bool closing_ = false;  // close() or abort() was called; only on_closed is to come
  LoopTime closed_by_;
  std::optional<LoopTime> stop_at_;
  std::optional<LoopTime> armed_for_;
};

void Publisher::refuse(Refusal refusal) {
  loop_.post([weak = connection_, refusal = std::move(refusal)] {
    if (const auto connection = weak.lock()) connection->refuse(refusal);
  });
}

void Publisher::reconnect_elsewhere(const std::string& tc_url) {
  loop_.post([weak = connection_, tc_url] {
    if (const auto connection = weak.lock()) connection->reconnect(tc_url);
  });
}

Delivery::Delivery(std::shared_ptr<InFlight> in_flight, size_t bytes)
    : in_flight_(std::move(in_flight)), bytes_(bytes) {
  in_flight_->bytes += bytes;
}

Delivery::~Delivery() {
  if (!in_flight_) return;  // moved from
  in_flight_->bytes -= bytes_;
  // Posted at every delivery while the connection waits, not only below the mark: the connection knows its mark.
  if (!in_flight_->waited_for.exchange(false)) return;
  // Work that dies with its loop may outlive the connection's loop; never the connection, which is gone before it.
  if (in_flight_->connection.expired()) return;
  in_flight_->loop->post([weak = in_flight_->connection] {
    if (const auto connection = weak.lock()) connection->delivered();
  });
}

Server::Server(net::Loop& loop, Gate& gate, net::Doorman* doorman, Metrics& metrics, const ServerLimits& limits,
               uint64_t seed)
    : loop_(loop),
      gate_(gate),
      doorman_(doorman),
      limits_(limits),
      random_(seed),
      open_(metrics.gauge("klieg_ingest_connections", "open RTMP connections")),
      publishing_(metrics.gauge("klieg_ingest_publishers", "RTMP connections that publish")),
      metrics_(metrics),
      received_bytes_(metrics.counter("klieg_ingest_received_bytes_total", "bytes received from encoders")) {}

Server::~Server() { open_.Decrement(static_cast<double>(connections_.size())); }

void Server::take(std::unique_ptr<net::Connection> connection) {
  if (stopping_) return;  // closed by its destruction
  if (!doorman_) return receive(std::move(connection), Reception::welcome);
  if (doorman_->arrives(connection->peer()) != net::Doorman::Word::welcome) return turn_away(std::move(connection));
  connection->keep(net::farewell(*doorman_, connection->peer()));
  receive(std::move(connection), Reception::welcome);
}

void Server::receive(std::unique_ptr<net::Connection> connection, Reception reception) {
  auto taken = std::make_shared<ServerConnection>(*this, std::move(connection), reception);
  connections_.insert(taken);
  open_.Increment();
  taken->start();
}

void Server::turn_away(std::unique_ptr<net::Connection> connection) {
  if (!connection->encrypted() && turned_away_ < limits_.turned_away_max) {
    ++turned_away_;
    return receive(std::move(connection), Reception::turned_away);
  }
  count_refusal(too_many_here.reason);
  if (silence_said_at_ && loop_.now() < *silence_said_at_ + silence_said_every) return;
  silence_said_at_ = loop_.now();
  logging::warning("RTMP connections are closed without a word",
                   {{"words", too_many_here.words}, {"peer", connection->peer()}});
}

SessionLimits Server::limits_of(Reception reception) const {
  SessionLimits limits = limits_.session;
  if (reception == Reception::turned_away) limits.publish_within = limits_.turned_away_within;
  return limits;
}

void Server::count_refusal(RefusalReason reason) {
  metrics_
      .counter("klieg_ingest_refusals_total", "publishers and players that were refused, by reason",
               {{"reason", std::string(name_of(reason))}})
      .Increment();
}

void Server::stop(std::move_only_function<void()> done) {
  stopping_ = true;
  stopped_ = std::move(done);
  const std::vector<std::shared_ptr<ServerConnection>> all(connections_.begin(), connections_.end());
  for (const auto& connection : all) connection->stop();
  if (connections_.empty() && stopped_) loop_.post(std::exchange(stopped_, nullptr));
}

void Server::remove(const std::shared_ptr<ServerConnection>& connection) {
  if (connections_.erase(connection) == 0) return;
  if (connection->reception() == Reception::turned_away) --turned_away_;
  open_.Decrement();
  if (stopping_ && connections_.empty() && stopped_) loop_.post(std::exchange(stopped_, nullptr));
}

}  // namespace klieg::ingest
