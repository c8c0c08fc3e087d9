#include "wire/vary.h"

#include <algorithm>
#include <string_view>

#include "wire/http_list.h"

namespace klieg::wire {

Vary parse_vary(std::span<const HeaderView> headers) {
  Vary vary;
  for (const HeaderView& field : headers) {
    if (field.name != "vary") continue;
    each_element(field.value, [&](std::string_view element) {
      std::string name = lower_case(element);
      if (name == "*") {
        vary.anything = true;
      } else if (!name.starts_with("cmcd-")) {
        vary.names.push_back(std::move(name));
      }
    });
  }
  std::ranges::sort(vary.names);
  const auto repeated = std::ranges::unique(vary.names);
  vary.names.erase(repeated.begin(), repeated.end());
  return vary;
}

std::string variant_key(const Vary& vary, std::span<const HeaderView> request) {
  // Neither LF nor CR can be in a name or a value: they separate.
  std::string key;
  for (const std::string& name : vary.names) {
    const bool ignores_case = name == "accept-encoding" || name == "accept-language";
    key += name;
    bool present = false, first = true;
    for (const HeaderView& field : request) {
      if (field.name != name) continue;
      if (!present) key += '\r';
      present = true;
      each_element(field.value, [&](std::string_view element) {
        if (!first) key += ',';
        key += ignores_case ? lower_case(element) : std::string(element);
        first = false;
      });
    }
    key += '\n';
  }
  return key;
}

}  // namespace klieg::wire
