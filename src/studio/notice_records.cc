#include "studio/notice_records.h"

#include <fmt/format.h>
#include <sodium.h>

#include <utility>

#include "base/assert.h"
#include "base/whole_number.h"
#include "store/answer.h"
#include "studio/account_records.h"

namespace klieg::studio {

using store::Database;
using store::Outcome;
using store::Row;
using store::Rows;

namespace {

Bytes random_secret() {
  KLIEG_ASSERT(sodium_init() >= 0, "the system has randomness");
  std::vector<uint8_t> bytes(webhook_secret_size);
  randombytes_buf(bytes.data(), bytes.size());
  return Bytes::take(std::move(bytes));
}

// follower, id, address, failures, and its keys.
ReceiverPage page_of(Way way, const Rows& rows) {
  ReceiverPage page;
  for (const Row& row : rows) {
    Delivery delivery{.way = way, .id = row[1].integer(), .url = row[2].text()};
    delivery.failed_before = row[3].integer() > 0;
    delivery.secret = row[4].bytes();
    if (way == Way::push) delivery.point = row[5].bytes();
    page.deliveries.push_back(std::move(delivery));
    page.last = {row[0].integer(), row[1].integer()};
  }
  return page;
}

}  // namespace

std::string NoticeCursor::text() const {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(started.time_since_epoch()).count();
  return fmt::format("{}-{}", ms, broadcast);
}

std::optional<NoticeCursor> NoticeCursor::parse(std::string_view text) {
  constexpr int64_t ms_max = 9'000'000'000'000;  // in the year 2255: what WallTime can say
  const size_t dash = text.find('-');
  if (dash == text.npos) return std::nullopt;
  const auto ms = whole_number<int64_t>(text.substr(0, dash)), id = whole_number<int64_t>(text.substr(dash + 1));
  if (!ms || !id || *ms < 0 || *ms > ms_max || *id < 0) return std::nullopt;
  return NoticeCursor{WallTime(std::chrono::milliseconds(*ms)), *id};
}

Outcome<std::vector<HeardNotice>> list_notices(Database& database, int64_t account, const NoticeCursor& after) {
  auto rows = database.run(
      "SELECT broadcasts.id, broadcasts.account, accounts.name, display_name, title, started_ms, ended_ms FROM follows "
      "JOIN broadcasts ON broadcasts.account = follows.followed JOIN accounts ON accounts.id = follows.followed "
      "WHERE follower = $1 AND visibility = 'public' AND started_ms >= $2 AND (started_ms > $2 OR broadcasts.id > $3) "
      "ORDER BY started_ms DESC, broadcasts.id DESC LIMIT $4",
      {account, after.started, after.broadcast, static_cast<int64_t>(notices_max)});
  return store::all_of(std::move(rows), [](const Row& row) {
    return HeardNotice{.notice = {.broadcast = row[0].integer(),
                                  .account = row[1].integer(),
                                  .channel = row[2].text(),
                                  .display_name = row[3].text(),
                                  .title = row[4].text(),
                                  .started = row[5].time()},
                       .live = row[6].null()};
  });
}

Outcome<WallTime> seen_until(Database& database, int64_t account) {
  auto rows = database.run("SELECT seen_ms FROM notice_marks WHERE account = $1", {account});
  if (!rows) return std::unexpected(std::move(rows.error()));
  return rows->empty() ? WallTime() : (*rows)[0][0].time();
}

Outcome<void> mark_seen(Database& database, int64_t account, WallTime until) {
  return store::nothing_of(
      database.run("INSERT INTO notice_marks (account, seen_ms) VALUES ($1, $2) "
                   "ON CONFLICT (account) DO UPDATE SET seen_ms = excluded.seen_ms "
                   "WHERE notice_marks.seen_ms < excluded.seen_ms",
                   {account, until}));
}

Outcome<void> put_push_subscription(Database& database, int64_t account, const PushSubscription& subscription,
                                    WallTime now) {
  return store::nothing_of(transact(database, [&](Database& inside) -> Outcome<Rows> {
    auto put = inside.run(
        "INSERT INTO push_subscriptions (account, endpoint, p256dh, auth, created_ms) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (endpoint) DO UPDATE SET account = excluded.account, p256dh = excluded.p256dh, "
        "auth = excluded.auth, failures = 0",
        {account, subscription.endpoint, subscription.point, subscription.secret, now});
    if (!put) return put;
    return inside.run(
        "DELETE FROM push_subscriptions WHERE account = $1 AND id NOT IN (SELECT id FROM push_subscriptions "
        "WHERE account = $1 ORDER BY created_ms DESC, id DESC LIMIT $2)",
        {account, static_cast<int64_t>(push_subscriptions_max)});
  }));
}

Outcome<void> remove_push_subscription(Database& database, int64_t account, const std::string& endpoint) {
  return store::nothing_of(
      database.run("DELETE FROM push_subscriptions WHERE account = $1 AND endpoint = $2", {account, endpoint}));
}

Outcome<std::optional<NewWebhook>> make_webhook(Database& database, int64_t account, const std::string& url,
                                                WallTime now) {
  return transact(database, [&](Database& inside) -> Outcome<std::optional<NewWebhook>> {
    auto count = inside.run("SELECT count(*) FROM webhooks WHERE account = $1", {account});
    if (!count) return std::unexpected(std::move(count.error()));
    if ((*count)[0][0].integer() >= static_cast<int64_t>(webhooks_max)) return std::nullopt;
    Bytes secret = random_secret();
    auto made =
        inside.run("INSERT INTO webhooks (account, url, secret, created_ms) VALUES ($1, $2, $3, $4) RETURNING id",
                   {account, url, secret, now});
    if (!made) return std::unexpected(std::move(made.error()));
    return NewWebhook{(*made)[0][0].integer(), std::move(secret)};
  });
}

Outcome<std::vector<Webhook>> list_webhooks(Database& database, int64_t account) {
  auto rows = database.run(
      "SELECT id, url, created_ms, failures, disabled_ms FROM webhooks WHERE account = $1 ORDER BY id LIMIT $2",
      {account, static_cast<int64_t>(webhooks_max)});
  return store::all_of(std::move(rows), [](const Row& row) {
    Webhook webhook{
        .id = row[0].integer(), .url = row[1].text(), .created = row[2].time(), .failures = row[3].integer()};
    if (!row[4].null()) webhook.disabled = row[4].time();
    return webhook;
  });
}

Outcome<Removed> remove_webhook(Database& database, int64_t account, int64_t id) {
  auto rows = database.run("DELETE FROM webhooks WHERE id = $1 AND account = $2", {id, account});
  if (!rows) return std::unexpected(std::move(rows.error()));
  return rows->changed == 1 ? Removed::yes : Removed::not_there;
}

Outcome<bool> is_noticed(Database& database, const Notice& notice) {
  return store::any_of(database.run(
      "SELECT 1 FROM broadcasts WHERE id = $1 AND visibility = 'public' AND NOT EXISTS (SELECT 1 FROM "
      "broadcasts WHERE account = $2 AND id <> $1 AND visibility = 'public' AND started_ms > $3 AND started_ms <= $4)",
      {notice.broadcast, notice.account, WallTime(notice.started - noticed_again_after), notice.started}));
}

Outcome<ReceiverPage> list_receivers(Database& database, Way way, int64_t account, const ReceiverCursor& after,
                                     size_t limit) {
  const auto most = static_cast<int64_t>(limit);
  if (way == Way::push) {
    auto rows = database.run(
        "SELECT follower, push_subscriptions.id, endpoint, failures, auth, p256dh FROM follows "
        "JOIN push_subscriptions ON push_subscriptions.account = follower "
        "JOIN accounts ON accounts.id = follower "
        "WHERE followed = $1 AND follower >= $2 AND (follower > $2 OR push_subscriptions.id > $3) "
        "AND suspended_ms IS NULL ORDER BY follower, push_subscriptions.id LIMIT $4",
        {account, after.follower, after.id, most});
    if (!rows) return std::unexpected(std::move(rows.error()));
    return page_of(way, *rows);
  }
  // One's own are as those of a follower 0.
  auto rows = database.run(
      "SELECT follower, webhooks.id, url, failures, secret FROM "
      "(SELECT follower, follower AS holder FROM follows WHERE followed = $1 UNION ALL SELECT 0, id FROM accounts "
      "WHERE id = $1) AS heard JOIN webhooks ON webhooks.account = holder JOIN accounts ON accounts.id = holder "
      "WHERE follower >= $2 AND (follower > $2 OR webhooks.id > $3) AND disabled_ms IS NULL AND suspended_ms IS NULL "
      "ORDER BY follower, webhooks.id LIMIT $4",
      {account, after.follower, after.id, most});
  if (!rows) return std::unexpected(std::move(rows.error()));
  return page_of(way, *rows);
}

Outcome<void> note_fate(Database& database, Way way, int64_t id, Fate fate, WallTime now) {
  switch (fate) {
    case Fate::again:
      return {};
    case Fate::delivered:
      return store::nothing_of(
          way == Way::push
              ? database.run("UPDATE push_subscriptions SET failures = 0 WHERE id = $1 AND failures > 0", {id})
              : database.run("UPDATE webhooks SET failures = 0 WHERE id = $1 AND failures > 0", {id}));
    case Fate::gone:
      if (way == Way::push) {
        return store::nothing_of(database.run("DELETE FROM push_subscriptions WHERE id = $1", {id}));
      }
      break;
    case Fate::refused:
    case Fate::given_up:
      break;
  }
  return store::nothing_of(transact(database, [&](Database& inside) -> Outcome<Rows> {
    if (way == Way::webhook) {
      return inside.run(
          "UPDATE webhooks SET failures = failures + 1, disabled_ms = CASE WHEN failures + 1 >= $2 THEN $3 "
          "ELSE disabled_ms END WHERE id = $1",
          {id, failures_max, now});
    }
    auto counted = inside.run("UPDATE push_subscriptions SET failures = failures + 1 WHERE id = $1", {id});
    if (!counted) return counted;
    return inside.run("DELETE FROM push_subscriptions WHERE id = $1 AND failures >= $2", {id, failures_max});
  }));
}

Outcome<Bytes> server_key(Database& database, std::string_view name, const Bytes& made, WallTime now) {
  auto put =
      database.run("INSERT INTO server_keys (name, content, created_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                   {name, made, now});
  if (!put) return std::unexpected(std::move(put.error()));
  auto rows = database.run("SELECT content FROM server_keys WHERE name = $1", {name});
  if (!rows) return std::unexpected(std::move(rows.error()));
  return (*rows)[0][0].bytes();
}

}  // namespace klieg::studio
