// Under which name a request is kept, and what its delivery directives ask for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "wire/query_key.h"

namespace klieg::edge {

// A blocking reload (6.2.5.2 of rfc8216bis): a playlist as it is once it lists this.
struct BlockingReload {
  std::string name;  // the playlist's, with what else the query says
  uint64_t msn = 0;
  std::optional<uint64_t> part;
};

// Empty: the query asks for no version, or does so wrongly, which is for the origin to say.
std::optional<BlockingReload> blocking_reload_of(std::string_view path, std::string_view query);

// What of a query matters, path by path, as its responses said last (No-Vary-Search).
class QueryRules {
 public:
  std::string key_of(std::string_view path, std::string_view query) const;
  void learn(std::string_view path, const wire::QueryVariance& variance);

 private:
  static constexpr size_t paths_max = 4096;  // x 0.3 KiB; beyond it the queries of further paths matter whole
  std::unordered_map<std::string, wire::QueryVariance> rules_;
};

// "path?query", or the path alone.
std::string target_of(std::string_view path, std::string_view query);

}  // namespace klieg::edge
