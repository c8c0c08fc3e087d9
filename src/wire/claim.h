// What a node with the nodes' secret says of a viewer, so that each of them can check it without asking anybody: the
// form that tokens in paths (path_token.h) and tickets to rooms (room_ticket.h) have in common.
//
//   CLAIM = KEY "." FIELD "." ... FIELD "." MAC
//     KEY    8 hex digits: which secret it was made with, and for which purpose
//     FIELD  of letters, digits, '_' and '-'
//     MAC    the first 16 bytes, in base64url, of HMAC-SHA256(HMAC-SHA256(secret, PURPOSE),
//            PURPOSE LF NAME LF KEY "." FIELD "." ... FIELD)
//
// It is for one NAME and one PURPOSE: what is made for one proves nothing for another. Half of an HMAC-SHA256 is enough
// (RFC 2104 section 5).
//
// Pure: no clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "wire/hmac.h"

namespace klieg::wire {

enum class ClaimTrust : uint8_t {
  trusted,
  expired,  // made with our secret, for an earlier time
  wrong,    // made for another name or purpose, or with another secret
};

class ClaimKey {
 public:
  // An empty secret trusts nobody.
  ClaimKey(std::string_view secret, std::string_view purpose);

  // Asserted: there is a secret.
  std::string sign(std::string_view name, std::string_view fields) const;
  // Asserted: the claim has the form.
  bool made(std::string_view claim, std::string_view name) const;

 private:
  std::string mac_of(std::string_view name, std::string_view said) const;

  std::string purpose_;
  bool empty_;
  Hmac key_;
  std::string id_;
};

// One spelling for each number, so that there is one for each claim.
std::optional<uint64_t> claim_number(std::string_view field);
std::optional<WallTime> claim_time(std::string_view field);  // whole seconds since 1970
int64_t seconds_of(WallTime time);

bool split_claim(std::string_view claim, std::span<std::string_view> fields);

// The fields of what has the form, with exactly so many of them; whether they are true is for ClaimKey to say.
template <size_t count>
std::optional<std::array<std::string_view, count>> claim_fields(std::string_view claim) {
  std::array<std::string_view, count> fields;
  return split_claim(claim, fields) ? std::optional(fields) : std::nullopt;
}

}  // namespace klieg::wire
