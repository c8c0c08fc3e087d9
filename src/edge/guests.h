// Guests of private channels on one loop: whose token is good (wire/path_token.h), what was revoked, and who is here.
//
//   token ──wrong, expired, revoked──► refused
//      └──trusted──► let in ──left──────────────────────────────► gone
//                       └──revoked (media::GuestsRevoked), over──► told so, by his pass
//
// Nobody is asked about a token: the secret is that of all nodes, and revocations reach each of them as records of the
// topic revocations_topic, from the home down the tree (media/push.h).
//
// A token of an account is short, and renewed by any node for as long as guest_chain_life after it was first made: its
// ISSUED stays, so that a revocation ends the whole chain. A link is good for as long as it says and never renewed.
//
// A decider: no socket, no clock. Owner: the loop's shard. Thread: that loop.
// Limit: 100 bytes for each guest with something open; of revocations what the home says, at most viewers_max accounts
// of a channel one by one, then all of its guests at once, who have to ask for new tokens.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/time.h"
#include "media/pass.h"
#include "media/push.h"
#include "wire/path_token.h"

namespace klieg::edge {

// What every node subscribes to for as long as it lives.
constexpr std::string_view revocations_topic = "/revocations";

class Guests {
 public:
  static constexpr size_t viewers_max = 1'000;

  // An empty secret lets nobody in.
  explicit Guests(std::string_view secret) : key_(secret) {}
  // Before anybody comes.
  void set_secret(std::string_view secret) { key_ = wire::PathKey(secret); }
  Guests(const Guests&) = delete;
  Guests& operator=(const Guests&) = delete;

  enum class Verdict : uint8_t { trusted, expired, revoked, wrong };
  Verdict judge(const wire::TokenPath& path, WallTime now) const;

  // Asserted: the token was just found trusted.
  std::unique_ptr<media::Pass> let_in(const wire::TokenPath& path);

  struct Renewed {
    std::string token;
    WallTime expires;
  };
  // Asserted likewise. Of a link what there is.
  Renewed renew(const wire::TokenPath& path, WallTime now) const;

  void revoke(const media::GuestsRevoked& revoked);

  // Ends what is over by then; and when the next is.
  void expire(WallTime now);
  std::optional<WallTime> next_end() const;

 private:
  class Stay;
  struct Revoked {
    int64_t everybody_until_s = INT64_MIN;
    std::map<uint64_t, int64_t> until_s;  // by viewer
    bool concerns(const wire::Guest& guest) const;
  };

  wire::PathKey key_;
  std::map<std::string, Revoked, std::less<>> revoked_;  // by channel
  // By their end. Shared: a pass may be held by what is posted, which goes last.
  using Stays = std::multimap<WallTime, Stay*>;
  std::shared_ptr<Stays> stays_ = std::make_shared<Stays>();
};

}  // namespace klieg::edge
