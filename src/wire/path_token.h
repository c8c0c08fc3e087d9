// Who may watch what is not for everybody: a token in front of the path, so that relative URIs inherit it.
//
//   /t/TOKEN/live/NAME/index.m3u8    and all that is under NAME
//   /t/TOKEN/@NAME                   the page that plays it, which is no secret
//
//   TOKEN = a claim (claim.h) of the purpose "klieg-path" for NAME, with the fields
//     ISSUED   seconds since 1970, decimal: when it was first made; what is renewed keeps it, so that it can be revoked
//     EXPIRES  likewise
//     VIEWER   the account it was made for, decimal; 0: whoever has the link
//
// It is for one NAME and everything under it, until it expires or is revoked (edge/guests.h). The secret is that of the
// nodes: each of them can check it without asking anybody.
//
// Pure: no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "wire/claim.h"

namespace klieg::wire {

// "?1" (RFC 9651) in an answer that is for such viewers alone. Every node keeps it with what it keeps, so that each can
// refuse the others. Told to nodes alone.
constexpr std::string_view private_header = "klieg-private";

struct TokenPath {
  std::string_view token;  // of the right form; who made it is for PathKey to say
  std::string_view name;   // empty: what is asked for is nothing that a token is for
  std::string_view path;   // what is asked for: "/live/NAME/...", "/@NAME"
};

// Views of `path`. Empty: no token stands in front of it.
std::optional<TokenPath> parse_token_path(std::string_view path);
// What is asked for, with or without a token.
std::string_view path_behind_token(std::string_view path);
bool is_page_of(const TokenPath& path);

// A token of an account is short, and renewed by any node for as long as the chain may be; then whoever issued the
// first is asked again.
constexpr Duration guest_token_life = std::chrono::minutes(5);
constexpr Duration guest_chain_life = std::chrono::hours(24);

// What a token says. Whole seconds go into it.
struct Guest {
  uint64_t viewer = 0;
  WallTime issued;
  WallTime expires;
};
// Of a token of the right form; whether it is true is for PathKey to say.
std::optional<Guest> guest_of(std::string_view token);

using PathTrust = ClaimTrust;

struct PathJudgement {
  PathTrust trust = PathTrust::wrong;
  Guest guest;  // unless it is wrong
};

class PathKey {
 public:
  // An empty secret trusts nobody.
  explicit PathKey(std::string_view secret);

  // Asserted: there is a secret, and the times are after 1970.
  std::string sign(std::string_view name, const Guest& guest) const;
  PathJudgement judge(std::string_view token, std::string_view name, WallTime now) const;

 private:
  ClaimKey key_;
};

}  // namespace klieg::wire
