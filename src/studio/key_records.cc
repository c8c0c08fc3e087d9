#include "studio/key_records.h"

#include <utility>

#include "store/answer.h"
#include "studio/audit_records.h"
#include "studio/secret.h"

namespace klieg::studio {

using store::Database;
using store::Outcome;
using store::Row;

namespace {

Outcome<NewKey> insert_key(Database& inside, int64_t account, const std::string& label, WallTime now) {
  std::string secret = new_secret(SecretKind::stream_key);
  auto made =
      inside.run("INSERT INTO stream_keys (account, digest, label, created_ms) VALUES ($1, $2, $3, $4) RETURNING id",
                 {account, digest_of(secret), label, now});
  if (!made) return std::unexpected(std::move(made.error()));
  auto written = write_deed(
      inside, {.at = now, .actor = account, .action = "stream key made", .subject = account, .detail = label});
  if (!written) return std::unexpected(std::move(written.error()));
  return NewKey{(*made)[0][0].integer(), std::move(secret)};
}

struct Taken {
  std::string label;
  RevokedKey revoked;
};
Outcome<std::optional<Taken>> take_key(Database& inside, int64_t account, int64_t id, WallTime now) {
  auto taken = inside.run(
      "UPDATE stream_keys SET revoked_ms = $3 WHERE id = $1 AND account = $2 AND revoked_ms IS NULL "
      "RETURNING label",
      {id, account, now});
  if (!taken) return std::unexpected(std::move(taken.error()));
  if (taken->empty()) return std::nullopt;
  const std::string label = (*taken)[0][0].text();
  auto written = write_deed(
      inside, {.at = now, .actor = account, .action = "stream key revoked", .subject = account, .detail = label});
  if (!written) return std::unexpected(std::move(written.error()));
  auto live = inside.run(
      "SELECT id FROM broadcasts WHERE stream_key = $1 AND started_ms IS NOT NULL AND ended_ms IS NULL", {id});
  if (!live) return std::unexpected(std::move(live.error()));
  Taken key{label, {}};
  if (!live->empty()) key.revoked.live_broadcast = (*live)[0][0].integer();
  return key;
}

}  // namespace

Outcome<std::optional<NewKey>> make_key(Database& database, int64_t account, const std::string& label, WallTime now) {
  return transact(database, [&](Database& inside) -> Outcome<std::optional<NewKey>> {
    auto count = inside.run("SELECT count(*) FROM stream_keys WHERE account = $1 AND revoked_ms IS NULL", {account});
    if (!count) return std::unexpected(std::move(count.error()));
    if ((*count)[0][0].integer() >= static_cast<int64_t>(keys_max)) return std::nullopt;
    auto made = insert_key(inside, account, label, now);
    if (!made) return std::unexpected(std::move(made.error()));
    return std::move(*made);
  });
}

Outcome<std::optional<KeyHolder>> use_key(Database& database, const std::string& secret, WallTime now) {
  if (!is_secret(SecretKind::stream_key, secret)) return std::nullopt;
  return transact(database, [&](Database& inside) -> Outcome<std::optional<KeyHolder>> {
    auto rows = inside.run("SELECT " KLIEG_ACCOUNT_COLUMNS
                           ", stream_keys.id FROM stream_keys JOIN accounts ON "
                           "accounts.id = stream_keys.account WHERE digest = $1 AND revoked_ms IS NULL AND "
                           "suspended_ms IS NULL",
                           {digest_of(secret)});
    if (!rows) return std::unexpected(std::move(rows.error()));
    if (rows->empty()) return std::nullopt;
    KeyHolder holder{(*rows)[0][account_columns].integer(), account_of((*rows)[0])};
    auto used = inside.run("UPDATE stream_keys SET used_ms = $2 WHERE id = $1", {holder.key, now});
    if (!used) return std::unexpected(std::move(used.error()));
    return holder;
  });
}

Outcome<std::vector<StreamKey>> list_keys(Database& database, int64_t account) {
  auto rows = database.run(
      "SELECT id, label, created_ms, used_ms FROM stream_keys WHERE account = $1 AND revoked_ms IS "
      "NULL ORDER BY id LIMIT $2",
      {account, static_cast<int64_t>(keys_max)});
  return store::all_of(std::move(rows), [](const Row& row) {
    StreamKey key{row[0].integer(), row[1].text(), row[2].time(), {}};
    if (!row[3].null()) key.used = row[3].time();
    return key;
  });
}

Outcome<std::optional<RevokedKey>> revoke_key(Database& database, int64_t account, int64_t id, WallTime now) {
  return transact(database, [&](Database& inside) -> Outcome<std::optional<RevokedKey>> {
    auto taken = take_key(inside, account, id, now);
    if (!taken) return std::unexpected(std::move(taken.error()));
    return *taken ? std::optional((*taken)->revoked) : std::nullopt;
  });
}

Outcome<std::optional<RotatedKey>> rotate_key(Database& database, int64_t account, int64_t id, WallTime now) {
  return transact(database, [&](Database& inside) -> Outcome<std::optional<RotatedKey>> {
    auto taken = take_key(inside, account, id, now);
    if (!taken) return std::unexpected(std::move(taken.error()));
    if (!*taken) return std::nullopt;
    auto made = insert_key(inside, account, (*taken)->label, now);
    if (!made) return std::unexpected(std::move(made.error()));
    return RotatedKey{std::move(*made), (*taken)->label, (*taken)->revoked};
  });
}

}  // namespace klieg::studio
