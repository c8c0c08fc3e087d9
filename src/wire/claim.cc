#include "wire/claim.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "base/whole_number.h"
#include "wire/base64.h"

namespace klieg::wire {
namespace {

constexpr size_t key_id_size = 8;
constexpr size_t mac_bytes = 16;
constexpr size_t mac_size = 22;

// The text up to the next dot, which is taken off with it.
std::string_view take_field(std::string_view& text) {
  const size_t dot = std::min(text.find('.'), text.size());
  const std::string_view field = text.substr(0, dot);
  text.remove_prefix(std::min(dot + 1, text.size()));
  return field;
}

}  // namespace

ClaimKey::ClaimKey(std::string_view secret, std::string_view purpose)
    : purpose_(purpose), empty_(secret.empty()), key_(hmac_sha256(as_bytes(secret), as_bytes(purpose))) {
  const Hmac id = hmac_sha256(key_, as_bytes("id"));
  id_ = fmt::format("{:02x}{:02x}{:02x}{:02x}", id[0], id[1], id[2], id[3]);
}

std::string ClaimKey::mac_of(std::string_view name, std::string_view said) const {
  const Hmac mac = hmac_sha256(key_, as_bytes(fmt::format("{}\n{}\n{}", purpose_, name, said)));
  return base64url(ByteView(mac).first(mac_bytes));
}

std::string ClaimKey::sign(std::string_view name, std::string_view fields) const {
  KLIEG_ASSERT(!empty_, "whoever makes tokens has a secret");
  const std::string said = fmt::format("{}.{}", id_, fields);
  return said + "." + mac_of(name, said);
}

bool ClaimKey::made(std::string_view claim, std::string_view name) const {
  KLIEG_ASSERT(claim.size() > mac_size, "what is judged has the form");
  const std::string_view said = claim.substr(0, claim.size() - mac_size - 1);
  const std::string_view mac = claim.substr(claim.size() - mac_size);
  return !empty_ && equal_in_constant_time(as_bytes(mac), as_bytes(mac_of(name, said)));
}

bool split_claim(std::string_view claim, std::span<std::string_view> fields) {
  if (take_field(claim).size() != key_id_size) return false;
  for (std::string_view& field : fields) field = take_field(claim);
  return claim.size() == mac_size;
}

std::optional<uint64_t> claim_number(std::string_view field) {
  if (field.size() > 1 && field.front() == '0') return std::nullopt;
  return whole_number<uint64_t>(field);
}

std::optional<WallTime> claim_time(std::string_view field) {
  constexpr uint64_t seconds_max = 9'000'000'000;  // the year 2255: nanoseconds end in 2262
  const auto seconds = claim_number(field);
  if (!seconds || *seconds > seconds_max) return std::nullopt;
  return WallTime(std::chrono::seconds(*seconds));
}

int64_t seconds_of(WallTime time) { return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count(); }

}  // namespace klieg::wire
