// Errors as values.
//
// A Result is what a function returns when the outside world can make it fail. The Error's message is written for the
// person who has to act on it and says what to do; code that must branch on the kind of failure uses an enum of its own
// domain as E instead.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace klieg {

struct Error {
  std::string message;
  bool operator==(const Error&) const = default;
};

template <class T, class E = Error>
using Result = std::expected<T, E>;

inline std::unexpected<Error> fail(std::string message) { return std::unexpected(Error{std::move(message)}); }

}  // namespace klieg
