// RTMP connections of one loop: joins each net::Connection to its Session, and the session to whoever decides (Gate)
// and whoever takes the media (Publication).
//
// The broadcast may live on another loop than the connection. So everything that crosses is a value, or is made to be
// posted: the answer to a claim may come from any loop, a Publisher may be called from any loop, and a Delivery may die
// on any loop. A Gate whose broadcasts live on `home` posts there:
//
//   void claim(PublishRequest request, Answer answer) { home.post([...] { ...; answer(std::move(publication)); }); }
//   void on_message(MediaMessage m, Delivery d) { home.post([...] { broadcast.take(m); }); }   // d dies with the work
//
// One that asks to play is no business of ingest: the Gate takes the connection, and nothing is left of it here. Who is
// let in is the doorman's to say, of encoders and players alike; who is not is told why where it asks for something.
//
// Memory per connection: what the session holds (see session.h), the media that was handed out and whose Delivery still
// lives, at most in_flight_bytes_max and one message more (the connection is not read while there is more), and at most
// unsent_bytes_max of answers it does not read.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "base/metrics.h"
#include "base/result.h"
#include "ingest/session.h"
#include "ingest/slots.h"
#include "media/ports.h"
#include "net/connection.h"
#include "net/doorman.h"
#include "net/loop.h"

namespace klieg::ingest {

class ServerConnection;

// Back to the publisher, from any loop. After its connection is gone its calls do nothing.
//
// RTMP has no message that asks an encoder for a key frame or a bitrate (Enhanced RTMP v2 adds only the reconnect
// request), so those two are not sent: the encoder cannot, and none would understand an invented one.
class Publisher : public media::PublisherPort {
 public:
  Publisher(net::Loop& loop, std::weak_ptr<ServerConnection> connection)
      : loop_(loop), connection_(std::move(connection)) {}

  // Tells the encoder why and closes: a codec that is not accepted, a takeover.
  void refuse(Refusal refusal);

  void request_key_frame() override {}
  void suggest_bitrate(uint32_t) override {}
  void reconnect_elsewhere(const std::string& tc_url) override;  // sent if the encoder said that it can

 private:
  net::Loop& loop_;
  std::weak_ptr<ServerConnection> connection_;
};

// What a connection has handed out and not got back. Shared with the loops that have it.
struct InFlight {
  std::atomic<size_t> bytes{0};
  std::atomic<bool> waited_for{false};
  net::Loop* loop = nullptr;
  std::weak_ptr<ServerConnection> connection;
};

// Goes with a message; its end, on whichever loop, says that the message has been dealt with.
class Delivery {
 public:
  Delivery(std::shared_ptr<InFlight> in_flight, size_t bytes);
  Delivery(Delivery&& other) noexcept = default;
  Delivery& operator=(Delivery&&) = delete;
  ~Delivery();

 private:
  std::shared_ptr<InFlight> in_flight_;
  size_t bytes_;
};

// An accepted publisher's way into its broadcast. Lives and is called on the connection's loop; on_gone is the last
// call, and always comes.
class Publication {
 public:
  virtual ~Publication() = default;
  virtual void on_message(MediaMessage message, Delivery delivery) = 0;
  virtual void on_gone(Departure why) = 0;
};

struct PublishRequest {
  std::string app;
  std::string key;         // never to be logged
  std::string parameters;  // behind the stream's name, with the key if it is one of them
  std::string peer;        // "203.0.113.7:40312"
  std::string encoder;
  bool encrypted = false;
  std::shared_ptr<Publisher> publisher;
};

struct Accepted {
  std::string channel;  // for the log
  std::unique_ptr<Publication> publication;
};
using ClaimAnswer = std::move_only_function<void(Result<Accepted, Refusal>)>;

// Decides who may publish, and takes who wants to watch; implemented where the world is built.
class Gate {
 public:
  virtual ~Gate() = default;
  // `answer` is to be called once, now or later, from any loop; destroyed uncalled it leaves the encoder to its
  // deadline. If the connection is gone by then, the publication is told so at once.
  virtual void claim(PublishRequest request, ClaimAnswer answer) = 0;
  // The connection has a new owner, who start()s it anew.
  virtual void play(wire::rtmp::PlayRequest request, std::unique_ptr<net::Connection> connection) = 0;
};

struct ServerLimits {
  SessionLimits session;
  // A second of a 32 Mbit/s broadcast: the home loop is that late only when something is wrong.
  size_t in_flight_bytes_max = 4 << 20;
  // Answers are about 500 bytes each; an encoder that lets a hundred of them wait does not read.
  size_t unsent_bytes_max = 64 << 10;
  // For a peer that does not take even what was queued before its connection was closed; it is reset then. While the
  // server stops, less: with words_linger before it, 3 s of the 4 s in which a whole server drains.
  Duration close_within = 5s;
  Duration close_within_stopping = 1s;
  // Who is not let in hears why; the more there are, the less it is to them. 64 sessions of a player hold 1 MiB.
  size_t turned_away_max = 64;       // at a time; others are closed at once
  Duration turned_away_within = 3s;  // the handshake and three questions; then words_linger
};

class Server {
 public:
  // `gate`, `metrics` and `doorman` outlive the server and the connections it gave away, and it its loop's last turn.
  // `doorman`: null where everybody is welcome. `seed` fills handshakes.
  Server(net::Loop& loop, Gate& gate, net::Doorman* doorman, Metrics& metrics, const ServerLimits& limits,
         uint64_t seed);
  ~Server();

  // For net::Listener's on_accept.
  void take(std::unique_ptr<net::Connection> connection);

  // Tells every encoder that the server stops (those that can are asked to connect again), and calls `done` when the
  // last is gone, at most words_linger and close_within_stopping later. New connections are turned away.
  void stop(std::move_only_function<void()> done);

  size_t connection_count() const { return connections_.size(); }

 private:
  friend class ServerConnection;
  enum class Reception : uint8_t { welcome, turned_away };
  void receive(std::unique_ptr<net::Connection> connection, Reception reception);
  void turn_away(std::unique_ptr<net::Connection> connection);
  SessionLimits limits_of(Reception reception) const;
  void count_refusal(RefusalReason reason);
  void remove(const std::shared_ptr<ServerConnection>& connection);

  net::Loop& loop_;
  Gate& gate_;
  net::Doorman* const doorman_;
  ServerLimits limits_;
  Random random_;
  prometheus::Gauge& open_;
  prometheus::Gauge& publishing_;
  Metrics& metrics_;
  prometheus::Counter& received_bytes_;
  std::unordered_set<std::shared_ptr<ServerConnection>> connections_;
  size_t turned_away_ = 0;  // of connections_
  std::optional<LoopTime> silence_said_at_;
  std::move_only_function<void()> stopped_;
  bool stopping_ = false;
};

}  // namespace klieg::ingest
