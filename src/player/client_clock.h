// Asks a server for its clock: five times, and believes the quickest answer (Cristian 1989). The clock is that of the
// broadcast's home; who answers may be an edge that asks home for it, so how far it is to whoever sends media is the
// time of a TCP handshake.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "player/breakdown.h"
#include "player/client_address.h"
#include "player/client_fetch.h"

namespace klieg::player {

class ClockQuestion {
 public:
  using Done = std::move_only_function<void(Result<ClockRelation>)>;
  // `sender`: of the media. A server that tells no time is taken to have ours. The error: it cannot be reached. Nothing
  // is called once the loop has stopped, and it goes before the loop.
  ClockQuestion(net::Loop& loop, http::Client& client, std::string authority, net::Endpoint sender, Done done);

 private:
  static constexpr int questions = 5;
  static constexpr int handshakes = 3;
  static constexpr Duration handshake_within = 3s;
  void shake_hands();
  void ask();
  void take(const Answered& answered);

  net::Loop& loop_;
  const std::string authority_;
  const net::Endpoint sender_;
  Done done_;
  Fetch fetch_;
  int shaken_ = 0;
  int asked_ = 0;
  std::optional<Duration> handshake_;  // the quickest
  ClockRelation clocks_;
};

}  // namespace klieg::player
