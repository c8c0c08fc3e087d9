// A viewer on a real network: joins a tier's Viewer, a Playout and a Breakdown to an HTTP client, on a loop of its own.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/client.h"
#include "player/breakdown.h"
#include "player/playout.h"
#include "player/viewer.h"

namespace klieg::player {

struct Address {
  http::Peer peer;
  std::string path;  // and query; begins with '/'
};

// "http://HOST[:PORT]/PATH" or https. The error says what is wrong with the text.
Result<Address> parse_address(std::string_view url);

struct ProbeOptions {
  Address address;
  Tier tier = Tier::ll_hls;
  Policy policy = AdaptiveBuffer{};
  std::optional<Duration> poll_every;  // of playlists that are polled; empty: as their standard wants it
  Duration duration{0};                // 0: until the broadcast is over
};

// As it is now; valid during the call.
struct ProbeReport {
  const Breakdown& breakdown;
  const Account& account;
  const ClockRelation& clocks;
};

// Watches, and blocks the calling thread while it does. `each_second` is told how it goes, `finally` once more with
// everything when it is over. The error says why there was nothing to see.
Result<void> probe(const ProbeOptions& options, const std::function<void(const ProbeReport&)>& each_second,
                   const std::function<void(const ProbeReport&)>& finally);

}  // namespace klieg::player
