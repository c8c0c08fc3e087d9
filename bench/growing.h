// What bench_growing_origin serves and bench_herd_load expects: objects that grow while they are read. Their path says
// all about them, so neither tool has to be told:
//
//   /grow/BYTES/PIECES/EVERY_MS/KIND/ID       KIND: words joined by +
//
//   length    Content-Length is known from the start
//   chunked   it is not: chunked transfer coding
//   drop      the first answer's connection is closed when 30 % of the body are on it
//   late      404 for one second from the first request; the object begins to grow then
#pragma once

#include <time.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <vector>

namespace klieg::bench {

struct Growing {
  uint64_t bytes = 0;
  uint64_t pieces = 1;
  uint64_t every_ms = 0;
  bool chunked = false, drop = false, late = false;

  static std::optional<Growing> parse(std::string_view path) {
    std::vector<std::string_view> words;
    for (const auto word : std::views::split(path, '/')) words.emplace_back(word.begin(), word.end());
    if (words.size() != 7 || words[1] != "grow") return std::nullopt;
    Growing found;
    const auto number = [](std::string_view digits, uint64_t& into) {
      return std::from_chars(digits.data(), digits.data() + digits.size(), into).ptr == digits.data() + digits.size();
    };
    if (!number(words[2], found.bytes) || !number(words[3], found.pieces) || !number(words[4], found.every_ms))
      return std::nullopt;
    if (found.pieces == 0 || found.bytes < found.pieces || found.bytes > 100'000'000) return std::nullopt;
    for (const auto word : std::views::split(words[5], '+')) {
      const std::string_view kind(word.begin(), word.end());
      found.chunked |= kind == "chunked";
      found.drop |= kind == "drop";
      found.late |= kind == "late";
    }
    return found;
  }

  // No two places of it look alike, and no two objects: a byte from the wrong place or object is noticed.
  std::string content(std::string_view path) const {
    uint64_t state = std::hash<std::string_view>{}(path) | 1;
    std::string made(bytes, '\0');
    for (char& byte : made) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      byte = static_cast<char>(state >> 56);
    }
    return made;
  }
};

// Of the wall, because that is what the kernel stamps on what arrives.
inline int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

}  // namespace klieg::bench
