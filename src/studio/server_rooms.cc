// Who keeps order in one's rooms, and who may not take part in them.

#include <utility>

#include "base/whole_number.h"
#include "studio/moderation_records.h"
#include "studio/name.h"
#include "studio/server_exchange.h"
#include "wire/http_list.h"
#include "wire/utc.h"

namespace klieg::studio {
namespace {

constexpr std::string_view cannot_be_looked_up = "your rooms cannot be looked up";
constexpr std::string_view cannot_be_changed = "your rooms cannot be changed";

Json json_of(const Account& account) { return {{"name", account.name}, {"display_name", account.display_name}}; }

Json json_of(const Ban& ban) {
  Json json = json_of(ban.account);
  json["reason"] = ban.reason;
  json["since"] = wire::utc_text(ban.since);
  json["until"] = ban.until ? Json(wire::utc_text(*ban.until)) : Json();
  return json;
}

// `then` with the account's number; nothing: there is none of that name.
template <class T, class Then>
store::Outcome<T> with_account(store::Database& database, const std::string& name, T nobody, Then then) {
  auto found = find_account(database, name);
  if (!found) return std::unexpected(std::move(found.error()));
  return *found ? then((*found)->id) : store::Outcome<T>(nobody);
}

}  // namespace

// For who watches where no database is. Who is banned gets one, too: the home of the room refuses him.
void Server::make_room_ticket(ExchangePtr exchange) {
  const std::string channel = *exchange->name;
  const bool given = options_.accounts.not_free.contains(wire::lower_case(channel));
  if (!given && account_name_of(channel) != channel) return exchange->refuse(no_such_thing);
  using Found = std::optional<media::Person>;
  auto work = [account = exchange->who->account, channel, given](store::Database& database) -> store::Outcome<Found> {
    if (!given) {
      auto host = find_account(database, channel);
      if (!host) return std::unexpected(std::move(host.error()));
      if (!*host) return std::nullopt;
    }
    auto person = person_in_room(database, account, channel, given ? ChannelOf::server : ChannelOf::account);
    if (!person) return std::unexpected(std::move(person.error()));
    return std::move(*person);
  };
  ask<Found>(
      std::move(exchange), "tickets cannot be made", std::move(work),
      [this, channel](Exchange& done, const Found& person) {
        if (!person) return done.refuse(no_such_thing);
        const auto for_s = std::chrono::floor<std::chrono::seconds>(wire::room_ticket_life).count();
        const WallTime expires = loop_.wall_now() + wire::room_ticket_life;
        done.answer(response_of(200, {{"ticket", ticket_key_.sign(channel, *person, expires)}, {"for_s", for_s}}));
      });
}

void Server::list_moderators(ExchangePtr exchange) {
  auto work = [host = exchange->account()](store::Database& database) {
    return studio::list_moderators(database, host);
  };
  ask<std::vector<Account>>(std::move(exchange), cannot_be_looked_up, std::move(work),
                            [](Exchange& done, const std::vector<Account>& moderators) {
                              Json items = Json::array();
                              for (const Account& account : moderators) items.push_back(json_of(account));
                              done.answer(response_of(200, {{"items", std::move(items)}}));
                            });
}

void Server::appoint_moderator(ExchangePtr exchange) {
  const Account host = exchange->who->account;
  auto work = [host = host.id, name = *exchange->name, now = loop_.wall_now()](store::Database& database) {
    return with_account(database, name, Appointed::not_there,
                        [&](int64_t account) { return studio::appoint_moderator(database, host, account, now); });
  };
  ask<Appointed>(std::move(exchange), cannot_be_changed, again_if_in_doubt(std::move(work)),
                 [this, host = host.name](Exchange& done, Appointed appointed) {
                   if (appointed == Appointed::not_there) return done.refuse(no_such_thing);
                   if (appointed == Appointed::too_many) {
                     return done.refuse({409, "too_many", "you have as many moderators as there may be"});
                   }
                   stage_.room_people_changed(host);
                   done.answer(nothing_more());
                 });
}

void Server::dismiss_moderator(ExchangePtr exchange) {
  const Account host = exchange->who->account;
  auto work = [host = host.id, name = *exchange->name, now = loop_.wall_now()](store::Database& database) {
    return with_account(database, name, true, [&](int64_t account) -> store::Outcome<bool> {
      auto done = studio::dismiss_moderator(database, host, account, now);
      if (!done) return std::unexpected(std::move(done.error()));
      return true;
    });
  };
  ask<bool>(std::move(exchange), cannot_be_changed, again_if_in_doubt(std::move(work)),
            [this, host = host.name](Exchange& done, bool) {
              stage_.room_people_changed(host);
              done.answer(nothing_more());
            });
}

void Server::list_bans(ExchangePtr exchange) {
  Paging paging;
  if (auto fault = read_paging(exchange->call.query, paging)) return exchange->refuse(*fault);
  int64_t after = 0;
  if (const std::string& text = paging.cursor; !text.empty()) {
    after = whole_number<int64_t>(text).value_or(0);
    if (after <= 0) return exchange->refuse(unreadable_cursor);
  }
  auto work = [host = exchange->account(), after, limit = paging.limit, now = loop_.wall_now()](
                  store::Database& database) { return studio::list_bans(database, host, after, limit, now); };
  ask<std::vector<Ban>>(std::move(exchange), cannot_be_looked_up, std::move(work),
                        [limit = paging.limit](Exchange& done, const std::vector<Ban>& bans) {
                          Json items = Json::array();
                          for (const Ban& ban : bans) items.push_back(json_of(ban));
                          const Json next =
                              bans.size() == limit ? Json(std::to_string(bans.back().account.id)) : Json();
                          done.answer(response_of(200, {{"items", std::move(items)}, {"next", next}}));
                        });
}

void Server::ban(ExchangePtr exchange) {
  Fields fields(exchange->body);
  const std::string reason = fields.text_if_any("reason").value_or("");
  if (auto fault = fields.fault()) return exchange->refuse(*fault);
  if (!is_line(reason, ban_reason_characters_max, Emptiness::allowed)) {
    return exchange->refuse({422, "bad_reason", "a reason has 200 characters at most, on one line", "reason"});
  }
  const Account host = exchange->who->account;
  auto work = [host, name = *exchange->name, reason, now = loop_.wall_now()](store::Database& database) {
    return with_account(database, name, Banned::not_there, [&](int64_t account) {
      return studio::ban(database, host.id, account, host.id, reason, std::nullopt, now);
    });
  };
  ask<Banned>(std::move(exchange), cannot_be_changed, again_if_in_doubt(std::move(work)),
              [this, host = host.name](Exchange& done, Banned banned) {
                if (banned == Banned::not_there) return done.refuse(no_such_thing);
                if (banned == Banned::too_many) {
                  return done.refuse({409, "too_many", "you have banned as many as can be"});
                }
                stage_.room_people_changed(host);
                done.answer(nothing_more());
              });
}

void Server::unban(ExchangePtr exchange) {
  const Account host = exchange->who->account;
  auto work = [host, name = *exchange->name, now = loop_.wall_now()](store::Database& database) {
    return with_account(database, name, true, [&](int64_t account) -> store::Outcome<bool> {
      auto done = studio::unban(database, host.id, account, now);
      if (!done) return std::unexpected(std::move(done.error()));
      return true;
    });
  };
  ask<bool>(std::move(exchange), cannot_be_changed, again_if_in_doubt(std::move(work)),
            [this, host = host.name](Exchange& done, bool) {
              stage_.room_people_changed(host);
              done.answer(nothing_more());
            });
}

}  // namespace klieg::studio
