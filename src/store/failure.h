// Why the database did not do what it was asked: a kind to branch on, and words for the operator's log.
//
// Of every kind but one it is known that nothing was changed. `in_doubt` is the exception, and it cannot be avoided:
// who asks for a commit and loses the connection before the answer does not know. So what is written twice must be the
// same as written once: keyed by what the asker chose, or looked up before it is tried again.
//
// The words may hold names of tables and columns, never a value: values are people's.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace klieg::store {

enum class FailureKind : uint8_t {
  unavailable,  // the engine cannot be reached, or was lost before it was asked to commit
  in_doubt,     // it was lost between a commit and its answer
  busy,         // others were in the way, and still are after some attempts
  overloaded,   // more waits for the store than it takes; it was not asked
  full,         // no room on the disk
  duplicate,    // a key that there is already
  dangling,     // a reference to what there is not (any more), or to what still refers to it
  rejected,     // a value that the schema does not allow: a CHECK, a NULL, text that is no UTF-8 or holds a NUL
  broken,       // not the database that this program expects: another schema, corruption, a statement it does not know
};

std::string_view name_of(FailureKind kind);  // as the enumerator: for logs and metrics

struct Failure {
  FailureKind kind = FailureKind::broken;
  std::string message;
  bool operator==(const Failure&) const = default;
};

template <class T>
using Outcome = std::expected<T, Failure>;

inline std::unexpected<Failure> failed(FailureKind kind, std::string message) {
  return std::unexpected(Failure{kind, std::move(message)});
}

}  // namespace klieg::store
