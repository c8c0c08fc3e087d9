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
constexpr std::string_view page_prefix = "/@";
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
  Guest guest;
  std::string_view mac;
};

constexpr uint64_t seconds_max = 9'000'000'000;  // the year 2255: nanoseconds end in 2262
WallTime time_of(uint64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

std::optional<Claim> parse(std::string_view token) {
  std::string_view rest = token;
  const std::string_view id = take_field(rest);
  const auto issued = number_of(take_field(rest));
  const auto expires = number_of(take_field(rest));
  const auto viewer = number_of(take_field(rest));
  if (id.size() != key_id_size || !issued || !expires || !viewer || rest.size() != mac_size) return std::nullopt;
  if (*issued > seconds_max || *expires > seconds_max) return std::nullopt;
  return Claim{token.substr(0, token.size() - mac_size - 1), {*viewer, time_of(*issued), time_of(*expires)}, rest};
}

// "ada" of "/live/ada/index.m3u8" and "/@ada"; empty: of nothing else.
std::string_view name_in(std::string_view path) {
  if (path.starts_with(live_prefix)) {
    path.remove_prefix(live_prefix.size());
    const size_t end = path.find('/');
    return end == path.npos ? std::string_view() : path.substr(0, end);
  }
  if (!path.starts_with(page_prefix)) return {};
  path.remove_prefix(page_prefix.size());
  if (path.ends_with('/')) path.remove_suffix(1);
  return path.contains('/') ? std::string_view() : path;
}

}  // namespace

std::optional<TokenPath> parse_token_path(std::string_view path) {
  if (!path.starts_with(token_prefix)) return std::nullopt;
  const std::string_view behind = path.substr(token_prefix.size());
  const size_t slash = std::min(behind.find('/'), behind.size());
  const std::string_view token = behind.substr(0, slash);
  if (!parse(token)) return std::nullopt;
  const std::string_view asked = behind.substr(slash);
  return TokenPath{token, name_in(asked), asked};
}

std::string_view path_behind_token(std::string_view path) {
  const auto parsed = parse_token_path(path);
  return parsed ? parsed->path : path;
}

bool is_page_of(const TokenPath& path) { return !path.name.empty() && !path.path.starts_with(live_prefix); }

std::optional<Guest> guest_of(std::string_view token) {
  const auto claim = parse(token);
  return claim ? std::optional(claim->guest) : std::nullopt;
}

int64_t seconds_of(WallTime time) { return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count(); }

PathKey::PathKey(std::string_view secret)
    : empty_(secret.empty()), key_(hmac_sha256(as_bytes(secret), as_bytes(purpose))) {
  const Hmac id = hmac_sha256(key_, as_bytes("id"));
  id_ = fmt::format("{:02x}{:02x}{:02x}{:02x}", id[0], id[1], id[2], id[3]);
}

std::string PathKey::mac_of(std::string_view name, std::string_view claim) const {
  const Hmac mac = hmac_sha256(key_, as_bytes(fmt::format("{}\n{}\n{}", purpose, name, claim)));
  return base64url(ByteView(mac).first(mac_bytes));
}

std::string PathKey::sign(std::string_view name, const Guest& guest) const {
  KLIEG_ASSERT(!empty_, "whoever makes tokens has a secret");
  KLIEG_ASSERT(seconds_of(guest.issued) >= 0 && seconds_of(guest.expires) >= 0, "tokens are of today");
  const std::string claim =
      fmt::format("{}.{}.{}.{}", id_, seconds_of(guest.issued), seconds_of(guest.expires), guest.viewer);
  return claim + "." + mac_of(name, claim);
}

PathJudgement PathKey::judge(std::string_view token, std::string_view name, WallTime now) const {
  const auto claim = parse(token);
  if (!claim || empty_) return {};
  // The proof before the time: only who was let in once is told that it is over.
  if (!equal_in_constant_time(as_bytes(claim->mac), as_bytes(mac_of(name, claim->text)))) return {};
  return {now < claim->guest.expires ? PathTrust::trusted : PathTrust::expired, claim->guest};
}

}  // namespace klieg::wire
