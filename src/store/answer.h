// What a statement's answer comes to for whoever asked: nothing, whether there was a row, the first of them, all of
// them. A failure stays what it is.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "store/failure.h"
#include "store/value.h"

namespace klieg::store {

inline Outcome<void> nothing_of(Outcome<Rows> rows) {
  if (!rows) return std::unexpected(std::move(rows.error()));
  return {};
}

inline Outcome<bool> any_of(Outcome<Rows> rows) {
  if (!rows) return std::unexpected(std::move(rows.error()));
  return !rows->empty();
}

// `read` makes a record of a Row. Empty: there was none.
template <class Read>
auto first_of(Outcome<Rows> rows, Read read) -> Outcome<std::optional<decltype(read(std::declval<const Row&>()))>> {
  if (!rows) return std::unexpected(std::move(rows.error()));
  if (rows->empty()) return std::nullopt;
  return read((*rows)[0]);
}

template <class Read>
auto all_of(Outcome<Rows> rows, Read read) -> Outcome<std::vector<decltype(read(std::declval<const Row&>()))>> {
  if (!rows) return std::unexpected(std::move(rows.error()));
  std::vector<decltype(read(std::declval<const Row&>()))> all;
  all.reserve(rows->size());
  for (const Row& row : *rows) all.push_back(read(row));
  return all;
}

}  // namespace klieg::store
