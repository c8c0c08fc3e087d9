#include "studio/password.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "base/utf8.h"

namespace klieg::studio {

std::string_view words_of(PasswordFault fault) {
  switch (fault) {
    case PasswordFault::too_short:
      return "a password has at least 10 characters";
    case PasswordFault::too_long:
      return "a password has at most 1000 bytes";
    case PasswordFault::not_utf8:
      return "a password is text";
    case PasswordFault::is_the_name:
      return "that is what anybody would try first; take several words";
  }
  std::unreachable();
}

std::optional<PasswordFault> fault_of(std::string_view password, std::string_view account_name) {
  if (password.size() > password_bytes_max) return PasswordFault::too_long;
  size_t characters = 0;
  for (std::string_view rest = password; !rest.empty(); ++characters) {
    if (!take_code_point(rest)) return PasswordFault::not_utf8;
  }
  if (characters < password_characters_min) return PasswordFault::too_short;
  const bool all_the_same = std::ranges::all_of(password, [&](char c) { return c == password.front(); });
  // "anna123456" says no more than "123456".
  const bool mostly_the_name = !account_name.empty() && password.starts_with(account_name) &&
                               password.size() - account_name.size() < password_characters_min;
  if (all_the_same || mostly_the_name) return PasswordFault::is_the_name;
  return std::nullopt;
}

std::optional<std::string> digest_of_password(std::string_view password, const PasswordCost& cost) {
  KLIEG_ASSERT(sodium_init() >= 0, "the system has randomness");
  std::array<char, crypto_pwhash_STRBYTES> digest{};
  if (crypto_pwhash_str_alg(digest.data(), password.data(), password.size(), cost.passes, cost.memory,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return std::nullopt;
  }
  return std::string(digest.data());
}

PasswordIs compare(std::string_view password, const std::string& digest) {
  KLIEG_ASSERT(sodium_init() >= 0, "the system has randomness");
  const bool same = crypto_pwhash_str_verify(digest.c_str(), password.data(), password.size()) == 0;
  return same ? PasswordIs::right : PasswordIs::wrong;
}

bool is_outdated(const std::string& digest, const PasswordCost& cost) {
  return crypto_pwhash_str_needs_rehash(digest.c_str(), cost.passes, cost.memory) != 0;
}

}  // namespace klieg::studio
