#include "edge/key.h"

#include <algorithm>
#include <charconv>

namespace klieg::edge {
namespace {

std::optional<uint64_t> number_of(std::string_view digits) {
  uint64_t value = 0;
  const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || rest != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string QueryRules::key_of(std::string_view path, std::string_view query) const {
  if (query.empty()) return {};
  const auto rule = rules_.empty() ? rules_.end() : rules_.find(std::string(path));
  return rule == rules_.end() ? wire::query_key(query) : wire::query_key(query, rule->second);
}

void QueryRules::learn(std::string_view path, const wire::QueryVariance& variance) {
  if (variance == wire::QueryVariance()) {
    if (!rules_.empty()) rules_.erase(std::string(path));
  } else if (const auto rule = rules_.find(std::string(path)); rule != rules_.end()) {
    rule->second = variance;
  } else if (rules_.size() < paths_max) {
    rules_.emplace(path, variance);
  }
}

std::string target_of(std::string_view path, std::string_view query) {
  std::string target(path);
  if (!query.empty()) target.append("?").append(query);
  return target;
}

std::optional<BlockingReload> blocking_reload_of(std::string_view path, std::string_view query) {
  constexpr std::string_view msn_name = "_HLS_msn=";
  constexpr std::string_view part_name = "_HLS_part=";
  if (query.find(msn_name) == query.npos) return std::nullopt;
  std::optional<uint64_t> msn, part;
  std::string rest;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.starts_with(msn_name)) {
      if (msn) return std::nullopt;
      msn = number_of(pair.substr(msn_name.size()));
      if (!msn) return std::nullopt;
    } else if (pair.starts_with(part_name)) {
      if (part) return std::nullopt;
      part = number_of(pair.substr(part_name.size()));
      if (!part) return std::nullopt;
    } else {
      rest.append(rest.empty() ? "" : "&").append(pair);
    }
  }
  if (!msn) return std::nullopt;
  return BlockingReload{target_of(path, rest), *msn, part};
}

}  // namespace klieg::edge
