// Where what arrives goes, whichever way it came: from a tier of requests or from a connection.
#pragma once

#include "base/result.h"
#include "player/viewer.h"

namespace klieg::player {

class Sink {
 public:
  virtual ~Sink() = default;
  virtual void on_received(const Received& received) = 0;
  // The last call: the broadcast is over, or the error says why nothing more comes.
  virtual void on_over(Result<void> how) = 0;
};

}  // namespace klieg::player
