// A tier of requests on the network: asks for what a Viewer wants, one thing after the other.
#pragma once

#include <memory>

#include "player/client_fetch.h"
#include "player/client_sink.h"

namespace klieg::player {

class Requests {
 public:
  Requests(net::Loop& loop, http::Client& client, std::unique_ptr<Viewer> viewer, Sink& sink);

 private:
  void ask_next();
  void ask();

  net::Loop& loop_;
  std::unique_ptr<Viewer> viewer_;
  Sink& sink_;
  Fetch fetch_;
  Wanted wanted_;
  net::Timer timer_;
};

}  // namespace klieg::player
