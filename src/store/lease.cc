#include "store/lease.h"

#include <utility>

#include "store/answer.h"

namespace klieg::store {
namespace {

Outcome<std::optional<Lease>> lease_of(Outcome<Rows> rows, const std::string& name) {
  if (!rows) return std::unexpected(std::move(rows.error()));
  if (rows->empty()) return std::nullopt;
  const Row& row = (*rows)[0];
  Lease lease{name, row[0].integer(), std::nullopt, row[2].integer()};
  if (!row[1].null()) lease.holder = row[1].text();
  return lease;
}

Outcome<Granted> granted(Outcome<Rows> rows) {
  if (!rows) return std::unexpected(std::move(rows.error()));
  return rows->changed == 1 ? Granted::yes : Granted::no;
}

}  // namespace

void WatchedLease::saw(Lease lease, LoopTime at) {
  if (!lease_ || *lease_ != lease) silent_since_ = at;
  lease_ = std::move(lease);
}

void WatchedLease::heard(const std::string& holder, LoopTime at) {
  if (lease_ && lease_->holder == holder) silent_since_ = at;
}

bool WatchedLease::may_take(const std::optional<Listening>& listening, LoopTime now) const {
  if (!lease_) return false;
  if (!lease_->holder) return true;
  const LoopTime from = silent_since_ + take_after;
  return now >= from && listening && listening->up_to >= from && listening->up_to >= listening->since + take_after;
}

Outcome<std::optional<Lease>> read_lease(Database& database, const std::string& name) {
  return lease_of(database.run("SELECT number, holder, beat FROM leases WHERE name = $1", {name}), name);
}

Outcome<std::optional<Lease>> take_free(Database& database, const std::string& name, const std::string& holder) {
  return lease_of(database.run("INSERT INTO leases (name, number, holder, beat) VALUES ($1, 1, $2, 0) "
                               "ON CONFLICT (name) DO UPDATE SET number = leases.number + 1, holder = excluded.holder, "
                               "beat = leases.beat + 1 WHERE leases.holder IS NULL RETURNING number, holder, beat",
                               {name, holder}),
                  name);
}

Outcome<std::optional<Lease>> take_from(Database& database, const Lease& seen, const std::string& holder) {
  return lease_of(database.run("UPDATE leases SET number = number + 1, holder = $4, beat = beat + 1 "
                               "WHERE name = $1 AND number = $2 AND beat = $3 RETURNING number, holder, beat",
                               {seen.name, seen.number, seen.beat, holder}),
                  seen.name);
}

Outcome<std::vector<Lease>> renew_all(Database& database, const std::string& holder) {
  return all_of(
      database.run("UPDATE leases SET beat = beat + 1 WHERE holder = $1 RETURNING name, number, beat", {holder}),
      [&](const Row& row) { return Lease{row[0].text(), row[1].integer(), holder, row[2].integer()}; });
}

Outcome<Granted> release(Database& database, const Lease& held) {
  return granted(
      database.run("UPDATE leases SET holder = NULL, beat = beat + 1 "
                   "WHERE name = $1 AND number = $2 AND holder = $3",
                   {held.name, held.number, held.holder}));
}

Outcome<std::vector<Lease>> list_held(Database& database) {
  return all_of(database.run("SELECT name, number, holder, beat FROM leases WHERE holder IS NOT NULL ORDER BY name "
                             "LIMIT $1",
                             {static_cast<int64_t>(Database::rows_max)}),
                [](const Row& row) { return Lease{row[0].text(), row[1].integer(), row[2].text(), row[3].integer()}; });
}

Outcome<Granted> not_taken_since(Database& open, const std::string& name, int64_t number) {
  // Changes nothing and locks the row, on both engines.
  return granted(open.run("UPDATE leases SET number = number WHERE name = $1 AND number = $2", {name, number}));
}

Outcome<Granted> take_away(Database& database, const Lease& seen) {
  return granted(
      database.run("UPDATE leases SET holder = NULL, beat = beat + 1 "
                   "WHERE name = $1 AND number = $2 AND beat = $3 AND holder = $4",
                   {seen.name, seen.number, seen.beat, seen.holder}));
}

Outcome<Attempt> attempt(Database& database, const std::string& name, const std::optional<Lease>& seen,
                         const std::string& holder) {
  auto taken = seen && seen->holder ? take_from(database, *seen, holder) : take_free(database, name, holder);
  if (!taken) return std::unexpected(std::move(taken.error()));
  if (*taken) return Attempt{std::move(*taken), std::nullopt};
  auto there = read_lease(database, name);
  if (!there) return std::unexpected(std::move(there.error()));
  if (*there && (*there)->holder == holder) {
    taken = take_from(database, **there, holder);
    if (!taken) return std::unexpected(std::move(taken.error()));
    if (*taken) return Attempt{std::move(*taken), std::nullopt};
    there = read_lease(database, name);
    if (!there) return std::unexpected(std::move(there.error()));
  }
  return Attempt{std::nullopt, std::move(*there)};
}

}  // namespace klieg::store
