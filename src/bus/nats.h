// The bus of several nodes: what one says, all of them hear, by way of a NATS server.
//
//   publish() --> the loops of this node, at once and also while the server is away
//           +---> waiting --the server is reached--> the other nodes
//
// Nodes of one Klieg have a prefix for their subjects, so that others may use the same server.
//
// While the server is away, of each subject only the newest message waits, and of more than queued_max the oldest goes.
// Whatever was handed to a connection that then broke may be lost as well. One that is lost is replaced at once, then
// with rests that grow; the servers are tried in turn. Nothing says who else hears, so messages repeat what matters.
//
// Thread: the connection lives on `home`, where Nats is made and dies, or when that loop has ended. The rest: bus.h.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/reconnecting.h"
#include "base/result.h"
#include "bus/bus.h"
#include "bus/in_process.h"
#include "bus/nats_session.h"
#include "net/connection.h"
#include "net/listener.h"

namespace klieg::bus {

struct NatsSettings {
  std::vector<net::Endpoint> servers;  // at least one
  wire::nats::Credentials credentials;
  std::string name;              // of this node, for the server's operator
  std::string prefix = "klieg";  // a subject
};

// "nats://[USER:PASSWORD@|TOKEN@]HOST[:PORT]", of one server: what it has passed on, it has passed on to all
// (Certainty). The error says what is wrong with the text, without what is secret in it.
Result<NatsSettings> nats_settings_of(std::string_view url);

class Nats final : public Bus, private net::ConnectionHandler {
 public:
  Nats(net::Loop& home, NatsSettings settings, uint64_t seed, Metrics& metrics);
  ~Nats() override;

  void publish(std::string_view subject, Bytes payload) override;
  // Other nodes are heard from when the server has been told, which takes a moment.
  std::unique_ptr<Subscription> subscribe(net::Loop& loop, std::string_view pattern, Loss loss,
                                          std::move_only_function<void(const Message&)> handler) override;

  std::optional<Certainty> certainty() const override { return certainty_; }
  // From any thread: the server is there, and all that was subscribed to and said before has been handed to it.
  bool caught_up() const;
  // On `home`: what is wrong with the way to the server, in words for the operator; empty: nothing.
  const std::string& trouble() const { return said_; }

 private:
  struct Wanted;
  class WantedSubscription;

  void connect();
  void adopt(std::unique_ptr<net::Connection> connection);
  void on_bytes(ByteView bytes) override;
  void on_drained() override { pump(); }
  void on_closed(net::Closed why) override;
  void hear(const wire::nats::Delivered& delivered);
  void on_timer();
  void react();
  void note_certainty();
  void pump();
  void flush();
  void lose(const std::string& why);
  const net::Endpoint& server() const { return settings_.servers[next_server_ % settings_.servers.size()]; }

  net::Loop& home_;
  const NatsSettings settings_;
  InProcess local_;
  std::shared_ptr<Wanted> wanted_;  // by whoever publishes and subscribes, on any loop
  Reconnecting reconnecting_;
  size_t next_server_ = 0;
  bool up_ = false;
  std::string said_;  // what was last said to be wrong
  net::Timer timer_;  // of the session, or of the rest before the next
  std::unique_ptr<net::Connection> connection_;
  std::optional<NatsSession> session_;
  // Whether all that was said stood before the question to the server that is not answered yet.
  enum class Asked : uint8_t { about_all, with_more_waiting } asked_ = Asked::about_all;
  std::optional<Certainty> certainty_;        // of this connection
  std::map<std::string, uint64_t> told_;      // patterns that this connection's server knows
  std::map<uint64_t, std::string> patterns_;  // the same by number
  uint64_t last_number_ = 0;
  prometheus::Gauge& connected_;
  prometheus::Gauge& lost_;
};

}  // namespace klieg::bus
