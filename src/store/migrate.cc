#include "store/migrate.h"

#include <fmt/format.h>

#include <utility>

namespace klieg::store {
namespace {

constexpr std::string_view table = R"(
CREATE TABLE IF NOT EXISTS schema_migrations (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  checksum TEXT NOT NULL,
  applied_ms INTEGER NOT NULL
) STRICT;)";

// The one thing that the engines have no common word for.
Outcome<bool> has_table(Database& database) {
  const Sql sql = database.engine() == Engine::sqlite
                      ? Sql("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'")
                      : Sql("SELECT count(*) FROM pg_class WHERE oid = to_regclass('schema_migrations')");
  auto rows = database.run(sql);
  if (!rows) return std::unexpected(std::move(rows.error()));
  return (*rows)[0][0].integer() == 1;
}

// How many were applied, once it is certain that they were the first of those we know.
Outcome<size_t> applied(Database& database, std::span<const Migration> known) {
  auto has = has_table(database);
  if (!has) return std::unexpected(std::move(has.error()));
  if (!*has) return 0;
  auto rows = database.run("SELECT version, checksum FROM schema_migrations ORDER BY version");
  if (!rows) return std::unexpected(std::move(rows.error()));
  for (size_t i = 0; i < rows->size(); ++i) {
    const int64_t version = (*rows)[i][0].integer();
    if (i >= known.size()) {
      return failed(
          FailureKind::broken,
          fmt::format("the database has migration {}, this klieg knows {}: run the newer one", version, known.size()));
    }
    if (version != known[i].version) {
      return failed(FailureKind::broken, fmt::format("migration {} is missing in the middle", known[i].version));
    }
    if ((*rows)[i][1].text() != known[i].checksum) {
      return failed(FailureKind::broken, fmt::format("migration {:04}_{} was changed after it had been applied",
                                                     known[i].version, known[i].name));
    }
  }
  return rows->size();
}

Outcome<bool> apply(Database& database, const Migration& migration, WallTime now) {
  return transact(database, [&](Database& inside) -> Outcome<bool> {
    // First its row: whoever else is at it waits here, and then finds it applied.
    if (auto row =
            inside.run("INSERT INTO schema_migrations (version, name, checksum, applied_ms) VALUES ($1, $2, $3, $4)",
                       {migration.version, migration.name, migration.checksum, now});
        !row) {
      return std::unexpected(std::move(row.error()));
    }
    if (auto ran = inside.run_script(migration.script); !ran) {
      ran.error().message =
          fmt::format("migration {:04}_{}: {}", migration.version, migration.name, ran.error().message);
      return std::unexpected(std::move(ran.error()));
    }
    return true;
  });
}

}  // namespace

Outcome<size_t> missing(Database& database, std::span<const Migration> known) {
  auto count = applied(database, known);
  if (!count) return count;
  return known.size() - *count;
}

Outcome<size_t> migrate(Database& database, WallTime now, std::span<const Migration> known) {
  size_t done = 0;
  // Who is overtaken finds one more applied than before, so that is how often it can happen; and at the table.
  for (size_t overtakings = 0; overtakings <= known.size() + attempts_max; ++overtakings) {
    auto made = transact(database, [](Database& inside) -> Outcome<bool> {
      if (auto ran = inside.run_script(table); !ran) return std::unexpected(std::move(ran.error()));
      return true;
    });
    auto count = made ? applied(database, known) : Outcome<size_t>(std::unexpected(std::move(made.error())));
    bool overtaken = !count && count.error().kind == FailureKind::duplicate;
    if (!count && !overtaken) return count;
    for (size_t i = overtaken ? known.size() : *count; i < known.size() && !overtaken; ++i) {
      auto outcome = apply(database, known[i], now);
      overtaken = !outcome && outcome.error().kind == FailureKind::duplicate;
      if (!outcome && !overtaken) return std::unexpected(std::move(outcome.error()));
      if (outcome) ++done;
    }
    if (!overtaken) return done;
  }
  return failed(FailureKind::busy, "others are migrating this database");
}

}  // namespace klieg::store
