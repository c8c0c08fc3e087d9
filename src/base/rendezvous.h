// Rendezvous hashing (Thaler and Ravishankar 1998): of several hosts, the one whose weight for a key is largest keeps
// it. Who knows the same hosts agrees without a word, and when one goes only its keys move.
//
// FNV-1a, because every build on every machine must agree; mixed once more, because its high bits are poor.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/random.h"

namespace klieg {

// A newline stands in neither.
inline uint64_t rendezvous_weight(std::string_view key, std::string_view host) {
  uint64_t hash = 14695981039346656037u;
  const auto add = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 1099511628211u;
  };
  add(key);
  add(std::string_view("\n", 1));
  add(host);
  return Random(hash).next();
}

}  // namespace klieg
