#include "studio/session_records.h"

#include <utility>

#include "base/logging.h"
#include "store/answer.h"
#include "studio/audit_records.h"
#include "studio/secret.h"

namespace klieg::studio {

using store::Database;
using store::Outcome;
using store::Row;
using store::Rows;

namespace {

constexpr size_t agent_size_max = 200;

// A header of the network: whatever its bytes, this is a line of ASCII.
std::string agent_line(std::string_view agent) {
  std::string line;
  for (const char c : agent) {
    if (line.size() == agent_size_max) break;
    if (c >= ' ' && c <= '~') line += c;
  }
  return line;
}

// That the use of a secret could not be written down is no reason to send somebody away.
void note_use(const Outcome<Rows>& written) {
  if (written) return;
  logging::warning("the use of a secret was not written down", {{"failure", store::name_of(written.error().kind)}});
}

Outcome<std::string> insert_session(Database& inside, int64_t account, std::string_view agent,
                                    const std::string& replaced, WallTime now) {
  auto ended = inside.run("DELETE FROM sessions WHERE digest = $1", {digest_of(replaced)});
  if (!ended) return std::unexpected(std::move(ended.error()));
  auto room = inside.run(
      "DELETE FROM sessions WHERE account = $1 AND digest NOT IN (SELECT digest FROM sessions "
      "WHERE account = $1 ORDER BY used_ms DESC, created_ms DESC LIMIT $2)",
      {account, static_cast<int64_t>(sessions_max - 1)});
  if (!room) return std::unexpected(std::move(room.error()));
  std::string secret = new_secret(SecretKind::session);
  auto made = inside.run(
      "INSERT INTO sessions (digest, account, agent, created_ms, used_ms, expires_ms) "
      "VALUES ($1, $2, $3, $4, $4, $5)",
      {digest_of(secret), account, agent_line(agent), now, expires({now, now})});
  if (!made) return std::unexpected(std::move(made.error()));
  return secret;
}

}  // namespace

Outcome<std::string> open_session(Database& database, int64_t account, std::string_view agent,
                                  const std::string& replaced, WallTime now) {
  return transact(database, [&](Database& inside) { return insert_session(inside, account, agent, replaced, now); });
}

Outcome<std::optional<std::string>> open_session(Database& database, const Credentials& compared,
                                                 const std::optional<std::string>& renewed, std::string_view agent,
                                                 const std::string& replaced, WallTime now) {
  return transact(database, [&](Database& inside) -> Outcome<std::optional<std::string>> {
    auto same = inside.run(
        "UPDATE accounts SET password_digest = $3 WHERE id = $1 AND password_digest = $2 AND "
        "suspended_ms IS NULL",
        {compared.account.id, compared.password_digest, renewed.value_or(compared.password_digest)});
    if (!same) return std::unexpected(std::move(same.error()));
    if (same->changed == 0) return std::nullopt;
    return insert_session(inside, compared.account.id, agent, replaced, now);
  });
}

Outcome<std::optional<Session>> use_session(Database& database, const std::string& secret, WallTime now) {
  if (!is_secret(SecretKind::session, secret)) return std::nullopt;
  const Bytes digest = digest_of(secret);
  auto rows = database.run("SELECT " KLIEG_ACCOUNT_COLUMNS
                           ", sessions.created_ms, sessions.used_ms FROM sessions "
                           "JOIN accounts ON accounts.id = sessions.account WHERE digest = $1",
                           {digest});
  if (!rows) return std::unexpected(std::move(rows.error()));
  if (rows->empty()) return std::nullopt;
  const Row& row = (*rows)[0];
  Session session{account_of(row), {row[account_columns].time(), row[account_columns + 1].time()}};
  if (session.account.suspended) return std::nullopt;
  switch (judge(session.times, now)) {
    case SessionIs::good:
      return session;
    case SessionIs::over:
      return std::nullopt;
    case SessionIs::to_be_touched:
      break;
  }
  session.times.used = now;
  note_use(database.run("UPDATE sessions SET used_ms = $2, expires_ms = $3 WHERE digest = $1",
                        {digest, now, expires(session.times)}));
  return session;
}

Outcome<void> close_session(Database& database, const std::string& secret) {
  return store::nothing_of(database.run("DELETE FROM sessions WHERE digest = $1", {digest_of(secret)}));
}

Outcome<int64_t> sweep_sessions(Database& database, WallTime now) {
  auto rows = database.run("DELETE FROM sessions WHERE expires_ms <= $1", {now});
  if (!rows) return std::unexpected(std::move(rows.error()));
  return rows->changed;
}

Outcome<std::optional<NewToken>> make_token(Database& database, int64_t account, const std::string& label,
                                            const Scopes& scopes, std::optional<WallTime> expires, WallTime now) {
  return transact(database, [&](Database& inside) -> Outcome<std::optional<NewToken>> {
    auto count = inside.run("SELECT count(*) FROM api_tokens WHERE account = $1 AND revoked_ms IS NULL", {account});
    if (!count) return std::unexpected(std::move(count.error()));
    if ((*count)[0][0].integer() >= static_cast<int64_t>(tokens_max)) return std::nullopt;
    std::string secret = new_secret(SecretKind::api_token);
    auto made = inside.run(
        "INSERT INTO api_tokens (account, digest, label, scopes, created_ms, expires_ms) "
        "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        {account, digest_of(secret), label, scopes.text(), now, expires});
    if (!made) return std::unexpected(std::move(made.error()));
    auto written = write_deed(
        inside, {.at = now, .actor = account, .action = "API token made", .subject = account, .detail = label});
    if (!written) return std::unexpected(std::move(written.error()));
    return NewToken{(*made)[0][0].integer(), std::move(secret)};
  });
}

Outcome<std::optional<TokenHolder>> use_token(Database& database, const std::string& secret, WallTime now) {
  if (!is_secret(SecretKind::api_token, secret)) return std::nullopt;
  auto rows = database.run("SELECT " KLIEG_ACCOUNT_COLUMNS
                           ", scopes, used_ms, api_tokens.id FROM api_tokens "
                           "JOIN accounts ON accounts.id = api_tokens.account WHERE digest = $1 AND revoked_ms IS NULL "
                           "AND suspended_ms IS NULL AND (expires_ms IS NULL OR expires_ms > $2)",
                           {digest_of(secret), now});
  if (!rows) return std::unexpected(std::move(rows.error()));
  if (rows->empty()) return std::nullopt;
  const Row& row = (*rows)[0];
  const auto scopes = Scopes::parse(row[account_columns].text());
  if (!scopes) return std::nullopt;  // of a newer Klieg
  const store::Value& used = row[account_columns + 1];
  if (used.null() || now - used.time() >= touch_every) {
    note_use(database.run("UPDATE api_tokens SET used_ms = $2 WHERE id = $1", {row[account_columns + 2], now}));
  }
  return TokenHolder{account_of(row), *scopes};
}

Outcome<std::vector<Token>> list_tokens(Database& database, int64_t account) {
  auto rows = database.run(
      "SELECT id, label, scopes, created_ms, used_ms, expires_ms FROM api_tokens "
      "WHERE account = $1 AND revoked_ms IS NULL ORDER BY id LIMIT $2",
      {account, static_cast<int64_t>(tokens_max)});
  return store::all_of(std::move(rows), [](const Row& row) {
    Token token{
        row[0].integer(), row[1].text(), Scopes::parse(row[2].text()).value_or(Scopes()), row[3].time(), {}, {}};
    if (!row[4].null()) token.used = row[4].time();
    if (!row[5].null()) token.expires = row[5].time();
    return token;
  });
}

Outcome<Revoked> revoke_token(Database& database, int64_t account, int64_t id, WallTime now) {
  return transact(database, [&](Database& inside) -> Outcome<Revoked> {
    auto rows = inside.run(
        "UPDATE api_tokens SET revoked_ms = $3 WHERE id = $1 AND account = $2 AND revoked_ms IS NULL RETURNING label",
        {id, account, now});
    if (!rows) return std::unexpected(std::move(rows.error()));
    if (rows->empty()) return Revoked::not_there;
    auto written = write_deed(inside, {.at = now,
                                       .actor = account,
                                       .action = "API token revoked",
                                       .subject = account,
                                       .detail = (*rows)[0][0].text()});
    if (!written) return std::unexpected(std::move(written.error()));
    return Revoked::yes;
  });
}

}  // namespace klieg::studio
