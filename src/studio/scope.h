// What a program that holds an API token may do on behalf of whose it is. A person with a session may do all of it, and
// what no token may: change the password, make tokens.
//
// As text, in the database and in the API: words with a space between them ("account:read keys:write").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace klieg::studio {

enum class Scope : uint8_t {
  account_read,      // who it is, whom it follows
  broadcasts_read,   // its own broadcasts, private ones too
  broadcasts_write,  // make, describe, end
  keys_write,        // make, rotate, revoke stream keys
  follows_write,
  rooms_write,     // comment, vote
  rooms_moderate,  // delete, time out, ban, in rooms where the account may
};

class Scopes {
 public:
  static constexpr size_t count = 7;

  // nullopt: a word that is none of them, or no word.
  static std::optional<Scopes> parse(std::string_view text);
  std::string text() const;

  void add(Scope scope) { bits_ |= bit(scope); }
  bool allow(Scope scope) const { return (bits_ & bit(scope)) != 0; }
  bool operator==(const Scopes&) const = default;

 private:
  static uint32_t bit(Scope scope) { return uint32_t{1} << static_cast<uint8_t>(scope); }
  uint32_t bits_ = 0;
};

}  // namespace klieg::studio
