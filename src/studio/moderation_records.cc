#include "studio/moderation_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "store/answer.h"
#include "studio/audit_records.h"

namespace klieg::studio {

using store::Database;
using store::Outcome;
using store::Row;

namespace {

constexpr size_t detail_size_max = 480;  // of audit_log's 500 characters, with an end

Outcome<bool> is_there(Database& inside, int64_t host, int64_t account) {
  if (host == account) return false;
  return store::any_of(inside.run("SELECT 1 FROM accounts WHERE id = $1", {account}));
}

Outcome<store::Rows> delete_moderator(Database& inside, int64_t host, int64_t account) {
  return inside.run("DELETE FROM moderators WHERE host = $1 AND account = $2", {host, account});
}

Outcome<store::Rows> delete_ban(Database& inside, int64_t host, int64_t account) {
  return inside.run("DELETE FROM bans WHERE host = $1 AND account = $2", {host, account});
}

// As the audit log names somebody: a number says nothing to who reads it.
Outcome<std::string> name_of(Database& inside, int64_t account) {
  auto found = find_account(inside, account);
  if (!found) return std::unexpected(std::move(found.error()));
  return *found ? "@" + (*found)->name : "a guest";
}

// Of the host, in his own rooms.
Outcome<void> write_own_deed(Database& inside, int64_t host, const char* action, int64_t whom, WallTime now) {
  auto name = name_of(inside, whom);
  if (!name) return std::unexpected(std::move(name.error()));
  return write_deed(inside, {.at = now, .actor = host, .action = action, .subject = host, .detail = *name});
}

Outcome<void> write_ban(Database& inside, int64_t host, int64_t account, std::optional<int64_t> by,
                        const std::string& reason, std::optional<WallTime> until, WallTime now) {
  auto dismissed = store::nothing_of(delete_moderator(inside, host, account));
  if (!dismissed) return dismissed;
  // Guests have no account, and so no ban that lasts.
  return store::nothing_of(
      inside.run("INSERT INTO bans (host, account, banned_by, reason, created_ms, until_ms) "
                 "SELECT $1, id, (SELECT id FROM accounts WHERE id = $3), $4, $5, $6 FROM accounts "
                 "WHERE id = $2 AND id <> $1 ON CONFLICT (host, account) DO UPDATE SET "
                 "banned_by = excluded.banned_by, reason = excluded.reason, until_ms = excluded.until_ms",
                 {host, account, by.value_or(0), reason, now, until}));
}

// What was done, and to what: an action of the audit log and its detail.
using Words = std::pair<std::string, std::string>;
Words words_of(const media::DeleteComment& it) {
  return {"room comment deleted", fmt::format("comment {}", it.comment)};
}
Words words_of(const media::ReleaseComment& it) {
  return {"room comment released", fmt::format("comment {}", it.comment)};
}
Words words_of(const media::PinComment& it) { return {"room comment pinned", fmt::format("comment {}", it.comment)}; }
Words words_of(const media::Bar& it, const std::string& whom) {
  if (it.duration == Duration::max()) return {"room ban", whom};
  return {"room time-out", fmt::format("{} for {} s", whom, it.duration / 1s)};
}
Words words_of(const media::Unbar&, const std::string& whom) { return {"room ban lifted", whom}; }
Words words_of(const media::SetRules& it) {
  return {"room rules set", fmt::format("who {}, first {}, slow {} s, review {}", name_of(it.rules.who), it.rules.first,
                                        it.rules.slow / 1s, name_of(it.rules.review))};
}
Words words_of(const media::SetWords& it) { return {"room words set", fmt::format("{} words", it.words.size())}; }
Words words_of(const media::OpenPoll& it) {
  return {"room poll opened", fmt::format("{} options, {} s", it.options.size(), it.duration / 1s)};
}
Words words_of(const media::ClosePoll& it) { return {"room poll closed", fmt::format("poll {}", it.poll)}; }

Outcome<Words> words_of(Database& inside, const media::Audited& deed) {
  return std::visit(
      [&](const auto& command) -> Outcome<Words> {
        if constexpr (requires { command.account; }) {
          auto whom = name_of(inside, static_cast<int64_t>(command.account));
          if (!whom) return std::unexpected(std::move(whom.error()));
          return words_of(command, *whom);
        } else {
          return words_of(command);
        }
      },
      deed.command);
}

std::optional<int64_t> account_of_person(const media::Person& person) {
  if (person.account == media::AccountId::anonymous || media::is_guest(person.account)) return std::nullopt;
  return static_cast<int64_t>(person.account);
}

}  // namespace

Outcome<Appointed> appoint_moderator(Database& database, int64_t host, int64_t account, WallTime now) {
  return transact(database, [&](Database& inside) -> Outcome<Appointed> {
    auto there = is_there(inside, host, account);
    if (!there) return std::unexpected(std::move(there.error()));
    auto banned =
        store::any_of(inside.run("SELECT 1 FROM bans WHERE host = $1 AND account = $2 AND (until_ms IS NULL OR "
                                 "until_ms > $3)",
                                 {host, account, now}));
    if (!banned) return std::unexpected(std::move(banned.error()));
    if (!*there || *banned) return Appointed::not_there;
    auto others = inside.run("SELECT count(*) FROM moderators WHERE host = $1 AND account <> $2", {host, account});
    if (!others) return std::unexpected(std::move(others.error()));
    if ((*others)[0][0].integer() >= static_cast<int64_t>(moderators_max)) return Appointed::too_many;
    auto made =
        inside.run("INSERT INTO moderators (host, account, created_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                   {host, account, now});
    if (!made) return std::unexpected(std::move(made.error()));
    if (made->changed == 0) return Appointed::yes;
    auto written = write_own_deed(inside, host, "moderator appointed", account, now);
    if (!written) return std::unexpected(std::move(written.error()));
    return Appointed::yes;
  });
}

Outcome<void> dismiss_moderator(Database& database, int64_t host, int64_t account, WallTime now) {
  return transact(database, [&](Database& inside) -> Outcome<void> {
    auto gone = delete_moderator(inside, host, account);
    if (!gone) return std::unexpected(std::move(gone.error()));
    return gone->changed == 0 ? Outcome<void>() : write_own_deed(inside, host, "moderator dismissed", account, now);
  });
}

Outcome<std::vector<Account>> list_moderators(Database& database, int64_t host) {
  return store::all_of(
      database.run("SELECT " KLIEG_ACCOUNT_COLUMNS " FROM moderators JOIN accounts ON accounts.id = account "
                   "WHERE host = $1 ORDER BY account LIMIT $2",
                   {host, static_cast<int64_t>(moderators_max)}),
      [](const Row& row) { return account_of(row); });
}

Outcome<Banned> ban(Database& database, int64_t host, int64_t account, std::optional<int64_t> by,
                    const std::string& reason, std::optional<WallTime> until, WallTime now) {
  return transact(database, [&](Database& inside) -> Outcome<Banned> {
    auto there = is_there(inside, host, account);
    if (!there) return std::unexpected(std::move(there.error()));
    if (!*there) return Banned::not_there;
    auto others = inside.run("SELECT count(*) FROM bans WHERE host = $1 AND account <> $2", {host, account});
    if (!others) return std::unexpected(std::move(others.error()));
    if ((*others)[0][0].integer() >= static_cast<int64_t>(bans_kept_max)) return Banned::too_many;
    auto done = write_ban(inside, host, account, by, reason, until, now);
    if (done) done = write_own_deed(inside, host, "room ban", account, now);
    if (!done) return std::unexpected(std::move(done.error()));
    return Banned::yes;
  });
}

Outcome<void> unban(Database& database, int64_t host, int64_t account, WallTime now) {
  return transact(database, [&](Database& inside) -> Outcome<void> {
    auto gone = delete_ban(inside, host, account);
    if (!gone) return std::unexpected(std::move(gone.error()));
    return gone->changed == 0 ? Outcome<void>() : write_own_deed(inside, host, "room ban lifted", account, now);
  });
}

Outcome<std::vector<Ban>> list_bans(Database& database, int64_t host, int64_t after, size_t limit, WallTime now) {
  return store::all_of(database.run("SELECT " KLIEG_ACCOUNT_COLUMNS ", bans.reason, bans.created_ms, bans.until_ms "
                                    "FROM bans JOIN accounts ON accounts.id = bans.account "
                                    "WHERE host = $1 AND bans.account > $2 AND (until_ms IS NULL OR until_ms > $3) "
                                    "ORDER BY bans.account LIMIT $4",
                                    {host, after, now, static_cast<int64_t>(std::min(limit, bans_kept_max))}),
                       [](const Row& row) {
                         const auto* rest = row.data() + account_columns;
                         Ban one{account_of(row), rest[0].text(), rest[1].time(), std::nullopt};
                         if (!rest[2].null()) one.until = rest[2].time();
                         return one;
                       });
}

Outcome<media::Standing> standing_in_rooms(Database& database, const std::string& host, int64_t account) {
  auto rows = database.run(
      "SELECT (SELECT count(*) FROM moderators WHERE host = accounts.id AND account = $2), "
      "(SELECT count(*) FROM follows WHERE followed = accounts.id AND follower = $2) FROM accounts WHERE name = $1",
      {host, account});
  if (!rows) return std::unexpected(std::move(rows.error()));
  if (rows->empty()) return media::Standing::stranger;
  if ((*rows)[0][0].integer() > 0) return media::Standing::moderator;
  return (*rows)[0][1].integer() > 0 ? media::Standing::follower : media::Standing::stranger;
}

media::Person person_before_records(const Account& account, const std::string& channel, ChannelOf whose) {
  const bool is_his = whose == ChannelOf::server ? account.role == Role::operator_ : account.name == channel;
  return {media::AccountId{static_cast<uint64_t>(account.id)}, account.name,
          is_his ? media::Standing::broadcaster : media::Standing::stranger};
}

Outcome<media::Person> person_in_room(Database& database, const Account& account, const std::string& channel,
                                      ChannelOf whose) {
  media::Person person = person_before_records(account, channel, whose);
  if (whose == ChannelOf::server || person.standing == media::Standing::broadcaster) return person;
  auto standing = standing_in_rooms(database, channel, account.id);
  if (!standing) return std::unexpected(std::move(standing.error()));
  person.standing = *standing;
  return person;
}

Outcome<RoomPeople> people_of_rooms(Database& database, const std::string& host, WallTime now) {
  const auto account = [](const Row& row) { return media::AccountId{static_cast<uint64_t>(row[0].integer())}; };
  auto moderators = store::all_of(
      database.run("SELECT moderators.account FROM moderators JOIN accounts ON accounts.id = host WHERE name = $1",
                   {host}),
      account);
  if (!moderators) return std::unexpected(std::move(moderators.error()));
  auto barred = store::all_of(
      database.run(
          "SELECT bans.account, until_ms, bans.created_ms AS since FROM bans JOIN accounts ON accounts.id = host "
          "WHERE name = $1 AND (until_ms IS NULL OR until_ms > $2) "
          "UNION ALL SELECT blocked, NULL, blocks.created_ms FROM blocks JOIN accounts ON accounts.id = account "
          "WHERE name = $1 ORDER BY since DESC LIMIT $3",
          {host, now, static_cast<int64_t>(bans_kept_max)}),
      [&](const Row& row) {
        return media::PersonBarred{account(row), row[1].null() ? WallTime::max() : row[1].time()};
      });
  if (!barred) return std::unexpected(std::move(barred.error()));
  return RoomPeople{std::move(*moderators), std::move(*barred)};
}

Outcome<void> write_moderation(Database& inside, const std::string& host, const std::vector<media::Audited>& deeds,
                               WallTime now) {
  if (deeds.empty()) return {};
  auto found = find_account(inside, host);
  if (!found) return std::unexpected(std::move(found.error()));
  if (!*found) return {};  // a channel without an account: its journal alone knows
  const int64_t id = (*found)->id;
  for (const media::Audited& deed : deeds) {
    auto words = words_of(inside, deed);
    if (!words) return std::unexpected(std::move(words.error()));
    auto& [action, detail] = *words;
    const std::optional<int64_t> actor = account_of_person(deed.by);
    detail.resize(std::min(detail.size(), detail_size_max));
    Outcome<void> done =
        write_deed(inside, {.at = deed.when, .actor = actor, .action = action, .subject = id, .detail = detail});
    if (!done) return done;
    if (const auto* bar = std::get_if<media::Bar>(&deed.command)) {
      const bool for_good = bar->duration == Duration::max();
      const auto until = for_good ? std::nullopt : std::optional(deed.when + bar->duration);
      done = write_ban(inside, id, static_cast<int64_t>(bar->account), actor, "", until, now);
    } else if (const auto* unbar = std::get_if<media::Unbar>(&deed.command)) {
      done = store::nothing_of(delete_ban(inside, id, static_cast<int64_t>(unbar->account)));
    }
    if (!done) return done;
  }
  return {};
}

}  // namespace klieg::studio
