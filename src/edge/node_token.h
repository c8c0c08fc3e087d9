// How nodes prove to each other that they are of one system: each request says who asks, and proves that whoever asks
// knows the secret that all nodes share.
//
//   klieg-node: id=fra-1, t=1700000000, mac=:base64:        a dictionary of RFC 9651
//
//   mac = HMAC-SHA256(secret, "klieg-node" LF method LF target LF t LF id)
//
// A proof is for one request (its method and target as sent, path and query) and for a minute either way, as clocks of
// nodes differ. Within it the same request can be made again by who overheard it; since it only reads, that gives away
// what was overheard. It proves nothing about what else the request says. Who needs more speaks TLS.
//
// Pure: no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace klieg::edge {

constexpr std::string_view node_header = "klieg-node";
constexpr Duration node_clock_difference_max = 60s;  // NTP keeps a second; a minute is a machine that lost it
constexpr size_t node_id_size_max = 64;

enum class NodeTrust : uint8_t {
  trusted,
  absent,     // the request claims nothing: a viewer's
  malformed,  // not a token of this form, or more than one
  stale,      // made with our secret, but not for this minute: the clocks of the two machines differ
  wrong,      // made for another request, or with another secret
};
constexpr size_t node_trusts = 5;
std::string_view name_of(NodeTrust trust);  // the label of a metric

class NodeSecret {
 public:
  // Empty: this node believes nobody and says nothing of itself.
  explicit NodeSecret(std::string secret) : secret_(std::move(secret)) {}

  // The value of the header for a request of ours; empty: leave it out. Asserted: `id` is a token of at most
  // node_id_size_max characters (config sees to it).
  std::string token(std::string_view id, std::string_view method, std::string_view target, WallTime now) const;

  struct Judgement {
    NodeTrust trust = NodeTrust::absent;
    std::string id;  // of who is trusted or stale; of anybody else it would be a rumour
  };
  // `token`: the header's value, its lines joined by commas if there were several; empty: there is none.
  Judgement judge(std::optional<std::string_view> token, std::string_view method, std::string_view target,
                  WallTime now) const;

 private:
  std::string secret_;
};

}  // namespace klieg::edge
