#include "studio/account_records.h"

#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "store/answer.h"
#include "studio/audit_records.h"
#include "studio/secret.h"

namespace klieg::studio {

using store::Database;
using store::Outcome;
using store::Row;
using store::Rows;

namespace {

Outcome<std::optional<Account>> one_account(Outcome<Rows> rows) {
  return store::first_of(std::move(rows), [](const Row& row) { return account_of(row); });
}

Outcome<std::optional<Credentials>> one_credentials(Outcome<Rows> rows) {
  return store::first_of(std::move(rows),
                         [](const Row& row) { return Credentials{account_of(row), row[account_columns].text()}; });
}

Outcome<Account> insert_account(Database& inside, const NewAccount& wanted, Role role,
                                std::optional<int64_t> invited_by, WallTime now) {
  const std::string_view word = role == Role::operator_ ? "operator" : "person";
  auto rows = inside.run(
      "INSERT INTO accounts (name, display_name, password_digest, role, invited_by, created_ms) "
      "VALUES ($1, $2, $3, $4, $5, $6) RETURNING " KLIEG_ACCOUNT_COLUMNS,
      {wanted.name, wanted.display_name, wanted.password_digest, word, invited_by, now});
  if (!rows) return std::unexpected(std::move(rows.error()));
  return account_of((*rows)[0]);
}

#define KLIEG_INVITE_COLUMNS "id, made_by, uses_left, created_ms, expires_ms"
Invite invite_of(const Row& row) {
  return {row[0].integer(), row[1].integer(), row[2].integer(), row[3].time(), row[4].time()};
}

}  // namespace

Account account_of(const Row& row, size_t from) {
  Account account{.id = row[from].integer(),
                  .name = row[from + 1].text(),
                  .display_name = row[from + 2].text(),
                  .role = row[from + 3].text() == "operator" ? Role::operator_ : Role::person,
                  .created = row[from + 4].time()};
  if (!row[from + 5].null()) account.suspended = row[from + 5].time();
  return account;
}

Outcome<std::optional<Account>> find_account(Database& database, const std::string& name) {
  return one_account(database.run("SELECT " KLIEG_ACCOUNT_COLUMNS " FROM accounts WHERE name = $1", {name}));
}
Outcome<std::optional<Account>> find_account(Database& database, int64_t id) {
  return one_account(database.run("SELECT " KLIEG_ACCOUNT_COLUMNS " FROM accounts WHERE id = $1", {id}));
}

Outcome<std::optional<Credentials>> find_credentials(Database& database, const std::string& name) {
  return one_credentials(
      database.run("SELECT " KLIEG_ACCOUNT_COLUMNS ", password_digest FROM accounts WHERE name = $1", {name}));
}
Outcome<std::optional<Credentials>> find_credentials(Database& database, int64_t id) {
  return one_credentials(
      database.run("SELECT " KLIEG_ACCOUNT_COLUMNS ", password_digest FROM accounts WHERE id = $1", {id}));
}

Outcome<MadeAccount> make_account(Database& database, const NewAccount& wanted, WallTime now) {
  return transact(database, [&](Database& inside) -> Outcome<MadeAccount> {
    auto taken = inside.run("SELECT 1 FROM accounts WHERE name = $1", {wanted.name});
    if (!taken) return std::unexpected(std::move(taken.error()));
    if (!taken->empty()) return MadeAccount{Made::name_taken, {}};
    std::optional<int64_t> invited_by;
    if (wanted.invite) {
      auto used = inside.run(
          "UPDATE invites SET uses_left = uses_left - 1 WHERE id = $1 AND uses_left > 0 AND "
          "expires_ms > $2 RETURNING made_by",
          {*wanted.invite, now});
      if (!used) return std::unexpected(std::move(used.error()));
      if (used->empty()) return MadeAccount{Made::invite_is_over, {}};
      invited_by = (*used)[0][0].integer();
    }
    auto account = insert_account(inside, wanted, Role::person, invited_by, now);
    if (!account) return std::unexpected(std::move(account.error()));
    return MadeAccount{Made::yes, std::move(*account)};
  });
}

Outcome<std::optional<Account>> make_first_account(Database& database, const NewAccount& wanted, WallTime now) {
  return transact(database, [&](Database& inside) -> Outcome<std::optional<Account>> {
    auto any = has_accounts(inside);
    if (!any) return std::unexpected(std::move(any.error()));
    if (*any) return std::nullopt;
    auto account = insert_account(inside, wanted, Role::operator_, std::nullopt, now);
    if (!account) return std::unexpected(std::move(account.error()));
    return std::move(*account);
  });
}

Outcome<bool> has_accounts(Database& database) {
  return store::any_of(database.run("SELECT id FROM accounts LIMIT 1"));
}

Outcome<void> set_display_name(Database& database, int64_t account, const std::string& display_name) {
  return store::nothing_of(
      database.run("UPDATE accounts SET display_name = $2 WHERE id = $1", {account, display_name}));
}

Outcome<PasswordSet> set_password(Database& database, const Credentials& was, const std::string& digest,
                                  const Bytes& kept, WallTime now) {
  const int64_t account = was.account.id;
  return transact(database, [&](Database& inside) -> Outcome<PasswordSet> {
    auto set = inside.run("UPDATE accounts SET password_digest = $3 WHERE id = $1 AND password_digest = $2",
                          {account, was.password_digest, digest});
    if (!set) return std::unexpected(std::move(set.error()));
    if (set->changed == 0) return PasswordSet::changed_meanwhile;
    auto written = write_deed(inside, {.at = now, .actor = account, .action = "password changed", .subject = account});
    if (!written) return std::unexpected(std::move(written.error()));
    auto ended = inside.run("DELETE FROM sessions WHERE account = $1 AND digest <> $2", {account, kept});
    if (!ended) return std::unexpected(std::move(ended.error()));
    return PasswordSet::yes;
  });
}

Outcome<void> suspend(Database& database, int64_t account, Suspension suspension, int64_t by, WallTime now) {
  const bool begins = suspension == Suspension::begins;
  return store::nothing_of(transact(database, [&](Database& inside) -> Outcome<Rows> {
    const store::Value since = begins ? store::Value(now) : store::Value();
    auto set = inside.run("UPDATE accounts SET suspended_ms = $2 WHERE id = $1", {account, since});
    if (!set) return set;
    auto written = write_deed(
        inside,
        {.at = now, .actor = by, .action = begins ? "account suspended" : "suspension lifted", .subject = account});
    if (!written) return std::unexpected(std::move(written.error()));
    if (!begins) return set;
    return inside.run("DELETE FROM sessions WHERE account = $1", {account});
  }));
}

Outcome<std::optional<NewInvite>> make_invite(Database& database, int64_t made_by, int64_t uses, WallTime now) {
  KLIEG_ASSERT(uses > 0 && uses <= invite_uses_max, "an invite is for a bounded number of people");
  return transact(database, [&](Database& inside) -> Outcome<std::optional<NewInvite>> {
    auto over =
        inside.run("DELETE FROM invites WHERE made_by = $1 AND (uses_left = 0 OR expires_ms <= $2)", {made_by, now});
    if (!over) return std::unexpected(std::move(over.error()));
    auto good = inside.run("SELECT count(*) FROM invites WHERE made_by = $1", {made_by});
    if (!good) return std::unexpected(std::move(good.error()));
    if ((*good)[0][0].integer() >= invites_max) return std::nullopt;
    std::string secret = new_secret(SecretKind::invite);
    auto rows = inside.run(
        "INSERT INTO invites (digest, made_by, uses_left, created_ms, expires_ms) VALUES ($1, $2, $3, $4, $5) "
        "RETURNING id",
        {digest_of(secret), made_by, uses, now, WallTime(now + invite_lifetime)});
    if (!rows) return std::unexpected(std::move(rows.error()));
    auto written = write_deed(inside, {.at = now,
                                       .actor = made_by,
                                       .action = "invite made",
                                       .subject = made_by,
                                       .detail = fmt::format("for {}", uses)});
    if (!written) return std::unexpected(std::move(written.error()));
    return NewInvite{(*rows)[0][0].integer(), std::move(secret)};
  });
}

Outcome<std::vector<Invite>> list_invites(Database& database, int64_t made_by, WallTime now) {
  return store::all_of(
      database.run("SELECT " KLIEG_INVITE_COLUMNS
                   " FROM invites WHERE made_by = $1 AND uses_left > 0 AND expires_ms > $2 ORDER BY id DESC LIMIT $3",
                   {made_by, now, invites_max}),
      invite_of);
}

Outcome<Revoked> revoke_invite(Database& database, int64_t made_by, int64_t id, WallTime now) {
  return transact(database, [&](Database& inside) -> Outcome<Revoked> {
    auto gone = inside.run("DELETE FROM invites WHERE id = $1 AND made_by = $2", {id, made_by});
    if (!gone) return std::unexpected(std::move(gone.error()));
    if (gone->changed == 0) return Revoked::not_there;
    auto written = write_deed(inside, {.at = now, .actor = made_by, .action = "invite taken back", .subject = made_by});
    if (!written) return std::unexpected(std::move(written.error()));
    return Revoked::yes;
  });
}

Outcome<std::optional<Invite>> find_invite(Database& database, const std::string& secret) {
  if (!is_secret(SecretKind::invite, secret)) return std::nullopt;
  return store::first_of(
      database.run("SELECT " KLIEG_INVITE_COLUMNS " FROM invites WHERE digest = $1", {digest_of(secret)}), invite_of);
}

}  // namespace klieg::studio
