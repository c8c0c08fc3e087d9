// People as others see them, what they have broadcast, and following them.

#include <utility>

#include "studio/broadcast_records.h"
#include "studio/follow_records.h"
#include "studio/server_exchange.h"
#include "wire/utc.h"

namespace klieg::studio {
namespace {

struct Seen {
  Account account;
  FollowCounts counts;
  bool followed = false;  // by who asks
};

Json json_of(const Broadcast& past) {
  return {{"id", past.id},
          {"title", past.title},
          {"started", wire::utc_text(*past.started)},
          {"ended", wire::utc_text(*past.ended)},
          {"viewers_peak", past.counts.viewers_peak},
          {"viewers_total", past.counts.viewers_total},
          {"comments", past.counts.comments},
          {"hearts", past.counts.hearts}};
}

}  // namespace

void Server::get_person(ExchangePtr exchange) {
  std::optional<int64_t> viewer;
  if (exchange->who) viewer = exchange->who->account.id;
  auto work = [name = *exchange->name, viewer](store::Database& database) -> store::Outcome<std::optional<Seen>> {
    auto account = find_account(database, name);
    if (!account) return std::unexpected(std::move(account.error()));
    if (!*account) return std::nullopt;
    Seen seen{**account, {}, false};
    auto counts = count_follows(database, seen.account.id);
    if (!counts) return std::unexpected(std::move(counts.error()));
    seen.counts = *counts;
    if (!viewer) return seen;
    auto followed = follows(database, *viewer, seen.account.id);
    if (!followed) return std::unexpected(std::move(followed.error()));
    seen.followed = *followed;
    return seen;
  };
  ask<std::optional<Seen>>(std::move(exchange), "people cannot be looked up", std::move(work),
                           [this](Exchange& done, const std::optional<Seen>& seen) {
                             if (!seen) return done.refuse(no_such_thing);
                             const Account& account = seen->account;
                             const Show* show = on_air_.find(account.name);
                             done.answer(response_of(200, {{"id", account.id},
                                                           {"name", account.name},
                                                           {"display_name", account.display_name},
                                                           {"followers", seen->counts.followers},
                                                           {"following_count", seen->counts.following},
                                                           {"following", seen->followed},
                                                           {"live", show && show->listing == Listing::listed}}));
                           });
}

void Server::list_past_broadcasts(ExchangePtr exchange) {
  Paging paging;
  int64_t before = 0;
  if (auto fault = read_paging(exchange->call.query, paging, before)) return exchange->refuse(*fault);
  using Found = std::optional<std::vector<Broadcast>>;
  auto work = [name = *exchange->name, before,
               limit = paging.limit](store::Database& database) -> store::Outcome<Found> {
    auto account = find_account(database, name);
    if (!account) return std::unexpected(std::move(account.error()));
    if (!*account) return std::nullopt;
    return studio::list_past_broadcasts(database, (*account)->id, before, limit);
  };
  ask<Found>(std::move(exchange), "broadcasts cannot be looked up", std::move(work),
             [limit = paging.limit](Exchange& done, const Found& found) {
               if (!found) return done.refuse(no_such_thing);
               Json items = Json::array();
               for (const Broadcast& broadcast : *found) items.push_back(json_of(broadcast));
               done.answer(response_of(200, page_of(std::move(items), limit)));
             });
}

void Server::follow(ExchangePtr exchange) {
  auto work = [account = exchange->account(), name = *exchange->name,
               now = loop_.wall_now()](store::Database& database) -> store::Outcome<FollowIs> {
    auto followed = find_account(database, name);
    if (!followed) return std::unexpected(std::move(followed.error()));
    if (!*followed) return FollowIs::not_there;
    return studio::follow(database, account, (*followed)->id, now);
  };
  ask<FollowIs>(std::move(exchange), "nobody can be followed", again_if_in_doubt(std::move(work)),
                [](Exchange& done, FollowIs is) {
                  if (is == FollowIs::not_there) return done.refuse(no_such_thing);
                  done.answer(nothing_more());
                });
}

void Server::unfollow(ExchangePtr exchange) {
  auto work = [account = exchange->account(),
               name = *exchange->name](store::Database& database) -> store::Outcome<void> {
    auto followed = find_account(database, name);
    if (!followed) return std::unexpected(std::move(followed.error()));
    if (!*followed) return {};
    return studio::unfollow(database, account, (*followed)->id);
  };
  ask<void>(std::move(exchange), "following cannot be ended", again_if_in_doubt(std::move(work)),
            [](Exchange& done) { done.answer(nothing_more()); });
}

}  // namespace klieg::studio
