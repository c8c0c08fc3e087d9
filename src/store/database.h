// A connection to the database, whichever engine it is.
//
// One SQL for both: statements are written in what SQLite 3.40 and PostgreSQL 15 share - parameters are $1, $2, upserts
// and RETURNING are there, `changed` counts - and tables in SQLite's words (dialect.h). Text sorts by its bytes.
//
// What is promised, the same of both engines, and the same tests hold both to it:
//   * what run() outside a transaction, or commit(), has answered well survives the death of this process, of the
//     engine and of the machine at any moment (the disk's word for it taken);
//   * a transaction is all or nothing, and as if it were alone: what it read is still so when it commits, else it fails
//     as `busy`. transact() tries again;
//   * a failure inside a transaction leaves rollback() only;
//   * an unfinished transaction is rolled back when its connection ends.
//
//   idle --begin()--> open --run(), run_script()--> open --commit()--> idle
//                      |  fails                       |
//                      +------------> failed <--------+      rollback() leads to idle from either
//
// Thread: one at a time, and calls wait: for a disk, for a server; never on a loop (worker.h is how a loop asks). Each
// wait has its limit, and ends as `unavailable`, `in_doubt` or `busy`.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "store/failure.h"
#include "store/value.h"

namespace klieg::store {

// The text of a statement. Only a literal becomes one, so no word of a person's can: what people write goes into
// values.
class Sql {
 public:
  template <size_t size>
  consteval Sql(const char (&literal)[size]) : text_(literal, size - 1) {}  // NOLINT(google-explicit-constructor)

  const char* c_str() const { return text_.data(); }
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;  // ends with a NUL, lives as long as the program: it is what prepared statements are kept by
};

enum class Engine : uint8_t { sqlite, postgresql };

class Database {
 public:
  // Of a statement's answer: a page of a list is 100, and a room's replay is read in pages too. 10,000 comments are
  // some 4 MiB. A statement that has more to say lacks its LIMIT, and fails as `broken`.
  static constexpr size_t rows_max = 10'000;

  Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  virtual ~Database() = default;

  virtual Engine engine() const = 0;

  // One statement, prepared at its first use and kept. Outside a transaction it is one of its own, and is tried again
  // while others are in its way. Asserted: not in a transaction that has failed.
  Outcome<Rows> run(Sql sql, std::span<const Value> values = {});
  Outcome<Rows> run(Sql sql, std::initializer_list<Value> values) { return run(sql, std::span(values)); }
  // Many statements of a migration, with ';' between them and no values. Asserted: in a transaction.
  Outcome<void> run_script(std::string_view script);

  // Asserted: in the state that the diagram says.
  Outcome<void> begin();
  Outcome<void> commit();
  void rollback();
  bool in_transaction() const { return state_ != State::idle; }

  // Waits until the engine can be asked, or says why it cannot: for programs that begin.
  virtual Outcome<void> reach() { return {}; }
  // What is due without waiting - looking whether the engine is still there, reaching it again - and when to look
  // again; nullopt: never. Outside transactions.
  virtual std::optional<LoopTime> tend(LoopTime) { return std::nullopt; }

 private:
  enum class State : uint8_t { idle, open, failed };

  virtual Outcome<Rows> execute(Sql sql, std::span<const Value> values) = 0;
  virtual Outcome<void> execute_script(std::string_view script) = 0;
  virtual Outcome<void> execute_begin() = 0;
  virtual Outcome<void> execute_commit() = 0;
  virtual void execute_rollback() = 0;  // also when the connection is lost

  template <class T>
  Outcome<T> note(Outcome<T> outcome);

  State state_ = State::idle;
};

// So often is a transaction tried that others are in the way of: with two in each other's way one goes through each
// time.
constexpr int attempts_max = 5;

// Runs `work` in a transaction: committed when it returns a value, rolled back when a Failure. It may be run several
// times, so it changes nothing but the database.
template <class Work>
auto transact(Database& database, Work work) -> decltype(work(database)) {
  for (int attempt = 1;; ++attempt) {
    if (auto begun = database.begin(); !begun) return std::unexpected(std::move(begun.error()));
    auto outcome = work(database);
    if (outcome) {
      if (auto committed = database.commit(); !committed) outcome = std::unexpected(std::move(committed.error()));
    }
    if (database.in_transaction()) database.rollback();
    if (outcome || outcome.error().kind != FailureKind::busy || attempt == attempts_max) return outcome;
  }
}

}  // namespace klieg::store
