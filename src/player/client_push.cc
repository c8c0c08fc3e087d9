#include "player/client_push.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "player/rtmp_viewer.h"
#include "player/websocket_viewer.h"
#include "wire/dash_reader.h"

namespace klieg::player {
namespace {

std::unique_ptr<PushViewer> make_viewer(const Address& address, uint64_t seed) {
  const std::string& authority = address.peer.authority;
  if (address.scheme == Scheme::http) return std::make_unique<WebSocketViewer>(authority, address.path, seed);
  const std::string_view path = std::string_view(address.path).substr(0, address.path.find('?'));
  const size_t slash = path.rfind('/');
  const std::string application(path.substr(1, slash - 1));
  const std::string_view scheme = address.peer.tls == net::TlsClient::none ? "rtmp" : "rtmps";
  return std::make_unique<RtmpViewer>(RtmpAddress{.application = application,
                                                  .name = address.path.substr(slash + 1),
                                                  .tc_url = fmt::format("{}://{}/{}", scheme, authority, application)},
                                      seed);
}

}  // namespace

PushedTo::PushedTo(net::Loop& loop, http::Client& client, const Address& address, const Address& manifest,
                   const ClockRelation& clocks, Sink& sink)
    : loop_(loop),
      address_(address),
      manifest_(manifest),
      clocks_(clocks),
      sink_(sink),
      fetch_(loop, client),
      dates_timer_(loop, [this] { ask_for_dates(); }),
      silence_timer_(loop, [this] { stop_with(fail(fmt::format("nothing came for {} s", to_seconds(silence_max)))); }) {
  ask_for_dates();
}

void PushedTo::ask_for_dates() {
  fetch_.ask(manifest_.path, [this](Result<Answered> answered) {
    if (!answered) return stop_with(std::unexpected(answered.error()));
    take_dates(*answered);
  });
}

// Once there are dates, they are good enough until there are better ones.
void PushedTo::take_dates(const Answered& answered) {
  dates_timer_.arm(loop_.now() + dates_every);
  const auto manifest = wire::dash::read_manifest(answered.body.text());
  const auto dates = answered.status == 200 && manifest ? Dates::of(*manifest) : std::nullopt;
  if (dates_) {
    if (dates) dates_ = dates;
    return;
  }
  if (answered.status != 200) {
    return stop_with(fail(fmt::format("{} answers {}, and nothing else says when what is pushed came in: is it live?",
                                      manifest_.path, answered.status)));
  }
  if (!manifest) return stop_with(fail(fmt::format("{}: {}", manifest_.path, manifest.error().message)));
  if (!dates) return stop_with(fail(fmt::format("{} names no media", manifest_.path)));
  dates_ = dates;
  connect();
}

void PushedTo::connect() {
  silence_timer_.arm(loop_.now() + silence_max);
  net::connect(loop_, address_.peer.endpoint, address_.peer.tls, connect_within, [this](auto connection) {
    if (!connection) {
      return stop_with(
          fail(fmt::format("{} cannot be reached: {}", address_.peer.authority, connection.error().message)));
    }
    asked_ = loop_.now();
    viewer_ = make_viewer(address_, static_cast<uint64_t>(loop_.wall_now().time_since_epoch().count()));
    connection_ = std::move(*connection);
    connection_->start(*this);
    react();
  });
}

void PushedTo::on_bytes(ByteView bytes) {
  silence_timer_.arm(loop_.now() + silence_max);
  viewer_->receive(bytes, loop_.now());
  react();
}

void PushedTo::on_closed(net::Closed) {
  connection_.reset();
  viewer_->lost();
  react();
}

void PushedTo::react() {
  const std::vector<Bytes> output = viewer_->take_output();
  if (connection_ && !output.empty()) connection_->write(output);
  for (const Pushed& pushed : viewer_->take_pushed()) take(pushed);
  if (viewer_->end()) stop_with(*viewer_->end());
}

void PushedTo::take(const Pushed& pushed) {
  const auto begins = dates_->wall_of(pushed.from);
  if (!let_in_) let_in_ = pushed.first_byte - clocks_.round_trip / 2;
  if (!begins || *begins + pushed.duration < clocks_.server_wall(*let_in_)) return;
  Received received{.begins = *begins,
                    .duration = pushed.duration,
                    .captured = pushed.captured,
                    .told = {},
                    .transfer = {},
                    .holds = pushed.holds};
  received.transfer.asked = asked_;
  received.transfer.first_byte = pushed.first_byte;
  received.transfer.last_byte = pushed.last_byte;
  sink_.on_received(received);
}

void PushedTo::stop_with(Result<void> how) {
  dates_timer_.cancel();
  silence_timer_.cancel();
  connection_.reset();
  sink_.on_over(std::move(how));
}

}  // namespace klieg::player
