#include "studio/scope.h"

#include <algorithm>
#include <array>

namespace klieg::studio {
namespace {

// In the order of the enum.
constexpr std::array<std::string_view, Scopes::count> words = {"account:read",  "broadcasts:read", "broadcasts:write",
                                                               "keys:write",    "follows:write",   "rooms:write",
                                                               "rooms:moderate"};

}  // namespace

std::optional<Scopes> Scopes::parse(std::string_view text) {
  Scopes scopes;
  while (true) {
    const std::string_view word = text.substr(0, text.find(' '));
    const auto* found = std::ranges::find(words, word);
    if (found == words.end()) return std::nullopt;
    scopes.add(static_cast<Scope>(found - words.begin()));
    if (word.size() == text.size()) return scopes;
    text.remove_prefix(word.size() + 1);
  }
}

std::string Scopes::text() const {
  std::string all;
  for (size_t i = 0; i < count; ++i) {
    if (!allow(static_cast<Scope>(i))) continue;
    if (!all.empty()) all += ' ';
    all += words[i];
  }
  return all;
}

}  // namespace klieg::studio
