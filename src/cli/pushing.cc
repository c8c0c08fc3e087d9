#include "cli/pushing.h"

#include <utility>

#include "wire/path_token.h"

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
  const push::PlayAddress address = push::read_play_address(request.connect.app, request.name);
  auto pass = address.token.empty() ? nullptr : cache_.pass_of(address.token, address.channel);
  rtmp_.take(std::move(request), std::move(pass), std::move(connection));
}

void Pushing::serve(const http::Request& request, http::Responder responder) {
  if (!push::WebSocketServer::is_its(wire::path_behind_token(request.path))) {
    return cache_.serve(request, std::move(responder));
  }
  auto entry = cache_.enter(request, responder);
  if (!entry) return;
  http::Request asked = request;
  asked.path = entry->path;
  websocket_.serve(asked, std::move(entry->pass), std::move(responder));
}

void Pushing::stop(std::function<void()> stopped) {
  rtmp_.stop([this, stopped = std::move(stopped)]() mutable { websocket_.stop(std::move(stopped)); });
}

}  // namespace klieg::cli
