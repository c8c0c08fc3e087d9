// Asks a server for its clock: five times, and believes the quickest answer (Cristian 1989).
#pragma once

#include <functional>
#include <memory>

#include "player/breakdown.h"
#include "player/client_address.h"
#include "player/client_fetch.h"

namespace klieg::player {

class ClockQuestion {
 public:
  using Done = std::move_only_function<void(Result<ClockRelation>)>;
  // A server that tells no time is taken to have ours. The error: it cannot be reached. Destroyed, it calls nothing.
  ClockQuestion(net::Loop& loop, http::Client& client, std::string authority, Done done);

 private:
  static constexpr int questions = 5;
  void ask();
  void take(const Answered& answered);

  net::Loop& loop_;
  const std::string authority_;
  Done done_;
  Fetch fetch_;
  int asked_ = 0;
  ClockRelation clocks_;
};

}  // namespace klieg::player
