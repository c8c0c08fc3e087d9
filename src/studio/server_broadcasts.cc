// One's own broadcasts: planned, described, ended.

#include <utility>

#include "studio/broadcast_records.h"
#include "studio/name.h"
#include "studio/server_exchange.h"
#include "wire/utc.h"

namespace klieg::studio {
namespace {

constexpr std::string_view cannot_be_looked_up = "your broadcasts cannot be looked up";
constexpr std::string_view cannot_be_changed = "your broadcasts cannot be changed";

Json time_or_null(const std::optional<WallTime>& time) { return time ? Json(wire::utc_text(*time)) : Json(); }

Json json_of(const Broadcast& broadcast) {
  return {{"id", broadcast.id},
          {"channel", broadcast.owner.name},
          {"title", broadcast.title},
          {"visibility", word_of(broadcast.visibility)},
          {"link", broadcast.link},
          {"created", wire::utc_text(broadcast.created)},
          {"started", time_or_null(broadcast.started)},
          {"ended", time_or_null(broadcast.ended)},
          {"viewers_peak", broadcast.counts.viewers_peak},
          {"viewers_total", broadcast.counts.viewers_total},
          {"comments", broadcast.counts.comments},
          {"hearts", broadcast.counts.hearts}};
}

// What is not kept private must not be called so: there is no more than public until players carry proofs.
std::optional<Problem> read_plan(const Json& body, std::optional<std::string>& title) {
  Fields fields(body);
  title = fields.text_if_any("title");
  const auto visibility = fields.text_if_any("visibility");
  const auto guests = fields.texts_if_any("guests");
  if (auto fault = fields.fault()) return fault;
  if (visibility && visibility_of(*visibility) != Visibility::everyone) {
    return Problem{422, "bad_visibility", "this server has public broadcasts only", "visibility"};
  }
  if (guests && !guests->empty()) {
    return Problem{422, "bad_guests", "what is public has no guests", "guests"};
  }
  if (title && !is_line(*title, title_characters_max, Emptiness::allowed)) {
    return Problem{422, "bad_title", "a title has 140 characters at most, on one line", "title"};
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

}  // namespace

void Server::list_broadcasts(ExchangePtr exchange) {
  Paging paging;
  int64_t before = 0;
  if (auto fault = read_paging(exchange->call.query, paging, before)) return exchange->refuse(*fault);
  auto work = [account = exchange->account(), before, limit = paging.limit](store::Database& database) {
    return studio::list_broadcasts(database, account, before, limit);
  };
  ask<std::vector<Broadcast>>(std::move(exchange), cannot_be_looked_up, std::move(work),
                              [limit = paging.limit](Exchange& done, const std::vector<Broadcast>& broadcasts) {
                                Json items = Json::array();
                                for (const Broadcast& broadcast : broadcasts) items.push_back(json_of(broadcast));
                                done.answer(response_of(200, page_of(std::move(items), limit)));
                              });
}

void Server::make_broadcast(ExchangePtr exchange) {
  std::optional<std::string> title;
  if (auto fault = read_plan(exchange->body, title)) return exchange->refuse(*fault);
  auto work = [account = exchange->account(), title = title.value_or(""),
               now = loop_.wall_now()](store::Database& database) -> store::Outcome<Found> {
    auto made = studio::make_broadcast(database, account, {.title = title}, now);
    if (!made) return std::unexpected(std::move(made.error()));
    return find_broadcast(database, *made);
  };
  ask<Found>(std::move(exchange), cannot_be_changed, std::move(work), [](Exchange& done, const Found& made) {
    if (!made) return done.refuse(no_such_thing);  // its account went meanwhile
    done.answer(response_of(201, json_of(*made)));
  });
}

void Server::get_broadcast(ExchangePtr exchange) {
  auto work = [account = exchange->account(), id = exchange->id](store::Database& database) {
    return find_own(database, account, id);
  };
  ask<Found>(std::move(exchange), cannot_be_looked_up, std::move(work), [](Exchange& done, const Found& found) {
    if (!found) return done.refuse(no_such_thing);
    done.answer(response_of(200, json_of(*found)));
  });
}

void Server::change_broadcast(ExchangePtr exchange) {
  std::optional<std::string> title;
  if (auto fault = read_plan(exchange->body, title)) return exchange->refuse(*fault);
  auto work = [account = exchange->account(), id = exchange->id,
               title](store::Database& database) -> store::Outcome<Found> {
    auto found = find_own(database, account, id);
    if (!found || !*found || !title) return found;
    auto changed = studio::change_broadcast(database, account, id, {.title = *title});
    if (!changed) return std::unexpected(std::move(changed.error()));
    (*found)->title = *title;
    return found;
  };
  ask<Found>(std::move(exchange), cannot_be_changed, again_if_in_doubt(std::move(work)),
             [this](Exchange& done, const Found& found) {
               if (!found) return done.refuse(no_such_thing);
               if (Show* show = on_air_.find(found->owner.name); show && show->broadcast == found->id) {
                 show->title = found->title;
               }
               done.answer(response_of(200, json_of(*found)));
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
