// Publishers whose broadcast has its home on another node: what they send is passed on there, message by message as it
// came, and what the home says against them reaches them in its own words.
//
//   publisher ==RTMP==> the node it reached (ingest::Server, Relays) ==RTMP==> home (ingest::Server)
//
// The passing connection says for whom it is in its stream name, and proves that it comes from a node:
//
//   relay?key=KEY&peer=203.0.113.7:40312&hop=last&proof=...      all values percent-encoded
//
// hop=on: the node does not know keys; who does may pass it on once more. hop=last: who is asked is the home or says
// why it is not, so that a publisher is not sent round by nodes that have heard different things.
//
// Owner: the shard. Thread: its loop. Limit: what a publisher has sent and the home has not taken is what ingest lets
// one have in flight (ServerLimits::in_flight_bytes_max).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "edge/node_token.h"
#include "ingest/server.h"
#include "net/listener.h"
#include "net/loop.h"

namespace klieg::cli {

enum class Hop : uint8_t { on, last };

// What a connection says of whom it is passed on for.
struct PassedOn {
  std::string peer;
  Hop hop = Hop::last;
};

std::string relay_name_of(std::string_view key, const PassedOn& passed_on, const edge::NodeSecret& secret,
                          std::string_view node, WallTime now);

// nullopt: a publisher's own connection. An error: it claims to be a node's and is not believed; the words say why.
std::optional<Result<PassedOn>> passed_on_of(std::string_view key, std::string_view parameters,
                                             const edge::NodeSecret& secret, WallTime now);

struct RelayTo {
  std::string channel;  // for the log; empty: not known here
  std::string node;
  net::Endpoint rtmp;
  Hop hop = Hop::last;
};

class Relays {
 public:
  // A home that takes nothing for so long is not there: its node's, or the network's death says nothing by itself.
  static constexpr Duration taken_within = 5s;

  Relays(net::Loop& loop, const edge::NodeSecret& secret, std::string node, uint64_t seed);
  ~Relays();

  // Asks the home to take the publisher; `answer` is called once, later.
  void begin(ingest::PublishRequest request, RelayTo to, ingest::ClaimAnswer answer);

 private:
  class Relay;
  class ToRelay;

  net::Loop& loop_;
  const edge::NodeSecret& secret_;
  const std::string node_;
  Random random_;
  std::unordered_map<uint64_t, std::unique_ptr<Relay>> relays_;
  uint64_t last_ = 0;
};

}  // namespace klieg::cli
