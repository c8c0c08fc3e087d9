#include "wire/http_range.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace klieg::wire {
namespace {

// A decimal of digits alone; what does not fit 64 bits is beyond every end.
std::optional<uint64_t> parse_position(std::string_view digits) {
  if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos) return std::nullopt;
  uint64_t value = 0;
  const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() ? value : UINT64_MAX;
}

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string_view opaque(std::string_view etag) { return etag.starts_with("W/") ? etag.substr(2) : etag; }

}  // namespace

std::optional<RangeSpec> parse_range(std::string_view field) {
  constexpr std::string_view unit = "bytes=";
  if (field.size() < unit.size() ||
      !std::ranges::equal(field.substr(0, unit.size()), unit, [](char a, char b) { return (a | 32) == (b | 32); })) {
    return std::nullopt;
  }
  const std::string_view range = trim(field.substr(unit.size()));
  const size_t dash = range.find('-');
  if (dash == range.npos) return std::nullopt;
  const std::string_view before = range.substr(0, dash), after = range.substr(dash + 1);
  RangeSpec spec;
  if (before.empty()) {
    const auto suffix = parse_position(after);
    if (!suffix) return std::nullopt;
    spec.suffix = *suffix;
    return spec;
  }
  spec.first = parse_position(before);
  if (!spec.first) return std::nullopt;
  if (after.empty()) return spec;
  spec.last = parse_position(after);
  if (!spec.last || *spec.last < *spec.first) return std::nullopt;
  return spec;
}

std::optional<ByteRange> select_range(const RangeSpec& spec, uint64_t size) {
  if (!spec.first) {
    if (spec.suffix == 0 || size == 0) return std::nullopt;
    return ByteRange{size - std::min(size, spec.suffix), size};
  }
  if (*spec.first >= size) return std::nullopt;
  const uint64_t last = std::min(spec.last.value_or(UINT64_MAX), size - 1);
  return ByteRange{*spec.first, last + 1};
}

std::string content_range(const ByteRange& range, std::optional<uint64_t> size) {
  return size ? fmt::format("bytes {}-{}/{}", range.first, range.end - 1, *size)
              : fmt::format("bytes {}-{}/*", range.first, range.end - 1);
}

std::optional<ContentRange> parse_content_range(std::string_view field) {
  constexpr std::string_view unit = "bytes ";
  if (!field.starts_with(unit)) return std::nullopt;
  field.remove_prefix(unit.size());
  const size_t dash = std::min(field.find('-'), field.size());
  const size_t slash = std::min(field.find('/', dash), field.size());
  const auto first = parse_position(field.substr(0, dash));
  const auto last = parse_position(field.substr(std::min(dash + 1, slash), slash - std::min(dash + 1, slash)));
  if (!first || !last || *last < *first || *last == UINT64_MAX || slash == field.size()) return std::nullopt;
  ContentRange found{{*first, *last + 1}, std::nullopt};
  const std::string_view size = field.substr(slash + 1);
  if (size == "*") return found;
  found.size = parse_position(size);
  return found.size && *found.size > *last ? std::optional(found) : std::nullopt;
}

std::string content_range_unsatisfied(uint64_t size) { return fmt::format("bytes */{}", size); }

bool matches_any(std::string_view if_none_match, std::string_view etag) {
  if (trim(if_none_match) == "*") return true;
  // An entity tag may hold a comma, so the list is walked from quote to quote.
  for (std::string_view rest = if_none_match;;) {
    const size_t open = rest.find('"');
    if (open == rest.npos) return false;
    const size_t close = rest.find('"', open + 1);
    if (close == rest.npos) return false;
    if (rest.substr(open, close - open + 1) == opaque(etag)) return true;
    rest.remove_prefix(close + 1);
  }
}

bool range_applies(std::string_view if_range, std::string_view etag) {
  const std::string_view asked = trim(if_range);
  return asked.starts_with('"') && asked == etag;
}

}  // namespace klieg::wire
