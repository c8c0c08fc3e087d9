#include "store/database.h"

#include <utility>

#include "base/utf8.h"

namespace klieg::store {
namespace {

// Neither engine is asked: PostgreSQL refuses such text, SQLite keeps it and cuts it at the NUL here and there.
bool storable(std::span<const Value> values) {
  for (const Value& value : values) {
    const bool good = value.visit([]<class T>(const T& is) {
      if constexpr (std::is_same_v<T, std::string>) {
        return is.find('\0') == std::string::npos && is_utf8(std::string_view(is));
      } else {
        return true;
      }
    });
    if (!good) return false;
  }
  return true;
}

}  // namespace

std::string_view name_of(FailureKind kind) {
  switch (kind) {
    case FailureKind::unavailable:
      return "unavailable";
    case FailureKind::in_doubt:
      return "in_doubt";
    case FailureKind::busy:
      return "busy";
    case FailureKind::overloaded:
      return "overloaded";
    case FailureKind::full:
      return "full";
    case FailureKind::duplicate:
      return "duplicate";
    case FailureKind::dangling:
      return "dangling";
    case FailureKind::rejected:
      return "rejected";
    case FailureKind::broken:
      return "broken";
  }
  std::unreachable();
}

template <class T>
Outcome<T> Database::note(Outcome<T> outcome) {
  if (!outcome && state_ == State::open) state_ = State::failed;
  return outcome;
}

Outcome<Rows> Database::run(Sql sql, std::span<const Value> values) {
  KLIEG_ASSERT(state_ != State::failed, "a transaction that has failed is rolled back");
  if (!storable(values)) {
    return note(Outcome<Rows>(failed(FailureKind::rejected, "text that is no UTF-8 or holds a NUL")));
  }
  for (int attempt = 1;; ++attempt) {
    Outcome<Rows> rows = execute(sql, values);
    const bool again = !rows && rows.error().kind == FailureKind::busy && state_ == State::idle;
    if (!again || attempt == attempts_max) return note(std::move(rows));
  }
}

Outcome<void> Database::run_script(std::string_view script) {
  KLIEG_ASSERT(state_ == State::open, "a script runs in a transaction");
  return note(execute_script(script));
}

Outcome<void> Database::begin() {
  KLIEG_ASSERT(state_ == State::idle, "transactions are not nested");
  Outcome<void> begun = execute_begin();
  if (begun) state_ = State::open;
  return begun;
}

Outcome<void> Database::commit() {
  KLIEG_ASSERT(state_ == State::open, "what is committed has begun, and not failed");
  Outcome<void> committed = note(execute_commit());
  if (committed) state_ = State::idle;
  return committed;
}

void Database::rollback() {
  KLIEG_ASSERT(state_ != State::idle, "there is something to roll back");
  execute_rollback();
  state_ = State::idle;
}

}  // namespace klieg::store
