#include "audience/upward.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "wire/hmac.h"

namespace klieg::audience {
namespace {

constexpr std::string_view path_prefix = "/.klieg/room";

}  // namespace

std::string upward_path_of(std::string_view topic) { return std::string(path_prefix).append(topic); }

std::string upward_query_of(std::string_view topic, ByteView body) {
  return fmt::format("digest={:02x}", fmt::join(wire::hmac_sha256(as_bytes(topic), body), ""));
}

std::optional<std::string_view> topic_of_upward(std::string_view path) {
  if (!path.starts_with(path_prefix)) return std::nullopt;
  path.remove_prefix(path_prefix.size());
  if (!path.starts_with('/')) return std::nullopt;
  return path;
}

bool is_digest_of(std::string_view query, std::string_view topic, ByteView body) {
  return query == upward_query_of(topic, body);
}

}  // namespace klieg::audience
