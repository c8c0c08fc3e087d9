// Tokens for what is not public: a guest's, and the links that a broadcaster hands out.
//
// They are dated so that they open what the channel shows now or next, and nothing that it showed before.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "studio/broadcast_records.h"
#include "studio/revocation_records.h"
#include "studio/server_exchange.h"
#include "wire/path_token.h"
#include "wire/utc.h"

namespace klieg::studio {
namespace {

constexpr int64_t hours_max = 24 * 366;  // token_life_max

WallTime dated(int64_t from_s, WallTime now) {
  return WallTime(std::chrono::seconds(std::max(from_s, wire::seconds_of(now))));
}

// Of what is live on the channel of this name, and is not public.
store::Outcome<std::optional<int64_t>> pass_from_s(store::Database& database, const std::string& name, int64_t viewer) {
  auto account = find_account(database, name);
  if (!account) return std::unexpected(std::move(account.error()));
  if (!*account) return std::nullopt;
  auto live = find_live_broadcast(database, (*account)->id);
  if (!live) return std::unexpected(std::move(live.error()));
  if (!*live || (*live)->visibility == Visibility::everyone) return std::nullopt;
  auto may = may_watch(database, **live, viewer, "");
  if (!may) return std::unexpected(std::move(may.error()));
  if (*may == MayWatch::not_there) return std::nullopt;
  return token_from_s(database, **live, static_cast<uint64_t>(viewer));
}

struct LinkFrom {
  std::string channel;
  std::optional<int64_t> from_s;
};

}  // namespace

void Server::make_pass(ExchangePtr exchange) {
  auto work = [name = *exchange->name, viewer = exchange->account()](store::Database& database) {
    return pass_from_s(database, name, viewer);
  };
  ask<std::optional<int64_t>>(
      std::move(exchange), "guests cannot be looked up", std::move(work),
      [this](Exchange& done, const std::optional<int64_t>& from_s) {
        if (!from_s) return done.refuse(no_such_thing);
        const WallTime issued = dated(*from_s, loop_.wall_now());
        const wire::Guest guest{static_cast<uint64_t>(done.account()), issued, issued + wire::guest_token_life};
        const auto for_s = std::chrono::duration_cast<std::chrono::seconds>(wire::guest_token_life).count();
        done.answer(response_of(200, {{"token", path_key_.sign(*done.name, guest)}, {"for_s", for_s}}));
      });
}

void Server::make_link(ExchangePtr exchange) {
  Fields fields(exchange->body);
  const auto hours = fields.number_if_any("hours");
  if (auto fault = fields.fault()) return exchange->refuse(*fault);
  if (hours && (*hours < 1 || *hours > hours_max)) {
    return exchange->refuse({422, "bad_hours", "a link is good for 1 to 8,784 hours", "hours"});
  }
  auto work = [account = exchange->account(),
               id = exchange->id](store::Database& database) -> store::Outcome<std::optional<LinkFrom>> {
    auto found = find_broadcast(database, id);
    if (!found) return std::unexpected(std::move(found.error()));
    if (!*found || (*found)->owner.id != account) return std::nullopt;
    if ((*found)->visibility == Visibility::everyone) return LinkFrom{(*found)->owner.name, {}};
    auto from_s = token_from_s(database, **found, by_link);
    if (!from_s) return std::unexpected(std::move(from_s.error()));
    return LinkFrom{(*found)->owner.name, *from_s};
  };
  constexpr int64_t usual_hours = 12;
  ask<std::optional<LinkFrom>>(
      std::move(exchange), "links cannot be made", std::move(work),
      [this, good_for = std::chrono::hours(hours.value_or(usual_hours))](Exchange& done,
                                                                         const std::optional<LinkFrom>& from) {
        if (!from) return done.refuse(no_such_thing);
        if (!from->from_s) {
          return done.refuse({409, "no_link", "a link is for what is not public, and is shown now or next"});
        }
        const WallTime issued = dated(*from->from_s, loop_.wall_now()), expires = issued + good_for;
        const std::string token = path_key_.sign(from->channel, {by_link, issued, expires});
        done.answer(response_of(
            201, {{"link", fmt::format("/t/{}/@{}", token, from->channel)}, {"expires", wire::utc_text(expires)}}));
      });
}

void Server::revoke_links(ExchangePtr exchange) {
  using Revoked = std::optional<media::GuestsRevoked>;
  auto work = [account = exchange->account(), id = exchange->id,
               now = loop_.wall_now()](store::Database& database) -> store::Outcome<Revoked> {
    auto found = find_broadcast(database, id);
    if (!found) return std::unexpected(std::move(found.error()));
    if (!*found || (*found)->owner.id != account) return std::nullopt;
    media::GuestsRevoked revoked{(*found)->owner.name, by_link, revoked_until_s(now)};
    auto written = write_revocation(database, revoked);
    if (!written) return std::unexpected(std::move(written.error()));
    return revoked;
  };
  ask<Revoked>(std::move(exchange), "links cannot be taken back", again_if_in_doubt(std::move(work)),
               [this](Exchange& done, const Revoked& revoked) {
                 if (!revoked) return done.refuse(no_such_thing);
                 stage_.revoked(*revoked);
                 done.answer(nothing_more());
               });
}

}  // namespace klieg::studio
