#include "wire/path_token.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "wire/live_path.h"

namespace klieg::wire {
namespace {

constexpr std::string_view purpose = "klieg-path";  // what else the secret proves cannot be taken for this
constexpr std::string_view token_prefix = "/t/";
constexpr std::string_view page_prefix = "/@";

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
  if (!guest_of(token)) return std::nullopt;
  const std::string_view asked = behind.substr(slash);
  return TokenPath{token, name_in(asked), asked};
}

std::string_view path_behind_token(std::string_view path) {
  const auto parsed = parse_token_path(path);
  return parsed ? parsed->path : path;
}

bool is_page_of(const TokenPath& path) { return !path.name.empty() && !path.path.starts_with(live_prefix); }

std::optional<Guest> guest_of(std::string_view token) {
  const auto fields = claim_fields<3>(token);
  if (!fields) return std::nullopt;
  const auto issued = claim_time((*fields)[0]), expires = claim_time((*fields)[1]);
  const auto viewer = claim_number((*fields)[2]);
  if (!issued || !expires || !viewer) return std::nullopt;
  return Guest{*viewer, *issued, *expires};
}

PathKey::PathKey(std::string_view secret) : key_(secret, purpose) {}

std::string PathKey::sign(std::string_view name, const Guest& guest) const {
  KLIEG_ASSERT(seconds_of(guest.issued) >= 0 && seconds_of(guest.expires) >= 0, "tokens are of today");
  return key_.sign(name, fmt::format("{}.{}.{}", seconds_of(guest.issued), seconds_of(guest.expires), guest.viewer));
}

PathJudgement PathKey::judge(std::string_view token, std::string_view name, WallTime now) const {
  const auto guest = guest_of(token);
  // The proof before the time: only who was let in once is told that it is over.
  if (!guest || !key_.made(token, name)) return {};
  return {now < guest->expires ? PathTrust::trusted : PathTrust::expired, *guest};
}

}  // namespace klieg::wire
