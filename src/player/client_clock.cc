#include "player/client_clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "wire/utc.h"

namespace klieg::player {

ClockQuestion::ClockQuestion(net::Loop& loop, http::Client& client, std::string authority, net::Endpoint sender,
                             Done done)
    : loop_(loop),
      authority_(std::move(authority)),
      sender_(std::move(sender)),
      done_(std::move(done)),
      fetch_(loop, client) {
  shake_hands();
}

// Over TLS too: who hangs up before it says hello disturbs nobody.
void ClockQuestion::shake_hands() {
  net::connect(loop_, sender_, net::TlsClient::none, handshake_within,
               [this, asked = loop_.now()](const auto& connection) {
                 const Duration took = loop_.now() - asked;
                 if (connection) handshake_ = std::min(took, handshake_.value_or(took));
                 if (connection && ++shaken_ < handshakes) return shake_hands();
                 ask();
               });
}

void ClockQuestion::ask() {
  fetch_.ask("/time", [this](Result<Answered> answered) {
    if (!answered) return done_(std::unexpected(answered.error()));
    if (fetch_.ended() == http::ExchangeEnd::unreachable) {
      return done_(fail(fmt::format("{} cannot be reached", authority_)));
    }
    take(*answered);
    if (++asked_ < questions) return ask();
    clocks_.round_trip = std::min(clocks_.round_trip, handshake_.value_or(clocks_.round_trip));
    done_(clocks_);
  });
}

void ClockQuestion::take(const Answered& answered) {
  const Duration round_trip = answered.first_byte - answered.asked;
  if (asked_ > 0 && round_trip >= clocks_.round_trip) return;
  const std::string_view text = answered.body.text();
  const auto told = answered.status == 200 ? wire::read_utc(text.substr(0, text.find('\n'))) : std::nullopt;
  const WallTime then = told ? *told + round_trip / 2 : loop_.wall_now() - (loop_.now() - answered.first_byte);
  clocks_ = {.round_trip = round_trip,
             .loop_to_server_wall = then.time_since_epoch() - answered.first_byte.time_since_epoch()};
}

}  // namespace klieg::player
