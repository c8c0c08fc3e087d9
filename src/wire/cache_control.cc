#include "wire/cache_control.h"

#include <algorithm>
#include <charconv>

#include "wire/http_list.h"
#include "wire/structured_field.h"

namespace klieg::wire {
namespace {

// name[=value]; a value in quotation marks comes without them.
struct Directive {
  std::string name;  // lower case
  std::optional<std::string> value;
};

Directive parse_directive(std::string_view element) {
  const size_t equals = element.find('=');
  if (equals == element.npos) return {lower_case(element), std::nullopt};
  Directive directive{lower_case(element.substr(0, equals)), std::string(element.substr(equals + 1))};
  std::string& value = *directive.value;
  // A mark that is never closed may hide a no-store or a private.
  if (value.starts_with('"') && (value.size() == 1 || !value.ends_with('"'))) return {"no-store", std::nullopt};
  if (value.starts_with('"')) {
    value = value.substr(1, value.size() - 2);
    for (size_t i = 0; (i = value.find('\\', i)) != value.npos; ++i) value.erase(i, 1);
  }
  // "max-age =1" is no max-age by the grammar; the careful reading is that it is one which makes no sense.
  if (directive.name.ends_with(' ') || directive.name.ends_with('\t')) {
    directive.name = std::string(trimmed(directive.name));
    value.insert(0, 1, ' ');
  }
  return directive;
}

template <class Visit>
void each_directive(std::span<const HeaderView> headers, std::string_view name, Visit visit) {
  for (const HeaderView& field : headers) {
    if (field.name != name) continue;
    each_element(field.value, [&](std::string_view element) { visit(parse_directive(element)); });
  }
}

// Section 4.2.1: of a directive given twice the first counts, and what makes no sense is stale.
void set_lifetime(std::optional<Duration>& lifetime, const std::optional<std::string>& value) {
  if (!lifetime) lifetime = value ? parse_delta(*value).value_or(0s) : 0s;
}
// A permission to be less careful is given only by what can be read.
void set_permission(std::optional<Duration>& permission, const std::optional<std::string>& value) {
  if (!permission && value) permission = parse_delta(*value);
}

void apply(const Directive& directive, ResponseDirectives& to) {
  const auto& [name, value] = directive;
  if (name == "public") to.public_ = true;
  if (name == "private") to.private_ = true;
  if (name == "no-store") to.no_store = true;
  if (name == "no-cache") to.no_cache = true;
  if (name == "no-transform") to.no_transform = true;
  if (name == "must-revalidate") to.must_revalidate = true;
  if (name == "proxy-revalidate") to.proxy_revalidate = true;
  if (name == "must-understand") to.must_understand = true;
  if (name == "immutable") to.immutable = true;
  if (name == "max-age") set_lifetime(to.max_age, value);
  if (name == "s-maxage") set_lifetime(to.s_maxage, value);
  if (name == "stale-while-revalidate") set_permission(to.stale_while_revalidate, value);
  if (name == "stale-if-error") set_permission(to.stale_if_error, value);
}

// A member of a targeted field as a directive (RFC 9213 section 2.1); nullopt: one that is not there, "no-store=?0".
std::optional<Directive> directive_of(const std::string& name, const sf::Member& member) {
  const auto* item = std::get_if<sf::Item>(&member);
  if (!item) return Directive{name, ""};
  if (const auto* flag = std::get_if<bool>(&item->value)) {
    return *flag ? std::optional(Directive{name, std::nullopt}) : std::nullopt;
  }
  if (const auto* number = std::get_if<int64_t>(&item->value)) return Directive{name, std::to_string(*number)};
  return Directive{name, ""};  // seconds are integers there, and nothing else
}

// Surrogate-Control (Edge Architecture Specification 1.0): "max-age=60;NAME" is for the surrogate of that name alone.
// Takes ours off.
bool is_for_us(Directive& directive) {
  std::string& last = directive.value ? *directive.value : directive.name;
  const size_t semicolon = last.find(';');
  if (semicolon == last.npos) return !directive.name.contains(';');
  const bool ours = last.substr(semicolon + 1) == surrogate_name;
  last.resize(semicolon);
  return ours;
}

}  // namespace

std::optional<Duration> parse_delta(std::string_view digits) {
  if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos) return std::nullopt;
  uint64_t seconds = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
  constexpr auto most = static_cast<uint64_t>(delta_max / 1s);
  if (error != std::errc() || seconds > most) return delta_max;
  return std::chrono::seconds(static_cast<int64_t>(seconds));
}

ResponseDirectives response_directives(std::span<const HeaderView> headers) {
  ResponseDirectives found;
  each_directive(headers, "cache-control", [&](const Directive& directive) { apply(directive, found); });
  return found;
}

RequestDirectives request_directives(std::span<const HeaderView> headers) {
  RequestDirectives found;
  each_directive(headers, "cache-control", [&](const Directive& directive) {
    const auto& [name, value] = directive;
    if (name == "no-cache") found.no_cache = true;
    if (name == "no-store") found.no_store = true;
    if (name == "only-if-cached") found.only_if_cached = true;
    if (name == "max-age") set_permission(found.max_age, value);
    if (name == "min-fresh") set_permission(found.min_fresh, value);
    if (name == "max-stale" && !found.max_stale) found.max_stale = value ? parse_delta(*value) : delta_max;
  });
  if (std::ranges::find(headers, "cache-control", &HeaderView::name) == headers.end()) {
    each_element(lower_case(sf::joined_lines(headers, "pragma")),
                 [&](std::string_view element) { found.no_cache |= element == "no-cache"; });
  }
  return found;
}

std::optional<ResponseDirectives> targeted_directives(std::span<const HeaderView> headers) {
  for (const std::string_view target : targets) {
    const auto dictionary = sf::parse_dictionary(sf::joined_lines(headers, target));
    if (!dictionary || dictionary->empty()) continue;
    ResponseDirectives found;
    for (const auto& [name, member] : *dictionary) {
      if (const auto directive = directive_of(name, member)) apply(*directive, found);
    }
    return found;
  }
  std::optional<ResponseDirectives> found;
  each_directive(headers, "surrogate-control", [&](const Directive& directive) {
    Directive ours = directive;
    if (!is_for_us(ours)) return;
    apply(ours, found ? *found : found.emplace());
  });
  return found;
}

}  // namespace klieg::wire
