// One's own broadcasts: planned, described, ended.

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "studio/broadcast_records.h"
#include "studio/name.h"
#include "studio/revocation_records.h"
#include "studio/server_exchange.h"
#include "wire/http_list.h"
#include "wire/path_token.h"
#include "wire/utc.h"

namespace klieg::studio {
namespace {

constexpr std::string_view cannot_be_looked_up = "your broadcasts cannot be looked up";
constexpr std::string_view cannot_be_changed = "your broadcasts cannot be changed";

Json time_or_null(const std::optional<WallTime>& time) { return time ? Json(wire::utc_text(*time)) : Json(); }

// As its owner sees it.
struct Own {
  Broadcast broadcast;
  std::vector<std::string> guests;
  std::optional<int64_t> link_from_s;  // none: no link would open it
  std::vector<media::GuestsRevoked> revoked = {};
};

store::Outcome<Own> own_of(store::Database& database, Broadcast broadcast) {
  Own own{std::move(broadcast), {}, {}};
  if (own.broadcast.visibility == Visibility::guests) {
    auto guests = guests_of(database, own.broadcast.id);
    if (!guests) return std::unexpected(std::move(guests.error()));
    own.guests = std::move(*guests);
  } else if (own.broadcast.visibility == Visibility::with_link) {
    auto from_s = token_from_s(database, own.broadcast, by_link);
    if (!from_s) return std::unexpected(std::move(from_s.error()));
    own.link_from_s = *from_s;
  }
  return own;
}

// Where those watch who may: with a link, by the link that is the same as long as it is good.
Json link_of(const Own& own, const wire::PathKey& key) {
  std::string page = "/@" + own.broadcast.owner.name;
  if (own.broadcast.visibility != Visibility::with_link) return page;
  if (!own.link_from_s) return nullptr;
  const WallTime issued{std::chrono::seconds(*own.link_from_s)};
  return fmt::format("/t/{}{}", key.sign(own.broadcast.owner.name, {by_link, issued, issued + token_life_max}), page);
}

Json json_of(const Own& own, const wire::PathKey& key) {
  const Broadcast& broadcast = own.broadcast;
  return {{"id", broadcast.id},
          {"channel", broadcast.owner.name},
          {"title", broadcast.title},
          {"visibility", word_of(broadcast.visibility)},
          {"guests", own.guests},
          {"link", link_of(own, key)},
          {"created", wire::utc_text(broadcast.created)},
          {"started", time_or_null(broadcast.started)},
          {"ended", time_or_null(broadcast.ended)},
          {"viewers_peak", broadcast.counts.viewers_peak},
          {"viewers_total", broadcast.counts.viewers_total},
          {"comments", broadcast.counts.comments},
          {"hearts", broadcast.counts.hearts}};
}

struct Wish {
  std::optional<std::string> title;
  std::optional<Visibility> visibility;
  std::optional<std::vector<std::string>> guests;  // names
};

const Problem guests_of_no_private{422, "bad_guests", "only what is private has guests", "guests"};

std::optional<Problem> read_wish(const Json& body, Wish& wish) {
  Fields fields(body);
  wish.title = fields.text_if_any("title");
  const auto visibility = fields.text_if_any("visibility");
  wish.guests = fields.texts_if_any("guests");
  if (auto fault = fields.fault()) return fault;
  if (visibility) wish.visibility = visibility_of(*visibility);
  if (visibility && !wish.visibility) {
    return Problem{422, "bad_visibility", "a broadcast is public, unlisted or private", "visibility"};
  }
  if (wish.guests && wish.guests->size() > guests_max) {
    return Problem{422, "bad_guests", "a broadcast has 1,000 guests at most", "guests"};
  }
  if (wish.title && !is_line(*wish.title, title_characters_max, Emptiness::allowed)) {
    return Problem{422, "bad_title", "a title has 140 characters at most, on one line", "title"};
  }
  return std::nullopt;
}

// What the database made of a wish: the broadcast, or why not.
using Names = std::vector<std::string>;
using Granted = std::variant<Own, Problem>;

// Of the names; nullopt: all are somebody's.
store::Outcome<std::optional<Problem>> find_guests(store::Database& database, const Names& names,
                                                   std::vector<int64_t>& guests) {
  for (const std::string& name : names) {
    auto account = find_account(database, wire::lower_case(name));
    if (!account) return std::unexpected(std::move(account.error()));
    if (!*account) return Problem{422, "bad_guests", fmt::format("nobody here is called {}", name), "guests"};
    guests.push_back((*account)->id);
  }
  return std::nullopt;
}

using Found = std::optional<Broadcast>;

// nullopt: it is not there, or another's.
store::Outcome<Found> find_own(store::Database& database, int64_t account, int64_t id) {
  auto found = find_broadcast(database, id);
  if (found && *found && (*found)->owner.id != account) return std::nullopt;
  return found;
}

store::Outcome<Granted> granted(store::Database& database, int64_t account, int64_t id) {
  auto found = find_own(database, account, id);
  if (!found) return std::unexpected(std::move(found.error()));
  if (!*found) return no_such_thing;  // or its account went meanwhile
  auto own = own_of(database, std::move(**found));
  if (!own) return std::unexpected(std::move(own.error()));
  return std::move(*own);
}

// All that hold for the channel: who knows them already loses nothing, and a change that was tried twice is told.
store::Outcome<Granted> with_revocations(store::Database& database, store::Outcome<Granted> changed) {
  Own* own = changed ? std::get_if<Own>(&*changed) : nullptr;
  if (!own) return changed;
  auto revoked = list_revocations(database, own->broadcast.owner.name);
  if (!revoked) return std::unexpected(std::move(revoked.error()));
  own->revoked = std::move(*revoked);
  return changed;
}

}  // namespace

void Server::list_broadcasts(ExchangePtr exchange) {
  Paging paging;
  int64_t before = 0;
  if (auto fault = read_paging(exchange->call.query, paging, before)) return exchange->refuse(*fault);
  auto work = [account = exchange->account(), before,
               limit = paging.limit](store::Database& database) -> store::Outcome<std::vector<Own>> {
    auto broadcasts = studio::list_broadcasts(database, account, before, limit);
    if (!broadcasts) return std::unexpected(std::move(broadcasts.error()));
    std::vector<Own> all;
    for (Broadcast& broadcast : *broadcasts) {
      auto own = own_of(database, std::move(broadcast));
      if (!own) return std::unexpected(std::move(own.error()));
      all.push_back(std::move(*own));
    }
    return all;
  };
  ask<std::vector<Own>>(std::move(exchange), cannot_be_looked_up, std::move(work),
                        [this, limit = paging.limit](Exchange& done, const std::vector<Own>& all) {
                          Json items = Json::array();
                          for (const Own& own : all) items.push_back(json_of(own, path_key_));
                          done.answer(response_of(200, page_of(std::move(items), limit)));
                        });
}

void Server::make_broadcast(ExchangePtr exchange) {
  Wish wish;
  if (auto fault = read_wish(exchange->body, wish)) return exchange->refuse(*fault);
  BroadcastPlan plan{wish.title.value_or(""), wish.visibility.value_or(Visibility::everyone), {}};
  if (plan.visibility != Visibility::guests && wish.guests && !wish.guests->empty()) {
    return exchange->refuse(guests_of_no_private);
  }
  auto work = [account = exchange->account(), plan = std::move(plan), names = wish.guests.value_or(Names()),
               now = loop_.wall_now()](store::Database& database) mutable -> store::Outcome<Granted> {
    auto fault = find_guests(database, names, plan.guests);
    if (!fault) return std::unexpected(std::move(fault.error()));
    if (*fault) return std::move(**fault);
    auto made = studio::make_broadcast(database, account, plan, now);
    if (!made) return std::unexpected(std::move(made.error()));
    return granted(database, account, *made);
  };
  ask<Granted>(std::move(exchange), cannot_be_changed, std::move(work), [this](Exchange& done, const Granted& made) {
    if (const Problem* why = std::get_if<Problem>(&made)) return done.refuse(*why);
    done.answer(response_of(201, json_of(std::get<Own>(made), path_key_)));
  });
}

void Server::get_broadcast(ExchangePtr exchange) {
  auto work = [account = exchange->account(), id = exchange->id](store::Database& database) {
    return granted(database, account, id);
  };
  ask<Granted>(std::move(exchange), cannot_be_looked_up, std::move(work), [this](Exchange& done, const Granted& found) {
    if (const Problem* why = std::get_if<Problem>(&found)) return done.refuse(*why);
    done.answer(response_of(200, json_of(std::get<Own>(found), path_key_)));
  });
}

void Server::change_broadcast(ExchangePtr exchange) {
  Wish wish;
  if (auto fault = read_wish(exchange->body, wish)) return exchange->refuse(*fault);
  auto work = [account = exchange->account(), id = exchange->id, wish = std::move(wish),
               now = loop_.wall_now()](store::Database& database) -> store::Outcome<Granted> {
    BroadcastChange change{wish.title, wish.visibility, {}};
    if (wish.guests) {
      auto fault = find_guests(database, *wish.guests, change.guests.emplace());
      if (!fault) return std::unexpected(std::move(fault.error()));
      if (*fault) return std::move(**fault);
    }
    auto changed = studio::change_broadcast(database, account, id, change, now);
    if (!changed) return std::unexpected(std::move(changed.error()));
    switch (*changed) {
      case Changed::yes:
        return with_revocations(database, granted(database, account, id));
      case Changed::not_there:
        return no_such_thing;
      case Changed::is_live:
        return Problem{409, "live", "who watches what is public cannot be asked to leave: end it first", "visibility"};
      case Changed::has_guests_only_if_private:
        return guests_of_no_private;
    }
  };
  ask<Granted>(std::move(exchange), cannot_be_changed, again_if_in_doubt(std::move(work)),
               [this](Exchange& done, const Granted& changed) {
                 if (const Problem* why = std::get_if<Problem>(&changed)) return done.refuse(*why);
                 const Own& own = std::get<Own>(changed);
                 const std::string& channel = own.broadcast.owner.name;
                 if (Show* show = on_air_.find(channel); show && show->broadcast == own.broadcast.id) {
                   show->title = own.broadcast.title;
                 }
                 for (const media::GuestsRevoked& revoked : own.revoked) stage_.revoked(revoked);
                 done.answer(response_of(200, json_of(own, path_key_)));
               });
}

void Server::end_broadcast(ExchangePtr exchange) {
  auto work = [account = exchange->account(), id = exchange->id,
               now = loop_.wall_now()](store::Database& database) -> store::Outcome<Found> {
    auto found = find_own(database, account, id);
    if (!found || !*found) return found;
    auto ended = studio::end_broadcast(database, id, (*found)->counts, now);
    if (!ended) return std::unexpected(std::move(ended.error()));
    return found;
  };
  ask<Found>(std::move(exchange), "the broadcast cannot be ended", again_if_in_doubt(std::move(work)),
             [this](Exchange& done, const Found& found) {
               if (!found) return done.refuse(no_such_thing);
               const Show* show = on_air_.find(found->owner.name);
               if (show && show->broadcast == found->id) stage_.end(found->owner.name);
               done.answer(nothing_more());
             });
}

}  // namespace klieg::studio
