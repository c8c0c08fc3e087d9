// A viewer on a real network: joins a tier's viewer, a Playout and a Breakdown to HTTP or to a connection, on a loop of
// its own.
#pragma once

#include <functional>
#include <optional>

#include "base/result.h"
#include "player/breakdown.h"
#include "player/client_address.h"
#include "player/playout.h"
#include "player/viewer.h"

namespace klieg::player {

struct ProbeOptions {
  Address address;
  Tier tier = Tier::ll_hls;
  Policy policy = AdaptiveBuffer{};
  std::optional<Duration> poll_every;  // of playlists that are polled; empty: as their standard wants it
  // Of what is pushed: where the server's clock and the broadcast's dates are asked for. Empty: manifest_of().
  std::optional<Address> manifest;
  Duration duration{0};  // 0: until the broadcast is over
};

// As it is now; valid during the call.
struct ProbeReport {
  const Breakdown& breakdown;
  const Account& account;
  const ClockRelation& clocks;
  // How far what is on the screen lies behind the server's clock, looked at ten times a second; the mean since playing
  // began. What the hops add up to, upload aside, measured at the other end. Empty before that.
  std::optional<Duration> behind;
};

// Watches, and blocks the calling thread while it does. `each_second` is told how it goes, `finally` once more with
// everything when it is over. The error says why there was nothing to see.
Result<void> probe(const ProbeOptions& options, const std::function<void(const ProbeReport&)>& each_second,
                   const std::function<void(const ProbeReport&)>& finally);

}  // namespace klieg::player
