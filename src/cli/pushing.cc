#include "cli/pushing.h"

#include <utility>

namespace klieg::cli {

Pushing::Pushing(net::Loop& loop, edge::Engine& engine, edge::Server& cache, edge::LoopLoad& load,
                 push::Admission& admission, Metrics& metrics)
    : cache_(cache),
      source_(loop, engine, cache),
      channels_(source_),
      meter_(load),
      fanout_(loop, metrics, &meter_),
      rtmp_(loop, channels_, fanout_, admission, metrics),
      websocket_(loop, channels_, fanout_, admission, metrics) {}

void Pushing::play(wire::rtmp::PlayRequest request, std::unique_ptr<net::Connection> connection) {
  rtmp_.take(std::move(request), std::move(connection));
}

void Pushing::serve(const http::Request& request, http::Responder responder) {
  if (!push::WebSocketServer::is_its(request.path)) return cache_.serve(request, std::move(responder));
  if (cache_.admit(request, responder)) websocket_.serve(request, std::move(responder));
}

void Pushing::stop(std::function<void()> stopped) {
  rtmp_.stop([this, stopped = std::move(stopped)]() mutable { websocket_.stop(std::move(stopped)); });
}

}  // namespace klieg::cli
