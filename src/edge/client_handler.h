// Whoever answers HTTP requests in this process and on this loop, as a parent: the origin beside its cache.
//
// Its answers are not copied: an object shares the log that the parent answered with, and grows as that grows.
//
// Owner: the loop's shard. Thread: that loop.
#pragma once

#include <memory>

#include "edge/upstream.h"
#include "http/server.h"
#include "net/loop.h"

namespace klieg::edge {

class HandlerParent final : public Upstream {
 public:
  HandlerParent(net::Loop& loop, http::Handler& handler) : loop_(loop), handler_(handler) {}

  std::unique_ptr<Fetch> fetch(FetchRequest request, FetchHandler& handler) override;

 private:
  class LocalFetch;

  net::Loop& loop_;
  http::Handler& handler_;
};

}  // namespace klieg::edge
