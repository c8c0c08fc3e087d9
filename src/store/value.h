// What goes into a statement and comes out of it: nothing, a 64-bit integer, text, bytes.
//
// No floating point and no date: a time is milliseconds since 1970 UTC (`_ms`), a truth is 0 or 1, a choice is a word.
// So both engines mean the same by a value, and compare and sort it the same.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/time.h"

namespace klieg::store {

class Value {
 public:
  Value() = default;  // NULL
  // NOLINTBEGIN(google-explicit-constructor): a parameter list reads as the values in it
  template <std::integral T>
    requires(std::signed_integral<T> || sizeof(T) < sizeof(int64_t)) && (!std::same_as<T, bool>)
  Value(T number) : is_(static_cast<int64_t>(number)) {}
  Value(std::string text) : is_(std::move(text)) {}
  Value(std::string_view text) : is_(std::string(text)) {}
  Value(const char* text) : is_(std::string(text)) {}
  Value(Bytes bytes) : is_(std::move(bytes)) {}
  Value(WallTime time) : is_(to_ms(time.time_since_epoch())) {}
  template <class T>
  Value(const std::optional<T>& perhaps) : Value(perhaps ? Value(*perhaps) : Value()) {}
  Value(bool) = delete;  // say 0 or 1
  // NOLINTEND(google-explicit-constructor)

  bool null() const { return std::holds_alternative<std::monostate>(is_); }
  // Asserted: it is one.
  int64_t integer() const { return as<int64_t>("a column holds an integer"); }
  const std::string& text() const { return as<std::string>("a column holds text"); }
  const Bytes& bytes() const { return as<Bytes>("a column holds bytes"); }
  WallTime time() const { return WallTime(std::chrono::milliseconds(integer())); }

  template <class Visitor>
  decltype(auto) visit(Visitor&& visitor) const {
    return std::visit(std::forward<Visitor>(visitor), is_);
  }
  bool operator==(const Value&) const = default;

 private:
  template <class T>
  const T& as(const char* law) const {
    KLIEG_ASSERT(std::holds_alternative<T>(is_), law);  // statements are ours, and so are the columns they name
    return std::get<T>(is_);
  }

  std::variant<std::monostate, int64_t, std::string, Bytes> is_;
};

using Row = std::vector<Value>;

struct Rows {
  std::vector<Row> rows;
  int64_t changed = 0;  // inserted, updated or deleted

  bool empty() const { return rows.empty(); }
  size_t size() const { return rows.size(); }
  const Row& operator[](size_t i) const { return rows[i]; }
  auto begin() const { return rows.begin(); }
  auto end() const { return rows.end(); }
};

}  // namespace klieg::store
