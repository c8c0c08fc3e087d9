#include "wire/path_token.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "base/whole_number.h"
#include "wire/base64.h"
#include "wire/live_path.h"

namespace klieg::wire {
namespace {

constexpr std::string_view purpose = "klieg-path";  // what else the secret proves cannot be taken for this
constexpr std::string_view token_prefix = "/t/";
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

// One spelling for each number, so that there is one for each token.
std::optional<uint64_t> number_of(std::string_view text) {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return whole_number<uint64_t>(text);
}

struct Claim {
  std::string_view text;  // all but the proof
  uint64_t expires_s = 0;
  std::string_view mac;
};

std::optional<Claim> parse(std::string_view token) {
  std::string_view rest = token;
  const std::string_view id = take_field(rest);
  const auto expires = number_of(take_field(rest));
  const auto viewer = number_of(take_field(rest));
  if (id.size() != key_id_size || !expires || !viewer || rest.size() != mac_size) return std::nullopt;
  return Claim{token.substr(0, token.size() - mac_size - 1), *expires, rest};
}

}  // namespace

std::optional<TokenPath> parse_token_path(std::string_view path) {
  if (!path.starts_with(token_prefix)) return std::nullopt;
  const std::string_view behind = path.substr(token_prefix.size());
  const size_t slash = behind.find('/');
  if (slash == behind.npos || !behind.substr(slash).starts_with(live_prefix)) return std::nullopt;
  const std::string_view token = behind.substr(0, slash);
  const std::string_view asked = behind.substr(slash);
  const std::string_view under = asked.substr(live_prefix.size());
  const size_t end = under.find('/');
  if (end == 0 || end == under.npos || !parse(token)) return std::nullopt;
  return TokenPath{token, under.substr(0, end), asked};
}

PathKey::PathKey(std::string_view secret)
    : empty_(secret.empty()), key_(hmac_sha256(as_bytes(secret), as_bytes(purpose))) {
  const Hmac id = hmac_sha256(key_, as_bytes("id"));
  id_ = fmt::format("{:02x}{:02x}{:02x}{:02x}", id[0], id[1], id[2], id[3]);
}

std::string PathKey::mac_of(std::string_view name, std::string_view claim) const {
  const Hmac mac = hmac_sha256(key_, as_bytes(fmt::format("{}\n{}\n{}", purpose, name, claim)));
  return base64url(ByteView(mac).first(mac_bytes));
}

std::string PathKey::sign(std::string_view name, uint64_t viewer, WallTime expires) const {
  KLIEG_ASSERT(!empty_, "whoever makes tokens has a secret");
  const int64_t expires_s = std::chrono::floor<std::chrono::seconds>(expires.time_since_epoch()).count();
  KLIEG_ASSERT(expires_s >= 0, "tokens are of today");
  const std::string claim = fmt::format("{}.{}.{}", id_, expires_s, viewer);
  return claim + "." + mac_of(name, claim);
}

PathTrust PathKey::judge(std::string_view token, std::string_view name, WallTime now) const {
  const auto claim = parse(token);
  if (!claim || empty_) return PathTrust::wrong;
  // The proof before the time: only who was let in once is told that it is over.
  if (!equal_in_constant_time(as_bytes(claim->mac), as_bytes(mac_of(name, claim->text)))) return PathTrust::wrong;
  const int64_t now_s = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  return now_s < 0 || static_cast<uint64_t>(now_s) < claim->expires_s ? PathTrust::trusted : PathTrust::expired;
}

}  // namespace klieg::wire
