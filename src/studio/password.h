// Passwords: what may be one, and their digests by Argon2id (RFC 9106, through libsodium).
//
// A digest takes a tenth of a second and 64 MiB, on purpose; so it is never made on a loop, and one at a time
// (worker_accounts.h). An account that does not exist costs the same: there is a digest to compare with that nobody's
// password has.
//
// Pure but for the generator of salts. Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace klieg::studio {

// NIST SP 800-63B: length is what counts, and no rules about its characters. The upper bound is for the digest's sake.
constexpr size_t password_characters_min = 10;
constexpr size_t password_bytes_max = 1'000;

enum class PasswordFault : uint8_t {
  too_short,
  too_long,
  not_utf8,
  is_the_name,  // or begins with it, or is one character again and again
};
std::string_view words_of(PasswordFault fault);  // for who chose it
std::optional<PasswordFault> fault_of(std::string_view password, std::string_view account_name);

struct PasswordCost {
  uint64_t passes = 2;
  size_t memory = size_t{64} << 20;
};
constexpr PasswordCost no_cost = {.passes = 1, .memory = 8192};  // for tests: the least there is

// Self-describing: algorithm, cost and salt stand in it. nullopt: there was not enough memory.
std::optional<std::string> digest_of_password(std::string_view password, const PasswordCost& cost);

enum class PasswordIs : uint8_t { right, wrong };
PasswordIs compare(std::string_view password, const std::string& digest);
// Made at another cost than is usual by now: to be made anew when the password is at hand.
bool is_outdated(const std::string& digest, const PasswordCost& cost);

}  // namespace klieg::studio
