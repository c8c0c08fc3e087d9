#include "studio/name.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace klieg::studio {
namespace {

// Addresses and roles that somebody could be taken for.
constexpr std::array<std::string_view, 24> reserved = {
    "about",   "account",   "admin", "administrator", "api",    "assets",  "embed",  "everyone",
    "health",  "help",      "here",  "home",          "klieg",  "live",    "login",  "logout",
    "metrics", "moderator", "root",  "signup",        "studio", "support", "system", "watch"};

bool is_control(char32_t c) {
  const bool turns = (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);  // bidirectional overrides, isolates
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || turns;
}

}  // namespace

std::optional<std::string> account_name_of(std::string_view typed) {
  if (typed.size() < name_size_min || typed.size() > name_size_max) return std::nullopt;
  std::string name(typed);
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const bool good = is_letter(name.front()) && std::ranges::all_of(name, [&](char c) {
                      return is_letter(c) || (c >= '0' && c <= '9') || c == '_';
                    });
  if (!good || std::ranges::find(reserved, name) != reserved.end()) return std::nullopt;
  return name;
}

bool is_line(std::string_view text, size_t characters_max, Emptiness emptiness) {
  if (text.empty()) return emptiness == Emptiness::allowed;
  if (text.front() == ' ' || text.back() == ' ') return false;
  for (size_t characters = 0; !text.empty(); ++characters) {
    const auto c = take_code_point(text);
    if (!c || is_control(*c) || characters == characters_max) return false;
  }
  return true;
}

}  // namespace klieg::studio
