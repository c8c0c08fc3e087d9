#include "wire/query_key.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "wire/form.h"
#include "wire/structured_field.h"

namespace klieg::wire {
namespace {

constexpr std::string_view cmcd = "CMCD";

void append_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : text) {
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
        c == '.') {
      out += c;
    } else {
      out += {'%', digits[static_cast<uint8_t>(c) >> 4], digits[static_cast<uint8_t>(c) & 15]};
    }
  }
}

// The strings of an inner list, decoded; nullopt: it is none, or not of strings.
std::optional<std::vector<std::string>> names_in(const sf::Member& member) {
  const auto* list = std::get_if<sf::InnerList>(&member);
  if (!list) return std::nullopt;
  std::vector<std::string> names;
  for (const sf::Item& item : list->items) {
    const auto* name = std::get_if<std::string>(&item.value);
    if (!name) return std::nullopt;
    names.push_back(form_decoded(*name));
  }
  return names;
}

std::optional<bool> flag_in(const sf::Member& member) {
  const auto* item = std::get_if<sf::Item>(&member);
  const auto* flag = item ? std::get_if<bool>(&item->value) : nullptr;
  return flag ? std::optional(*flag) : std::nullopt;
}

std::optional<QueryVariance> variance_of(const sf::Dictionary& field) {
  using Parameters = QueryVariance::Parameters;
  QueryVariance variance;
  if (const auto* key_order = sf::find(field, "key-order")) {
    const auto ignored = flag_in(*key_order);
    if (!ignored) return std::nullopt;
    if (*ignored) variance.order = QueryVariance::Order::does_not;
  }
  if (const auto* params = sf::find(field, "params")) {
    if (const auto ignored = flag_in(*params)) {
      if (*ignored) variance.parameters = Parameters::only_listed_do;
    } else if (auto names = names_in(*params)) {
      variance.parameters = Parameters::listed_do_not;
      variance.listed = *std::move(names);
    } else {
      return std::nullopt;
    }
  }
  if (const auto* except = sf::find(field, "except")) {
    auto names = names_in(*except);
    if (!names || variance.parameters != Parameters::only_listed_do) return std::nullopt;
    variance.listed = *std::move(names);
  }
  return variance;
}

}  // namespace

QueryVariance no_vary_search(std::span<const HeaderView> headers) {
  const auto field = sf::parse_dictionary(sf::joined_lines(headers, "no-vary-search"));
  return field ? variance_of(*field).value_or(QueryVariance{}) : QueryVariance{};
}

std::string without_cmcd(std::string_view query) {
  if (query.find('C') == query.npos && query.find('%') == query.npos) return std::string(query);
  std::string out;
  bool first = true;
  each_parameter(query, [&](std::string_view parameter) {
    if (form_decoded(parameter_name(parameter)) == cmcd) return;
    if (!first) out += '&';
    out += parameter;
    first = false;
  });
  return out;
}

std::string query_key(std::string_view query, const QueryVariance& variance) {
  if (variance == QueryVariance{}) return without_cmcd(query);
  struct Parameter {
    std::string name, value;
    size_t place;
  };
  std::vector<Parameter> mattering;
  each_parameter(query, [&](std::string_view parameter) {
    if (parameter.empty()) return;
    std::string name = form_decoded(parameter_name(parameter));
    const bool listed = std::ranges::find(variance.listed, name) != variance.listed.end();
    if (name == cmcd || (variance.parameters == QueryVariance::Parameters::listed_do_not && listed) ||
        (variance.parameters == QueryVariance::Parameters::only_listed_do && !listed)) {
      return;
    }
    mattering.push_back({std::move(name), form_decoded(parameter_value(parameter)), mattering.size()});
  });
  // Equal names keep their order: of those it always matters.
  if (variance.order == QueryVariance::Order::does_not) {
    std::ranges::sort(mattering, {}, [](const Parameter& one) { return std::tie(one.name, one.place); });
  }
  std::string key;
  for (const auto& [name, value, place] : mattering) {
    if (!key.empty()) key += '&';
    append_encoded(key, name);
    key += '=';
    append_encoded(key, value);
  }
  return key;
}

}  // namespace klieg::wire
