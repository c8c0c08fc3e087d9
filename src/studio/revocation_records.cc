#include "studio/revocation_records.h"

#include "store/answer.h"
#include "wire/path_token.h"

namespace klieg::studio {

using store::Database;
using store::Outcome;
using store::Row;

namespace {

constexpr int64_t everybody = -1;

// A token of an account is renewed for so long at most, a link is good for as long as it says.
int64_t account_since_s(WallTime now) { return wire::seconds_of(now - wire::guest_chain_life); }
int64_t link_since_s(WallTime now) { return wire::seconds_of(now - token_life_max); }

media::GuestsRevoked revoked_of(const Row& row) {
  media::GuestsRevoked revoked{row[0].text(), std::nullopt, row[2].integer()};
  if (row[1].integer() != everybody) revoked.viewer = static_cast<uint64_t>(row[1].integer());
  return revoked;
}

}  // namespace

int64_t revoked_until_s(WallTime now) { return wire::seconds_of(now) + 1; }

Outcome<void> write_revocation(Database& database, const media::GuestsRevoked& revoked) {
  const int64_t viewer = revoked.viewer ? static_cast<int64_t>(*revoked.viewer) : everybody;
  return store::nothing_of(
      database.run("INSERT INTO revocations (channel, viewer, issued_until_s) VALUES ($1, $2, $3) "
                   "ON CONFLICT (channel, viewer) DO UPDATE SET issued_until_s = excluded.issued_until_s "
                   "WHERE revocations.issued_until_s < excluded.issued_until_s",
                   {revoked.channel, viewer, revoked.issued_until_s}));
}

Outcome<std::vector<media::GuestsRevoked>> list_revocations(Database& database, WallTime now) {
  return store::all_of(
      database.run("SELECT channel, viewer, issued_until_s FROM revocations WHERE issued_until_s >= $1 OR "
                   "(viewer <= 0 AND issued_until_s >= $2)",
                   {account_since_s(now), link_since_s(now)}),
      revoked_of);
}

Outcome<std::vector<media::GuestsRevoked>> list_revocations(Database& database, const std::string& channel) {
  return store::all_of(
      database.run("SELECT channel, viewer, issued_until_s FROM revocations WHERE channel = $1", {channel}),
      revoked_of);
}

Outcome<void> forget_old_revocations(Database& database, WallTime now) {
  return store::nothing_of(
      database.run("DELETE FROM revocations WHERE issued_until_s < $2 OR (viewer > 0 AND issued_until_s < $1)",
                   {account_since_s(now), link_since_s(now)}));
}

Outcome<int64_t> good_from_s(Database& database, const std::string& channel, uint64_t viewer) {
  auto rows = database.run("SELECT max(issued_until_s) FROM revocations WHERE channel = $1 AND viewer IN ($2, $3)",
                           {channel, everybody, static_cast<int64_t>(viewer)});
  if (!rows) return std::unexpected(std::move(rows.error()));
  const store::Value& until_s = (*rows)[0][0];
  return until_s.null() ? 0 : until_s.integer() + 1;
}

}  // namespace klieg::studio
