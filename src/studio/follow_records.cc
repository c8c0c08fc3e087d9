#include "studio/follow_records.h"

#include <algorithm>
#include <utility>

#include "store/answer.h"

namespace klieg::studio {

using store::Database;
using store::Outcome;
using store::Row;
using store::Rows;

namespace {

Outcome<std::vector<Account>> accounts_of(Outcome<Rows> rows) {
  return store::all_of(std::move(rows), [](const Row& row) { return account_of(row); });
}

int64_t page_size(size_t limit) { return static_cast<int64_t>(std::clamp<size_t>(limit, 1, follow_page_max)); }

}  // namespace

Outcome<FollowIs> follow(Database& database, int64_t follower, int64_t followed, WallTime now) {
  if (follower == followed) return FollowIs::not_there;
  return transact(database, [&](Database& inside) -> Outcome<FollowIs> {
    auto may = inside.run(
        "SELECT 1 FROM accounts WHERE id = $2 AND NOT EXISTS (SELECT 1 FROM blocks WHERE account = $2 AND "
        "blocked = $1)",
        {follower, followed});
    if (!may) return std::unexpected(std::move(may.error()));
    if (may->empty()) return FollowIs::not_there;
    auto made =
        inside.run("INSERT INTO follows (follower, followed, created_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                   {follower, followed, now});
    if (!made) return std::unexpected(std::move(made.error()));
    return FollowIs::there;
  });
}

Outcome<void> unfollow(Database& database, int64_t follower, int64_t followed) {
  return store::nothing_of(
      database.run("DELETE FROM follows WHERE follower = $1 AND followed = $2", {follower, followed}));
}

Outcome<bool> follows(Database& database, int64_t follower, int64_t followed) {
  return store::any_of(
      database.run("SELECT 1 FROM follows WHERE follower = $1 AND followed = $2", {follower, followed}));
}

Outcome<FollowCounts> count_follows(Database& database, int64_t account) {
  auto rows = database.run(
      "SELECT (SELECT count(*) FROM follows WHERE followed = $1), (SELECT count(*) FROM follows WHERE follower = $1)",
      {account});
  if (!rows) return std::unexpected(std::move(rows.error()));
  return FollowCounts{(*rows)[0][0].integer(), (*rows)[0][1].integer()};
}

Outcome<std::vector<Account>> list_followers(Database& database, int64_t account, int64_t after, size_t limit) {
  return accounts_of(database.run("SELECT " KLIEG_ACCOUNT_COLUMNS
                                  " FROM follows JOIN accounts ON accounts.id = follower "
                                  "WHERE followed = $1 AND follower > $2 ORDER BY follower LIMIT $3",
                                  {account, after, page_size(limit)}));
}

Outcome<std::vector<Account>> list_following(Database& database, int64_t account, int64_t after, size_t limit) {
  return accounts_of(database.run("SELECT " KLIEG_ACCOUNT_COLUMNS
                                  " FROM follows JOIN accounts ON accounts.id = followed "
                                  "WHERE follower = $1 AND followed > $2 ORDER BY followed LIMIT $3",
                                  {account, after, page_size(limit)}));
}

Outcome<void> block(Database& database, int64_t account, int64_t blocked, WallTime now) {
  return store::nothing_of(transact(database, [&](Database& inside) -> Outcome<Rows> {
    auto ended =
        inside.run("DELETE FROM follows WHERE (follower = $1 AND followed = $2) OR (follower = $2 AND followed = $1)",
                   {account, blocked});
    if (!ended) return ended;
    return inside.run("INSERT INTO blocks (account, blocked, created_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                      {account, blocked, now});
  }));
}

Outcome<void> unblock(Database& database, int64_t account, int64_t blocked) {
  return store::nothing_of(database.run("DELETE FROM blocks WHERE account = $1 AND blocked = $2", {account, blocked}));
}

Outcome<bool> blocks(Database& database, int64_t account, int64_t blocked) {
  return store::any_of(database.run("SELECT 1 FROM blocks WHERE account = $1 AND blocked = $2", {account, blocked}));
}

}  // namespace klieg::studio
