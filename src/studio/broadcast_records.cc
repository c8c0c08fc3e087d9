#include "studio/broadcast_records.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "store/answer.h"
#include "studio/secret.h"

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

}  // namespace

Outcome<int64_t> make_broadcast(Database& database, int64_t account, const BroadcastPlan& plan, WallTime now) {
  return transact(database, [&](Database& inside) { return insert_broadcast(inside, account, plan, now); });
}

Outcome<Changed> change_broadcast(Database& database, int64_t account, int64_t id, const BroadcastPlan& plan) {
  return transact(database, [&](Database& inside) -> Outcome<Changed> {
    auto changed = inside.run("UPDATE broadcasts SET title = $3, visibility = $4 WHERE id = $1 AND account = $2",
                              {id, account, plan.title, word_of(plan.visibility)});
    if (!changed) return std::unexpected(std::move(changed.error()));
    if (changed->changed == 0) return Changed::not_there;
    if (auto gone = inside.run("DELETE FROM broadcast_guests WHERE broadcast = $1", {id}); !gone) {
      return std::unexpected(std::move(gone.error()));
    }
    if (auto invited = insert_guests(inside, id, plan.guests); !invited) {
      return std::unexpected(std::move(invited.error()));
    }
    return Changed::yes;
  });
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
          planned->empty() ? insert_broadcast(inside, account, {}, now) : Outcome<int64_t>((*planned)[0][0].integer());
      if (!made) return std::unexpected(std::move(made.error()));
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

}  // namespace klieg::studio
