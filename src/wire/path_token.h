// Who may watch what is not for everybody: a token in front of the path, so that relative URIs inherit it.
//
//   /t/TOKEN/live/NAME/index.m3u8
//
//   TOKEN = KEY "." EXPIRES "." VIEWER "." MAC
//     KEY      8 hex digits: which secret it was made with
//     EXPIRES  seconds since 1970, decimal
//     VIEWER   the account it was made for, decimal; 0: whoever has the link
//     MAC      the first 16 bytes, in base64url, of
//              HMAC-SHA256(HMAC-SHA256(secret, "klieg-path"), "klieg-path" LF NAME LF KEY "." EXPIRES "." VIEWER)
//
// It is for one NAME and everything under it, until it expires. Half of an HMAC-SHA256 is enough (RFC 2104 section 5).
// The secret is that of the nodes: each of them can check it without asking anybody.
//
// Pure: no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "wire/hmac.h"

namespace klieg::wire {

// "?1" (RFC 9651) in an answer that is for such viewers alone. Every node keeps it with what it keeps, so that each can
// refuse the others. Told to nodes alone.
constexpr std::string_view private_header = "klieg-private";

struct TokenPath {
  std::string_view token;  // of the right form; who made it is for PathKey to say
  std::string_view name;
  std::string_view path;  // what is asked for: "/live/NAME/..."
};

// Views of `path`. Empty: no token stands in front of it.
std::optional<TokenPath> parse_token_path(std::string_view path);

enum class PathTrust : uint8_t {
  trusted,
  expired,  // made with our secret, for an earlier time
  wrong,    // made for another name, or with another secret
};

class PathKey {
 public:
  // An empty secret trusts nobody.
  explicit PathKey(std::string_view secret);

  // Asserted: there is a secret. What is less than a second of `expires` is cut off.
  std::string sign(std::string_view name, uint64_t viewer, WallTime expires) const;
  PathTrust judge(std::string_view token, std::string_view name, WallTime now) const;

 private:
  std::string mac_of(std::string_view name, std::string_view claim) const;

  bool empty_;
  Hmac key_;
  std::string id_;
};

}  // namespace klieg::wire
