// People as others see them, their pictures, what they have broadcast, and following them.

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "studio/broadcast_records.h"
#include "studio/follow_records.h"
#include "studio/picture.h"
#include "studio/picture_records.h"
#include "studio/server_exchange.h"
#include "wire/utc.h"

namespace klieg::studio {
namespace {

constexpr std::string_view cannot_be_changed = "your picture cannot be changed";

struct Seen {
  Account account;
  FollowCounts counts;
  bool followed = false;  // by who asks
  std::optional<WallTime> picture_set;
};

// Another one has another address, so that a browser may keep it.
Json picture_address(const Seen& seen) {
  if (!seen.picture_set) return nullptr;
  return fmt::format("/api/v1/people/{}/picture?at={}", seen.account.name, to_ms(seen.picture_set->time_since_epoch()));
}

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
    Seen seen{.account = **account, .counts = {}, .followed = false, .picture_set = {}};
    auto counts = count_follows(database, seen.account.id);
    if (!counts) return std::unexpected(std::move(counts.error()));
    seen.counts = *counts;
    auto picture = picture_set(database, seen.account.id);
    if (!picture) return std::unexpected(std::move(picture.error()));
    seen.picture_set = *picture;
    if (!viewer) return seen;
    auto followed = follows(database, *viewer, seen.account.id);
    if (!followed) return std::unexpected(std::move(followed.error()));
    seen.followed = *followed;
    return seen;
  };
  ask<std::optional<Seen>>(
      std::move(exchange), "people cannot be looked up", std::move(work),
      [this](Exchange& done, const std::optional<Seen>& seen) {
        if (!seen) return done.refuse(no_such_thing);
        const Account& account = seen->account;
        const Show* show = on_air_.find(account.name);
        if (show && show->listing == Listing::unlisted) show = nullptr;
        done.answer(response_of(200, {{"id", account.id},
                                      {"name", account.name},
                                      {"display_name", account.display_name},
                                      {"picture", picture_address(*seen)},
                                      {"followers", seen->counts.followers},
                                      {"following_count", seen->counts.following},
                                      {"following", seen->followed},
                                      {"live", show != nullptr},
                                      {"title", show && !show->title.empty() ? Json(show->title) : Json()}}));
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

void Server::get_picture(ExchangePtr exchange) {
  auto work = [name = *exchange->name](store::Database& database) { return find_picture(database, name); };
  ask<std::optional<Picture>>(std::move(exchange), "pictures cannot be looked up", std::move(work),
                              [](Exchange& done, const std::optional<Picture>& picture) {
                                if (!picture) return done.refuse(no_such_thing);
                                // Opened by itself it is a picture, and nothing that could run.
                                http::HeaderBlock headers{{"content-type", picture->content_type},
                                                          {"cache-control", "public, max-age=86400"},
                                                          {"x-content-type-options", "nosniff"},
                                                          {"content-security-policy", "default-src 'none'; sandbox"}};
                                http::Response response;
                                response.headers = std::make_shared<const http::HeaderBlock>(std::move(headers));
                                response.body = picture->content;
                                done.answer(std::move(response));
                              });
}

void Server::put_picture(ExchangePtr exchange) {
  const Bytes content = exchange->call.body;
  const auto type = picture_type_of(content);
  if (!type) {
    return exchange->refuse({422, "bad_picture", "a picture is PNG, JPEG or WebP, of 64 KiB at most"});
  }
  auto work = [account = exchange->account(), type = *type, content, now = loop_.wall_now()](
                  store::Database& database) { return set_picture(database, account, type, content, now); };
  ask<void>(std::move(exchange), cannot_be_changed, again_if_in_doubt(std::move(work)),
            [](Exchange& done) { done.answer(nothing_more()); });
}

void Server::remove_picture(ExchangePtr exchange) {
  auto work = [account = exchange->account()](store::Database& database) {
    return studio::remove_picture(database, account);
  };
  ask<void>(std::move(exchange), cannot_be_changed, again_if_in_doubt(std::move(work)),
            [](Exchange& done) { done.answer(nothing_more()); });
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
