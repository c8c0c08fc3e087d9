#include "player/client_requests.h"

#include <utility>

namespace klieg::player {

Requests::Requests(net::Loop& loop, http::Client& client, std::unique_ptr<Viewer> viewer, Sink& sink)
    : loop_(loop), viewer_(std::move(viewer)), sink_(sink), fetch_(loop, client), timer_(loop, [this] { ask(); }) {
  ask_next();
}

void Requests::ask_next() {
  auto wanted = viewer_->next(loop_.now());
  if (!wanted) return sink_.on_over({});
  wanted_ = *std::move(wanted);
  timer_.arm(wanted_.at);
}

void Requests::ask() {
  Fetch::Grew grew;
  if (wanted_.body == Body::growing) {
    grew = [this](const Answered& so_far, ByteView piece) {
      for (const Received& received : viewer_->grew(so_far, piece, loop_.now())) sink_.on_received(received);
    };
  }
  const auto done = [this](Result<Answered> answered) {
    if (!answered) return sink_.on_over(std::unexpected(answered.error()));
    const auto received = viewer_->take(*answered);
    if (!received) return sink_.on_over(std::unexpected(received.error()));
    if (*received) sink_.on_received(**received);
    ask_next();
  };
  fetch_.ask(wanted_.target, done, std::move(grew));
}

}  // namespace klieg::player
