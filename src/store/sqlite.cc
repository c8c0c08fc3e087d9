#include "store/sqlite.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "base/assert.h"

namespace klieg::store {
namespace {

struct CloseConnection {
  void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Connection = std::unique_ptr<sqlite3, CloseConnection>;
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

// A statement that is not reset holds its lock.
class Reset {
 public:
  explicit Reset(sqlite3_stmt* statement) : statement_(statement) {}
  Reset(const Reset&) = delete;
  Reset& operator=(const Reset&) = delete;
  ~Reset() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

 private:
  sqlite3_stmt* statement_;
};

FailureKind kind_of(int extended) {
  switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      return FailureKind::duplicate;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return FailureKind::dangling;
    default:
      break;
  }
  switch (extended & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return FailureKind::busy;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
      return FailureKind::rejected;
    case SQLITE_FULL:
      return FailureKind::full;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_NOMEM:
      return FailureKind::unavailable;
    default:
      return FailureKind::broken;
  }
}

class Sqlite final : public Database {
 public:
  Sqlite(std::string path, Connection connection) : path_(std::move(path)), connection_(std::move(connection)) {}

  Engine engine() const override { return Engine::sqlite; }

  // One statement or many, for what they do and not for what they say.
  Outcome<void> execute_script(std::string_view script) override {
    if (sqlite3_exec(connection_.get(), std::string(script).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
      return failure();
    }
    return {};
  }

  Outcome<Rows> execute(Sql sql, std::span<const Value> values) override {
    Outcome<sqlite3_stmt*> prepared = prepare(sql);
    if (!prepared) return std::unexpected(std::move(prepared.error()));
    const Reset reset(*prepared);
    for (size_t i = 0; i < values.size(); ++i) {
      if (!bind(*prepared, i, values[i])) return failure();
    }
    const int changed_before = sqlite3_total_changes(connection_.get());
    Rows rows;
    int step = SQLITE_ROW;
    while ((step = sqlite3_step(*prepared)) == SQLITE_ROW) {
      if (rows.rows.size() == rows_max) return failed(FailureKind::broken, "a statement without a LIMIT");
      rows.rows.push_back(row_of(*prepared));
    }
    if (step != SQLITE_DONE) return failure();
    // Of a statement that changes nothing, changes() still says what the one before did.
    if (sqlite3_total_changes(connection_.get()) != changed_before) rows.changed = sqlite3_changes64(connection_.get());
    return rows;
  }

 private:
  // IMMEDIATE: the writer's lock is taken now, where waiting for it undoes nothing.
  Outcome<void> execute_begin() override { return execute_script("BEGIN IMMEDIATE"); }

  Outcome<void> execute_commit() override {
    Outcome<void> committed = execute_script("COMMIT");
    // What an fsync that failed has left on the disk is anybody's guess.
    if (!committed && committed.error().kind == FailureKind::unavailable)
      committed.error().kind = FailureKind::in_doubt;
    return committed;
  }

  void execute_rollback() override {
    // A disk that failed has made SQLite roll back by itself.
    if (sqlite3_get_autocommit(connection_.get()) == 0) {
      sqlite3_exec(connection_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
  }

  Outcome<sqlite3_stmt*> prepare(Sql sql) {
    Statement& kept = statements_[sql.c_str()];
    if (!kept) {
      sqlite3_stmt* made = nullptr;
      const int prepared = sqlite3_prepare_v3(connection_.get(), sql.c_str(), static_cast<int>(sql.text().size()) + 1,
                                              SQLITE_PREPARE_PERSISTENT, &made, nullptr);
      if (prepared != SQLITE_OK) return failure();
      kept.reset(made);
    }
    return kept.get();
  }

  // $1 is a name to SQLite, so that a statement may use its parameters in any order.
  static bool bind(sqlite3_stmt* statement, size_t i, const Value& value) {
    const int at = sqlite3_bind_parameter_index(statement, fmt::format("${}", i + 1).c_str());
    KLIEG_ASSERT(at > 0, "a statement has a parameter for each value");
    return value.visit([&]<class T>(const T& is) {
      if constexpr (std::is_same_v<T, std::monostate>) {
        return sqlite3_bind_null(statement, at);
      } else if constexpr (std::is_same_v<T, int64_t>) {
        return sqlite3_bind_int64(statement, at, is);
      } else if constexpr (std::is_same_v<T, std::string>) {
        return sqlite3_bind_text64(statement, at, is.data(), is.size(), SQLITE_STATIC, SQLITE_UTF8);
      } else {
        // A null pointer would be NULL, and no bytes are not nothing.
        return is.empty() ? sqlite3_bind_zeroblob(statement, at, 0)
                          : sqlite3_bind_blob64(statement, at, is.data(), is.size(), SQLITE_STATIC);
      }
    }) == SQLITE_OK;
  }

  static Row row_of(sqlite3_stmt* statement) {
    Row row;
    const int columns = sqlite3_column_count(statement);
    row.reserve(static_cast<size_t>(columns));
    for (int i = 0; i < columns; ++i) {
      switch (sqlite3_column_type(statement, i)) {
        case SQLITE_NULL:
          row.emplace_back();
          break;
        case SQLITE_INTEGER:
          row.emplace_back(static_cast<int64_t>(sqlite3_column_int64(statement, i)));
          break;
        case SQLITE_BLOB: {
          const auto* bytes = static_cast<const uint8_t*>(sqlite3_column_blob(statement, i));
          row.emplace_back(Bytes::copy_of({bytes, static_cast<size_t>(sqlite3_column_bytes(statement, i))}));
          break;
        }
        default: {  // text; a floating point number of whoever made one is read as text too
          const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, i));
          row.emplace_back(std::string_view(text, static_cast<size_t>(sqlite3_column_bytes(statement, i))));
          break;
        }
      }
    }
    return row;
  }

  std::unexpected<Failure> failure() const {
    return failed(kind_of(sqlite3_extended_errcode(connection_.get())),
                  fmt::format("{}: {}", path_, sqlite3_errmsg(connection_.get())));
  }

  const std::string path_;
  Connection connection_;
  std::unordered_map<const char*, Statement> statements_;  // as many as the program has; they go before the connection
};

}  // namespace

Outcome<std::unique_ptr<Database>> open_sqlite(const std::string& path) {
  // SQLite would make it readable by all; its journals take after it. Only where there is none: closing a descriptor of
  // a file that another connection of ours has open would drop that one's locks.
  if (const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600); made >= 0) {
    ::close(made);
  } else if (errno != EEXIST) {
    return failed(FailureKind::unavailable, fmt::format("{}: cannot be made ({})", path, std::strerror(errno)));
  }
  sqlite3* opened = nullptr;
  const int outcome = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  Connection connection(opened);
  if (outcome != SQLITE_OK) {
    return failed(kind_of(outcome), fmt::format("{}: {}", path, sqlite3_errstr(outcome)));
  }
  sqlite3_extended_result_codes(connection.get(), 1);
  sqlite3_busy_timeout(connection.get(), static_cast<int>(to_ms(lock_wait)));
  sqlite3_db_config(connection.get(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(connection.get(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  auto database = std::make_unique<Sqlite>(path, std::move(connection));
  // The log is cut back to 64 MiB when a long reader has made it grow.
  if (auto configured = database->execute_script("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                                 "PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864;");
      !configured) {
    return std::unexpected(std::move(configured.error()));
  }
  auto mode = database->execute("PRAGMA journal_mode", {});
  if (!mode) return std::unexpected(std::move(mode.error()));
  if ((*mode)[0][0].text() != "wal") {
    return failed(FailureKind::unavailable,
                  fmt::format("{}: no WAL on this file system; put the data on a local disk", path));
  }
  return database;
}

}  // namespace klieg::store
