// A loop's push tier, joined to its cache: the same at home and on every edge.
//
// Owner: the loop's shard. Thread: that loop. Outlived by the engine, its server and the load.
#pragma once

#include <functional>
#include <memory>

#include "base/metrics.h"
#include "cli/push_source.h"
#include "edge/engine.h"
#include "edge/server.h"
#include "edge/server_load.h"
#include "http/server.h"
#include "net/loop.h"
#include "push/channels.h"
#include "push/server.h"
#include "push/server_fanout.h"
#include "push/server_websocket.h"

namespace klieg::cli {

class Pushing {
 public:
  Pushing(net::Loop& loop, edge::Engine& engine, edge::Server& cache, edge::LoopLoad& load, push::Admission& admission,
          Metrics& metrics);

  // Before the first viewer; without one everybody is a stranger.
  void ask_for_standing(push::Usher& usher) { websocket_.ask_for_standing(usher); }
  void play(wire::rtmp::PlayRequest request, std::unique_ptr<net::Connection> connection);
  // What is to be pushed is, everything else is the cache's.
  void serve(const http::Request& request, http::Responder responder);
  void stop(std::function<void()> stopped);

 private:
  // What is pushed to viewers counts in the loop's load like what they ask for.
  class Meter final : public push::Meter {
   public:
    explicit Meter(edge::LoopLoad& load) : load_(load) {}
    void viewer_came() override { load_.viewer_came(); }
    void viewer_left() override { load_.viewer_left(); }
    void sent(uint64_t bytes) override { load_.sent(bytes); }

   private:
    edge::LoopLoad& load_;
  };

  edge::Server& cache_;
  PushSource source_;
  push::Channels channels_;
  Meter meter_;
  push::Fanout fanout_;
  push::Server rtmp_;
  push::WebSocketServer websocket_;
};

}  // namespace klieg::cli
