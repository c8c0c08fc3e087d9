#include "studio/broadcast_records.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "store/answer.h"
#include "studio/revocation_records.h"
#include "studio/secret.h"
#include "wire/path_token.h"

#define KLIEG_SELECT_BROADCAST                                                                            \
  "SELECT " KLIEG_ACCOUNT_COLUMNS                                                                         \
  ", broadcasts.id, link, title, visibility, broadcasts.created_ms, started_ms, ended_ms, viewers_peak, " \
  "viewers_total, comments, hearts FROM broadcasts JOIN accounts ON accounts.id = broadcasts.account "

namespace klieg::studio {

using store::Database;
using store::Outcome;
using store::Row;
using store::Rows;

namespace {

Broadcast broadcast_of(const Row& row) {
  const auto* rest = row.data() + account_columns;
  Broadcast broadcast{.id = rest[0].integer(),
                      .owner = account_of(row),
                      .link = rest[1].text(),
                      .title = rest[2].text(),
                      .created = rest[4].time(),
                      .counts = {rest[7].integer(), rest[8].integer(), rest[9].integer(), rest[10].integer()}};
  const auto visibility = visibility_of(rest[3].text());
  KLIEG_ASSERT(visibility, "the schema allows three words");
  broadcast.visibility = *visibility;
  if (!rest[5].null()) broadcast.started = rest[5].time();
  if (!rest[6].null()) broadcast.ended = rest[6].time();
  return broadcast;
}

Outcome<std::optional<Broadcast>> one_of(Outcome<Rows> rows) { return store::first_of(std::move(rows), broadcast_of); }

Outcome<std::vector<Broadcast>> all_of(Outcome<Rows> rows) { return store::all_of(std::move(rows), broadcast_of); }

int64_t page_size(size_t limit) { return static_cast<int64_t>(std::clamp<size_t>(limit, 1, page_max)); }

Outcome<void> insert_guests(Database& inside, int64_t broadcast, const std::vector<int64_t>& guests) {
  KLIEG_ASSERT(guests.size() <= guests_max, "guests are chosen people");
  for (const int64_t guest : guests) {
    auto row = inside.run("INSERT INTO broadcast_guests (broadcast, account) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                          {broadcast, guest});
    if (!row) return std::unexpected(std::move(row.error()));
  }
  return {};
}

Outcome<int64_t> insert_broadcast(Database& inside, int64_t account, const BroadcastPlan& plan, WallTime now) {
  auto made = inside.run(
      "INSERT INTO broadcasts (account, link, title, visibility, created_ms) VALUES ($1, $2, $3, $4, $5) "
      "RETURNING id",
      {account, new_link(), plan.title, word_of(plan.visibility), now});
  if (!made) return std::unexpected(std::move(made.error()));
  const int64_t id = (*made)[0][0].integer();
  if (auto invited = insert_guests(inside, id, plan.guests); !invited)
    return std::unexpected(std::move(invited.error()));
  return id;
}

Outcome<void> replace_guests(Database& inside, const Broadcast& broadcast, const std::vector<int64_t>& guests,
                             WallTime now) {
  auto before = inside.run("DELETE FROM broadcast_guests WHERE broadcast = $1 RETURNING account", {broadcast.id});
  if (!before) return std::unexpected(std::move(before.error()));
  for (const Row& row : *before) {
    const int64_t guest = row[0].integer();
    if (std::ranges::find(guests, guest) != guests.end()) continue;
    auto revoked = write_revocation(inside, {broadcast.owner.name, static_cast<uint64_t>(guest), revoked_until_s(now)});
    if (!revoked) return std::unexpected(std::move(revoked.error()));
  }
  return insert_guests(inside, broadcast.id, guests);
}

Outcome<int64_t> insert_like_the_last(Database& inside, int64_t account, WallTime now) {
  auto last = inside.run(
      "SELECT id, visibility FROM broadcasts WHERE account = $1 AND started_ms IS NOT NULL "
      "ORDER BY started_ms DESC, id DESC LIMIT 1",
      {account});
  if (!last) return std::unexpected(std::move(last.error()));
  if (last->empty()) return insert_broadcast(inside, account, {}, now);
  const auto visibility = visibility_of((*last)[0][1].text());
  KLIEG_ASSERT(visibility, "the schema allows three words");
  auto made = insert_broadcast(inside, account, {.title = {}, .visibility = *visibility, .guests = {}}, now);
  if (!made) return made;
  auto invited = inside.run(
      "INSERT INTO broadcast_guests (broadcast, account) SELECT broadcasts.id, broadcast_guests.account "
      "FROM broadcast_guests, broadcasts WHERE broadcasts.id = $1 AND broadcast_guests.broadcast = $2",
      {*made, (*last)[0][0].integer()});
  if (!invited) return std::unexpected(std::move(invited.error()));
  return made;
}

// When a token for the broadcast may have been made at the earliest: it was planned, and no other was shown any more.
Outcome<int64_t> planned_from_s(Database& inside, const Broadcast& broadcast) {
  auto last = inside.run("SELECT max(ended_ms) FROM broadcasts WHERE account = $1 AND id <> $2",
                         {broadcast.owner.id, broadcast.id});
  if (!last) return std::unexpected(std::move(last.error()));
  const store::Value& ended = (*last)[0][0];
  return wire::seconds_of(ended.null() ? broadcast.created : std::max(broadcast.created, ended.time()));
}

Outcome<std::optional<media::GuestsRevoked>> revoke_before(Database& inside, int64_t planned) {
  auto found = find_broadcast(inside, planned);
  if (!found) return std::unexpected(std::move(found.error()));
  KLIEG_ASSERT(*found, "what is started in this transaction is there");
  if ((*found)->visibility == Visibility::everyone) return std::nullopt;
  auto from_s = planned_from_s(inside, **found);
  if (!from_s) return std::unexpected(std::move(from_s.error()));
  media::GuestsRevoked revoked{(*found)->owner.name, std::nullopt, *from_s};
  if (auto written = write_revocation(inside, revoked); !written) return std::unexpected(std::move(written.error()));
  return revoked;
}

}  // namespace

Outcome<int64_t> make_broadcast(Database& database, int64_t account, const BroadcastPlan& plan, WallTime now) {
  return transact(database, [&](Database& inside) { return insert_broadcast(inside, account, plan, now); });
}

Outcome<Changed> change_broadcast(Database& database, int64_t account, int64_t id, const BroadcastChange& change,
                                  WallTime now) {
  return transact(database, [&](Database& inside) -> Outcome<Changed> {
    auto found = find_broadcast(inside, id);
    if (!found) return std::unexpected(std::move(found.error()));
    if (!*found || (*found)->owner.id != account) return Changed::not_there;
    const Broadcast& was = **found;
    const Visibility visibility = change.visibility.value_or(was.visibility);
    const bool opens_or_closes = (visibility == Visibility::everyone) != (was.visibility == Visibility::everyone);
    if (opens_or_closes && was.started && !was.ended) return Changed::is_live;
    const bool may_have_guests = visibility == Visibility::guests;
    if (!may_have_guests && change.guests && !change.guests->empty()) return Changed::has_guests_only_if_private;
    auto changed = inside.run("UPDATE broadcasts SET title = $2, visibility = $3 WHERE id = $1",
                              {id, change.title.value_or(was.title), word_of(visibility)});
    if (!changed) return std::unexpected(std::move(changed.error()));
    if (may_have_guests && was.visibility == Visibility::with_link) {
      auto revoked = write_revocation(inside, {was.owner.name, by_link, revoked_until_s(now)});
      if (!revoked) return std::unexpected(std::move(revoked.error()));
    }
    if (may_have_guests && !change.guests) return Changed::yes;
    auto replaced = replace_guests(inside, was, change.guests.value_or(std::vector<int64_t>()), now);
    if (!replaced) return std::unexpected(std::move(replaced.error()));
    return Changed::yes;
  });
}

Outcome<std::vector<std::string>> guests_of(Database& database, int64_t id) {
  return store::all_of(database.run("SELECT name FROM broadcast_guests JOIN accounts ON accounts.id = account "
                                    "WHERE broadcast = $1 ORDER BY name",
                                    {id}),
                       [](const Row& row) { return row[0].text(); });
}

Outcome<Visibility> visibility_of_next(Database& database, int64_t account, int64_t key) {
  // In the order in which start_broadcast() takes them.
  auto rows = database.run(
      "SELECT visibility FROM broadcasts WHERE account = $1 ORDER BY "
      "CASE WHEN started_ms IS NOT NULL AND ended_ms IS NULL AND stream_key = $2 THEN 0 "
      "WHEN started_ms IS NULL THEN 1 ELSE 2 END, started_ms DESC, id DESC LIMIT 1",
      {account, key});
  if (!rows) return std::unexpected(std::move(rows.error()));
  if (rows->empty()) return Visibility::everyone;
  return visibility_of((*rows)[0][0].text()).value_or(Visibility::guests);
}

Outcome<Started> start_broadcast(Database& database, int64_t account, int64_t key, WallTime now) {
  return transact(database, [&](Database& inside) -> Outcome<Started> {
    auto live = inside.run(
        "SELECT id, stream_key FROM broadcasts WHERE account = $1 AND started_ms IS NOT NULL AND "
        "ended_ms IS NULL",
        {account});
    if (!live) return std::unexpected(std::move(live.error()));
    Started started;
    int64_t id = 0;
    if (!live->empty() && (*live)[0][1] == store::Value(key)) {
      id = (*live)[0][0].integer();
    } else {
      if (!live->empty()) {
        started.ended = (*live)[0][0].integer();
        auto ended = inside.run("UPDATE broadcasts SET ended_ms = $2 WHERE id = $1", {*started.ended, now});
        if (!ended) return std::unexpected(std::move(ended.error()));
      }
      auto planned = inside.run(
          "SELECT id FROM broadcasts WHERE account = $1 AND started_ms IS NULL ORDER BY id DESC LIMIT 1", {account});
      if (!planned) return std::unexpected(std::move(planned.error()));
      auto made =
          planned->empty() ? insert_like_the_last(inside, account, now) : Outcome<int64_t>((*planned)[0][0].integer());
      if (!made) return std::unexpected(std::move(made.error()));
      if (!planned->empty()) {
        auto revoked = revoke_before(inside, *made);
        if (!revoked) return std::unexpected(std::move(revoked.error()));
        started.revoked = std::move(*revoked);
      }
      id = *made;
      auto begun = inside.run("UPDATE broadcasts SET started_ms = $2, stream_key = $3 WHERE id = $1", {id, now, key});
      if (!begun) return std::unexpected(std::move(begun.error()));
      started.begins = true;
    }
    auto found = find_broadcast(inside, id);
    if (!found) return std::unexpected(std::move(found.error()));
    KLIEG_ASSERT(*found, "what was started in this transaction is there");
    started.broadcast = std::move(**found);
    return started;
  });
}

Outcome<void> end_broadcast(Database& database, int64_t id, const BroadcastCounts& counts, WallTime now) {
  return store::nothing_of(transact(database, [&](Database& inside) -> Outcome<Rows> {
    if (auto written = write_counts(inside, id, counts); !written) return std::unexpected(std::move(written.error()));
    return inside.run(
        "UPDATE broadcasts SET ended_ms = $2 WHERE id = $1 AND started_ms IS NOT NULL AND ended_ms IS NULL", {id, now});
  }));
}

Outcome<void> end_all(Database& database, WallTime now) {
  return store::nothing_of(
      database.run("UPDATE broadcasts SET ended_ms = $1 WHERE started_ms IS NOT NULL AND ended_ms IS NULL", {now}));
}

Outcome<void> end_all_of(Database& database, const std::string& node, WallTime now) {
  return store::nothing_of(
      database.run("UPDATE broadcasts SET ended_ms = $1 WHERE started_ms IS NOT NULL AND ended_ms IS NULL AND "
                   "account IN (SELECT accounts.id FROM accounts, rooms WHERE channel = name AND node = $2)",
                   {now, node}));
}

Outcome<void> end_unheld(Database& database, const std::string& lease_prefix, WallTime now) {
  return store::nothing_of(
      database.run("UPDATE broadcasts SET ended_ms = $1 WHERE started_ms IS NOT NULL AND ended_ms IS NULL AND "
                   "NOT EXISTS (SELECT 1 FROM leases, accounts WHERE accounts.id = broadcasts.account AND "
                   "leases.name = $2 || accounts.name AND holder IS NOT NULL)",
                   {now, lease_prefix}));
}

Outcome<void> write_counts(Database& database, int64_t id, const BroadcastCounts& counts) {
  // The larger of the two: the engines have no common function for it.
  return store::nothing_of(
      database.run("UPDATE broadcasts SET viewers_peak = CASE WHEN viewers_peak > $2 THEN viewers_peak ELSE $2 END, "
                   "viewers_total = CASE WHEN viewers_total > $3 THEN viewers_total ELSE $3 END, "
                   "comments = CASE WHEN comments > $4 THEN comments ELSE $4 END, "
                   "hearts = CASE WHEN hearts > $5 THEN hearts ELSE $5 END WHERE id = $1",
                   {id, counts.viewers_peak, counts.viewers_total, counts.comments, counts.hearts}));
}

Outcome<std::optional<Broadcast>> find_broadcast(Database& database, int64_t id) {
  return one_of(database.run(KLIEG_SELECT_BROADCAST "WHERE broadcasts.id = $1", {id}));
}
Outcome<std::optional<Broadcast>> find_broadcast(Database& database, const std::string& link) {
  return one_of(database.run(KLIEG_SELECT_BROADCAST "WHERE link = $1", {link}));
}
Outcome<std::optional<Broadcast>> find_live_broadcast(Database& database, int64_t account) {
  return one_of(database.run(
      KLIEG_SELECT_BROADCAST "WHERE account = $1 AND started_ms IS NOT NULL AND ended_ms IS NULL", {account}));
}

Outcome<std::vector<Broadcast>> list_live(Database& database, int64_t before, size_t limit) {
  return all_of(
      database.run(KLIEG_SELECT_BROADCAST
                   "WHERE started_ms IS NOT NULL AND ended_ms IS NULL AND visibility = 'public' AND "
                   "suspended_ms IS NULL AND (broadcasts.id < $1 OR $1 = 0) ORDER BY broadcasts.id DESC LIMIT $2",
                   {before, page_size(limit)}));
}

Outcome<std::vector<Broadcast>> list_broadcasts(Database& database, int64_t account, int64_t before, size_t limit) {
  return all_of(
      database.run(KLIEG_SELECT_BROADCAST
                   "WHERE account = $1 AND (broadcasts.id < $2 OR $2 = 0) ORDER BY broadcasts.id DESC LIMIT $3",
                   {account, before, page_size(limit)}));
}

Outcome<std::vector<Broadcast>> list_past_broadcasts(Database& database, int64_t account, int64_t before,
                                                     size_t limit) {
  return all_of(database.run(KLIEG_SELECT_BROADCAST
                             "WHERE account = $1 AND visibility = 'public' AND ended_ms IS NOT NULL AND "
                             "(broadcasts.id < $2 OR $2 = 0) ORDER BY broadcasts.id DESC LIMIT $3",
                             {account, before, page_size(limit)}));
}

Outcome<MayWatch> may_watch(Database& database, const Broadcast& broadcast, std::optional<int64_t> viewer,
                            const std::string& link) {
  Asking asking{.owns_it = viewer == broadcast.owner.id, .has_link = link == broadcast.link};
  if (viewer && !asking.owns_it) {
    auto rows = database.run(
        "SELECT (SELECT count(*) FROM broadcast_guests WHERE broadcast = $1 AND account = $2), "
        "(SELECT count(*) FROM blocks WHERE account = $3 AND blocked = $2)",
        {broadcast.id, *viewer, broadcast.owner.id});
    if (!rows) return std::unexpected(std::move(rows.error()));
    asking.is_guest = (*rows)[0][0].integer() > 0;
    asking.is_blocked = (*rows)[0][1].integer() > 0;
  }
  return judge(broadcast.visibility, asking);
}

Outcome<std::optional<int64_t>> token_from_s(Database& database, const Broadcast& broadcast, uint64_t viewer) {
  auto shown = database.run(
      "SELECT id FROM broadcasts WHERE account = $1 AND ended_ms IS NULL "
      "ORDER BY CASE WHEN started_ms IS NULL THEN 1 ELSE 0 END, id DESC LIMIT 1",
      {broadcast.owner.id});
  if (!shown) return std::unexpected(std::move(shown.error()));
  if (shown->empty() || (*shown)[0][0].integer() != broadcast.id) return std::nullopt;
  auto from_s = good_from_s(database, broadcast.owner.name, viewer);
  if (!from_s || broadcast.started) return from_s;
  auto planned_s = planned_from_s(database, broadcast);
  if (!planned_s) return std::unexpected(std::move(planned_s.error()));
  return std::max(*from_s, *planned_s + 1);
}

}  // namespace klieg::studio
