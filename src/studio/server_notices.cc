// Who is told that somebody went live: in the page at once, by push services and webhooks where there is no page.
//
//   GET /notices?after=CURSOR ─► some are newer: told ─► held ─► somebody whom he follows goes live: told
//                                                          └───► 25 s: nothing new
//
// One page of a browser asks for all of its pages.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "studio/follow_records.h"
#include "studio/notice_records.h"
#include "studio/server_exchange.h"
#include "wire/base64.h"
#include "wire/form.h"
#include "wire/utc.h"

namespace klieg::studio {
namespace {

// Proxies give up an answer after 60 s, some after 30.
constexpr Duration held_for = 25s;
constexpr Duration let_go_every = 1s;
// What went live before is in nobody's list any more.
constexpr Duration told_of = std::chrono::days(30);

constexpr std::string_view cannot_be_looked_up = "your notices cannot be looked up";
constexpr std::string_view push_cannot_be_changed = "who is told in this browser cannot be changed";
constexpr std::string_view webhooks_cannot_be_changed = "your webhooks cannot be changed";

const Problem server_goes{503, "overloaded", "this server is about to go; ask again in a moment", {}, 5s};

enum class Seen : uint8_t { no, yes };

Json json_of(const Notice& notice, bool live, Seen seen) {
  return {{"id", notice.broadcast},    {"at", wire::utc_text(notice.started)},
          {"channel", notice.channel}, {"display_name", notice.display_name},
          {"title", notice.title},     {"live", live},
          {"seen", seen == Seen::yes}};
}

http::Response notices_of(Json items, const NoticeCursor& cursor) {
  return response_of(200, {{"items", std::move(items)}, {"cursor", cursor.text()}});
}

Json json_of(const Webhook& webhook) {
  return {{"id", webhook.id},
          {"url", webhook.url},
          {"created", wire::utc_text(webhook.created)},
          {"failures", webhook.failures},
          {"disabled", webhook.disabled ? Json(wire::utc_text(*webhook.disabled)) : Json()}};
}

struct Heard {
  std::vector<HeardNotice> notices;
  WallTime seen_until;
};

Bytes content_of(std::string_view text) {
  auto content = wire::base64url_content(text);
  return content ? Bytes::take(std::move(*content)) : Bytes();
}

}  // namespace

void Server::list_notices(ExchangePtr exchange) {
  std::optional<std::string> asked;
  wire::each_parameter(exchange->call.query, [&](std::string_view parameter) {
    if (wire::parameter_name(parameter) == "after") asked = wire::form_decoded(wire::parameter_value(parameter));
  });
  NoticeCursor after{loop_.wall_now() - told_of, 0};
  if (asked) {
    const auto cursor = NoticeCursor::parse(*asked);
    if (!cursor) return exchange->refuse(unreadable_cursor);
    after = std::max(after, *cursor);
  }
  auto work = [account = exchange->account(), after](store::Database& database) -> store::Outcome<Heard> {
    auto notices = studio::list_notices(database, account, after);
    if (!notices) return std::unexpected(std::move(notices.error()));
    auto seen = seen_until(database, account);
    if (!seen) return std::unexpected(std::move(seen.error()));
    return Heard{std::move(*notices), *seen};
  };
  asker_.ask<Heard>(std::move(work), [this, exchange = std::move(exchange), after,
                                      waits = asked.has_value()](store::Outcome<Heard> heard) mutable {
    if (!heard) return exchange->refuse(problem_of(heard.error(), cannot_be_looked_up));
    if (heard->notices.empty() && waits) return hold(std::move(exchange), after);
    Json items = Json::array();
    for (const auto& [notice, live] : heard->notices) {
      items.push_back(json_of(notice, live, notice.started <= heard->seen_until ? Seen::yes : Seen::no));
    }
    const NoticeCursor newest = heard->notices.empty() ? after : cursor_of(heard->notices.front().notice);
    exchange->answer(notices_of(std::move(items), newest));
  });
}

void Server::hold(ExchangePtr exchange, const NoticeCursor& after) {
  const int64_t account = exchange->account();
  if (!holds_) return exchange->refuse(server_goes);
  if (held_.size() >= held_max) {
    return exchange->refuse({503, "overloaded", "too many wait for notices; ask again in a minute", {}, 60s});
  }
  if (held_.count(account) >= held_per_account_max) {
    Held oldest = std::move(held_.extract(held_.lower_bound(account)).mapped());
    oldest.exchange->answer(notices_of(Json::array(), oldest.after));
  }
  held_.emplace(account, Held{std::move(exchange), after, loop_.now() + held_for});
  if (!std::exchange(letting_go_, true)) let_go_.arm(loop_.now() + let_go_every);
}

void Server::let_go() {
  letting_go_ = false;
  const LoopTime now = loop_.now();
  for (auto held = held_.begin(); held != held_.end();) {
    auto& [exchange, after, until] = held->second;
    if (until > now) {
      ++held;
      continue;
    }
    exchange->answer(notices_of(Json::array(), after));
    held = held_.erase(held);
  }
  if (!held_.empty() && !std::exchange(letting_go_, true)) let_go_.arm(now + let_go_every);
}

void Server::hold_no_more() {
  holds_ = false;
  for (auto& [_, held] : std::exchange(held_, {})) held.exchange->refuse(server_goes);
}

void Server::announce(const Broadcast& broadcast) {
  auto notice = std::make_shared<const Notice>(Notice{.broadcast = broadcast.id,
                                                      .account = broadcast.owner.id,
                                                      .channel = broadcast.owner.name,
                                                      .display_name = broadcast.owner.display_name,
                                                      .title = broadcast.title,
                                                      .started = *broadcast.started});
  herald_.announce(notice);
  wake_followers(std::move(notice), 0);
}

void Server::wake_followers(std::shared_ptr<const Notice> notice, int64_t after) {
  if (held_.empty()) return;
  auto work = [account = notice->account, after](store::Database& database) {
    return list_followers(database, account, after, follow_page_max);
  };
  asker_.ask<std::vector<Account>>(std::move(work), [this, notice = std::move(notice)](auto followers) mutable {
    if (!followers) return;  // they ask again within held_for
    for (const Account& follower : *followers) {
      while (auto held = held_.extract(follower.id)) {
        Json items = Json::array({json_of(*notice, true, Seen::no)});
        held.mapped().exchange->answer(notices_of(std::move(items), cursor_of(*notice)));
      }
    }
    if (followers->size() == follow_page_max) wake_followers(std::move(notice), followers->back().id);
  });
}

void Server::mark_notices_seen(ExchangePtr exchange) {
  auto work = [account = exchange->account(), now = loop_.wall_now()](store::Database& database) {
    return mark_seen(database, account, now);
  };
  ask<void>(std::move(exchange), "what you have seen cannot be written down", again_if_in_doubt(std::move(work)),
            [](Exchange& done) { done.answer(nothing_more()); });
}

void Server::get_push_key(ExchangePtr exchange) {
  herald_.with_key([exchange = std::move(exchange)](const store::Outcome<Bytes>& key) {
    if (!key) return exchange->refuse(problem_of(key.error(), "nobody can be told in this browser"));
    exchange->answer(response_of(200, {{"key", wire::base64url(*key)}}));
  });
}

void Server::put_push_subscription(ExchangePtr exchange) {
  Fields fields(exchange->body);
  const std::string endpoint = fields.text("endpoint");
  const Bytes point = content_of(fields.text("p256dh")), secret = content_of(fields.text("auth"));
  if (auto fault = fields.fault()) return exchange->refuse(*fault);
  if (!receiver_of(endpoint, options_.herald.reach)) {
    return exchange->refuse({422, "bad_endpoint", "this is no address of a push service", "endpoint"});
  }
  const bool usable = secret.size() == push_secret_size && encrypt_push({}, {point, secret});
  if (!usable) return exchange->refuse({422, "bad_keys", "nothing can be encrypted with these keys", "p256dh"});
  auto work = [account = exchange->account(), subscription = PushSubscription{endpoint, point, secret},
               now = loop_.wall_now()](store::Database& database) {
    return studio::put_push_subscription(database, account, subscription, now);
  };
  ask<void>(std::move(exchange), push_cannot_be_changed, again_if_in_doubt(std::move(work)),
            [](Exchange& done) { done.answer(nothing_more()); });
}

void Server::remove_push_subscription(ExchangePtr exchange) {
  Fields fields(exchange->body);
  const std::string endpoint = fields.text("endpoint");
  if (auto fault = fields.fault()) return exchange->refuse(*fault);
  auto work = [account = exchange->account(), endpoint](store::Database& database) {
    return studio::remove_push_subscription(database, account, endpoint);
  };
  ask<void>(std::move(exchange), push_cannot_be_changed, again_if_in_doubt(std::move(work)),
            [](Exchange& done) { done.answer(nothing_more()); });
}

void Server::list_webhooks(ExchangePtr exchange) {
  auto work = [account = exchange->account()](store::Database& database) {
    return studio::list_webhooks(database, account);
  };
  ask<std::vector<Webhook>>(std::move(exchange), "your webhooks cannot be looked up", std::move(work),
                            whole_list<Webhook>(json_of));
}

void Server::make_webhook(ExchangePtr exchange) {
  Fields fields(exchange->body);
  const std::string url = fields.text("url");
  if (auto fault = fields.fault()) return exchange->refuse(*fault);
  if (!receiver_of(url, options_.herald.reach)) {
    return exchange->refuse({422, "bad_url", "a webhook is an https:// address that anybody could reach", "url"});
  }
  auto work = [account = exchange->account(), url, now = loop_.wall_now()](store::Database& database) {
    return studio::make_webhook(database, account, url, now);
  };
  ask<std::optional<NewWebhook>>(
      std::move(exchange), webhooks_cannot_be_changed, std::move(work),
      [url](Exchange& done, const std::optional<NewWebhook>& made) {
        if (!made) return done.refuse({409, "webhooks_max", "you have 5 webhooks already; remove one"});
        const std::string secret = fmt::format("{:02x}", fmt::join(made->secret.view(), ""));
        done.answer(response_of(201, {{"id", made->id}, {"url", url}, {"secret", secret}}));
      });
}

void Server::remove_webhook(ExchangePtr exchange) {
  auto work = [account = exchange->account(), id = exchange->id](store::Database& database) {
    return studio::remove_webhook(database, account, id);
  };
  ask<Removed>(std::move(exchange), webhooks_cannot_be_changed, std::move(work), [](Exchange& done, Removed removed) {
    if (removed == Removed::not_there) return done.refuse(no_such_thing);
    done.answer(nothing_more());
  });
}

}  // namespace klieg::studio
