#include "bus/subject.h"

#include <utility>

namespace klieg::bus {
namespace {

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool is_word(std::string_view text) {
  for (const char c : text) {
    if (!is_plain(c)) return false;
  }
  return !text.empty();
}

// Cuts off the first word; what is left is empty after the last.
std::string_view next_word(std::string_view& rest) {
  const std::string_view word = rest.substr(0, rest.find('.'));
  rest.remove_prefix(word.size() == rest.size() ? word.size() : word.size() + 1);
  return word;
}

enum class Wildcards : uint8_t { none, allowed };

bool is_made_of_words(std::string_view text, Wildcards wildcards) {
  if (text.empty() || text.size() > subject_size_max || text.ends_with('.')) return false;
  while (!text.empty()) {
    const std::string_view word = next_word(text);
    const bool wild = word == "*" || (word == ">" && text.empty());
    if (!is_word(word) && !(wild && wildcards == Wildcards::allowed)) return false;
  }
  return true;
}

}  // namespace

bool is_subject(std::string_view text) { return is_made_of_words(text, Wildcards::none); }
bool is_pattern(std::string_view text) { return is_made_of_words(text, Wildcards::allowed); }

bool matches(std::string_view pattern, std::string_view subject) {
  while (!pattern.empty() && !subject.empty()) {
    const std::string_view wanted = next_word(pattern);
    if (wanted == ">") return true;
    const std::string_view word = next_word(subject);
    if (wanted != "*" && wanted != word) return false;
  }
  return pattern.empty() && subject.empty();
}

std::string as_word(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string word;
  for (const char c : text) {
    if (is_plain(c) && c != '_') {
      word += c;
    } else {
      word += {'_', digits[static_cast<uint8_t>(c) >> 4], digits[static_cast<uint8_t>(c) & 15]};
    }
  }
  return word.empty() ? "_" : word;
}

}  // namespace klieg::bus
